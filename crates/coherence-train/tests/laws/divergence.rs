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
    let told = format!("at step {} (lower the rate, which is {})", diverged.step, 1e30_f64);
    assert!(message.contains(&told), "{message}");

    let metrics = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    let measured = metrics.lines().filter(|line| line.contains(",train.loss,")).count() as u64;
    assert_eq!(measured, diverged.step + 1, "the diverged step is measured too");
    // Logits that are not finite predict nothing: no example of any class counts as learned by them.
    let learned = std::fs::read_to_string(folder.path().join("learned.csv")).unwrap();
    let learned_then = format!(",{}", diverged.step);
    assert_eq!(learned.lines().skip(1).count(), 110);
    assert!(learned.lines().all(|line| !line.ends_with(&learned_then)), "{learned}");
    assert!(!folder.path().join("checkpoint.safetensors").exists());
}
