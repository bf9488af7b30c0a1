//! Any text as an experiment file.

#![no_main]

use coherence_lab::spec::Experiment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(reason) = Experiment::parse(text) {
        assert!(!reason.is_empty());
    }
});
