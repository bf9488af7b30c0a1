//! The embedded digits, repeated as often as needed, and trainers over them.

use coherence_data::{
    Dataset, digits, random,
    select::{Subset, split},
};
use coherence_nn::{Model, model::mlp};
use coherence_train::{Aggregation, Config, Examples, Trainer};

/// Widths of the goals' network, 335,114 parameters.
pub const SMALL: [usize; 5] = [784, 256, 256, 256, 10];

/// Widths of the larger network of W6, 11,067,810 parameters.
pub const BIG: [usize; 5] = [784, 2550, 2550, 1000, 10];

/// The first `len` of the embedded digits, repeated from the start if necessary.
pub fn digits(len: usize) -> impl Dataset + Clone {
    let data = digits::train();
    let n = data.len();
    Subset::new(data, (0..len).map(|i| i % n).collect()).expect("indices below n")
}

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

/// A trainer over the first `examples` digits, Xavier weights from a fixed seed.
///
/// # Panics
///
/// If `batch` exceeds `examples`, or `widths` are not those of a network for digits.
pub fn trainer(
    widths: &[usize],
    [examples, batch]: [usize; 2],
    aggregation: Aggregation,
    rate: f64,
) -> Trainer {
    let config = Config { batch, rate, steps: u64::MAX, aggregation, ..Config::default() };
    let network = mlp(widths).expect("widths of a network");
    let model = Model::initialized(network, &mut random::stream(1, "bench"));
    let (test, _) = split(digits::test(), 1).expect("a test digit");
    let sets: [&dyn Dataset; 2] = [&self::digits(examples), &test];
    let [train, test] = sets.map(|set| Examples::decode(set).expect("digits in memory"));
    Trainer::new(config, model, train, test).expect("settings that fit the digits")
}
