//! Trainers whose steps are timed.

use coherence_data::{Dataset, random};
use coherence_nn::{
    Graph, Model,
    device::{Cpu, Device},
};
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
    initialized_on(Cpu::detect(), network)
}

/// [`initialized`] on another device.
pub fn initialized_on<D: Device<f32>>(device: D, network: Graph<f32, D>) -> Model<f32, D> {
    Model::initialized_on(device, network, &mut random::stream(1, "bench"))
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
    trainer_on(initialized(network), data, test, batch, aggregation, rate, false)
}

/// [`trainer_of`] for a network on another device, with batch normalisation by the statistics of the mini-batch
/// if `batch_statistics`.
///
/// # Panics
///
/// As [`trainer_of`].
pub fn trainer_on<D: Device<f32>>(
    model: Model<f32, D>,
    data: &dyn Dataset,
    test: &dyn Dataset,
    batch: usize,
    aggregation: Aggregation,
    rate: f64,
    batch_statistics: bool,
) -> Trainer<D> {
    let config = Config {
        batch,
        rate,
        steps: Config::MOST_STEPS,
        aggregation,
        batch_statistics,
        estimation_batches: 0,
        evaluate: Schedule::Every { steps: 1 },
        ..Config::default()
    };
    let [data, test] = [data, test].map(|set| Examples::decode(set).expect("data in memory"));
    Trainer::new(config, model, data, test).expect("settings that fit the data")
}
