//! Trainers whose steps are timed.

use coherence_data::{Dataset, random};
use coherence_nn::{Graph, Model};
use coherence_train::{Aggregation, Config, Examples, Schedule, Trainer};

/// A rate so small that hours of steps do not change the sparsity of the deltas.
pub const RATE: f64 = 1e-6;

/// One step.
///
/// # Panics
///
/// If the loss is not finite.
pub fn step(trainer: &mut Trainer) {
    trainer.advance().expect("a finite loss");
}

/// The network with the initial weights of its architecture, from a fixed seed.
pub fn initialized(network: Graph<f32>) -> Model<f32> {
    Model::initialized(network, &mut random::stream(1, "bench"))
}

/// A trainer that measures nothing. Batch normalisation, if the network has any, uses the running
/// statistics, so that every rule is defined.
///
/// # Panics
///
/// If the data do not fit the network or `batch` exceeds them.
pub fn trainer_of(
    network: Graph<f32>,
    data: &dyn Dataset,
    test: &dyn Dataset,
    batch: usize,
    aggregation: Aggregation,
    rate: f64,
) -> Trainer {
    let config = Config {
        batch,
        rate,
        steps: u64::MAX,
        aggregation,
        batch_statistics: false,
        estimation_batches: 0,
        evaluate: Schedule::Every { steps: 1 },
        ..Config::default()
    };
    let [data, test] = [data, test].map(|set| Examples::decode(set).expect("data in memory"));
    Trainer::new(config, initialized(network), data, test).expect("settings that fit the data")
}
