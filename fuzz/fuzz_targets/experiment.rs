//! Any bytes as an experiment file.

#![no_main]

use coherence_lab::spec::Experiment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| match Experiment::parse(file) {
    Ok(experiment) => drop(experiment.problems()),
    Err(reason) => assert!(!reason.to_string().is_empty()),
});
