//! The embedded digits, repeated as often as needed, and trainers of perceptrons over them.

use coherence_data::{
    Dataset, Normalized, digits,
    select::{Subset, split},
};
use coherence_nn::model::mlp;
use coherence_train::{Aggregation, Trainer};

use crate::training::trainer_of;

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

/// The same, standardised by the mean and deviation of MNIST: without a pixel that is zero.
///
/// # Panics
///
/// Never: the digits have one channel.
pub fn standardized(len: usize) -> impl Dataset + Clone {
    let mnist = "mnist".parse().expect("a name of means and deviations");
    Normalized::new(digits(len), mnist).expect("one channel")
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
    trainer_over(&self::digits(examples), widths, batch, aggregation, rate)
}

/// [`trainer`] over other images of digits.
///
/// # Panics
///
/// As [`trainer`].
pub fn trainer_over(
    data: &dyn Dataset,
    widths: &[usize],
    batch: usize,
    aggregation: Aggregation,
    rate: f64,
) -> Trainer {
    let network = mlp(widths).expect("widths of a network");
    let (test, _) = split(digits::test(), 1).expect("a test digit");
    trainer_of(network, data, &test, batch, aggregation, rate)
}
