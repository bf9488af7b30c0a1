//! Mutated experiment files: no panic, a reason for each refusal, and bounded memory.

use std::fs;
use std::path::Path;

use coherence_data::random::{below, stream};
use coherence_lab::spec::{Experiment, files};
use coherence_tests::memory::{Counting, peak};
use coherence_tests::mutations::{MEGABYTE, survive};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads and checks; text that is not UTF-8 is refused before.
fn read(file: &[u8]) {
    let Ok(text) = str::from_utf8(file) else { return };
    match Experiment::parse(text) {
        Ok(experiment) => assert!(experiment.problems().iter().all(|p| !p.is_empty())),
        Err(reason) => assert!(!reason.is_empty()),
    }
}

/// What a file of this length may make the parser hold, in bytes.
///
/// Twice the file and 1 MB cannot hold for TOML of any length: the parser keeps tokens and a tree with
/// positions, so a value of two bytes (`1,`) costs a node of tens, and lists grow by doubling. Measured,
/// 80 × the file at worst; 96 are allowed. Up to 11 kB (ours have 8) the megabyte covers that.
fn most(length: usize) -> usize {
    (2 * length + MEGABYTE).max(96 * length)
}

#[test]
fn mutated_experiment_files_cannot_hurt() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let seeds: Vec<_> = files(&folder).unwrap().iter().map(|p| fs::read(p).unwrap()).collect();
    let mut rng = stream(0, "mutations.experiment");
    survive(&seeds, |n| below(&mut rng, n), most, read);
}

/// Texts that cost a parser more than they show: short values, keys, heads, dots, towers, junk.
#[test]
fn large_hostile_experiments_are_read_in_memory_proportional_to_them() {
    let n = 1 << 18;
    let required = "id = ''\ntitle = ''\nsource = ''\nstatement = ''\nanalysis = ''\n";
    for text in [
        format!("{required}[scale.quick]\nhidden = [{}]", "1,".repeat(n)),
        format!("a = [{}]", "[],".repeat(n)),
        format!("a = [{}]", "{},".repeat(n)),
        (0..n).map(|i| format!("{i}=1\n")).collect(),
        (0..n).map(|i| format!("[{i}]\n")).collect(),
        "[[claim]]\n".repeat(n),
        format!("{}b = 1", "a.".repeat(n)),
        format!("a = \"{}\"", "\\n".repeat(n)),
        format!("a = {}", "[".repeat(n)),
        "[".repeat(n),
        "=".repeat(n),
        "\n".repeat(n),
        "\0".repeat(n),
    ] {
        let (held, most) = (peak(|| read(text.as_bytes())), most(text.len()));
        let start: String = text.chars().take(20).collect();
        assert!(held <= most, "{start:?}…, {} bytes, held {held} of {most}", text.len());
    }
}
