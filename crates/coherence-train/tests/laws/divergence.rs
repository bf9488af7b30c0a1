//! A run that diverges returns an error and keeps its measurements.

use crate::blobs::{Blobs, config, examples, network};
use coherence_train::{Aggregation, Config, TrainingRun, TrainingRunError};
use std::sync::atomic::AtomicBool;

#[test]
fn divergence_names_step_and_remedy_and_keeps_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let data = examples(&Blobs { n: 110, seed: 1 });
    let config = Config { rate: 1e30, ..config(Aggregation::Mean) };
    let mut run = TrainingRun::open(folder.path(), config, network(), data.clone(), data).unwrap();
    let error = run.advance(&AtomicBool::new(false), |_| {}).unwrap_err();
    let message = error.to_string();
    let TrainingRunError::Diverged(diverged) = error else { panic!("{message}") };
    assert!((1..5).contains(&diverged.step), "{message}");
    assert!(message.contains(&format!("at step {} (lower the rate", diverged.step)), "{message}");

    let metrics = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    let measured = metrics.lines().filter(|line| line.contains(",train.loss,")).count() as u64;
    assert_eq!(measured, diverged.step + 1, "the diverged step is measured too");
    assert!(folder.path().join("learned.csv").exists());
    assert!(!folder.path().join("checkpoint.safetensors").exists());
}
