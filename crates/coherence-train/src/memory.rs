//! Lower bounds of the memory that a run or a measurement needs, known before it is allocated.
//!
//! Legend: d: parameters, n: examples, k: examples of a mini-batch.
//!
//! Only the large buffers are counted, so that a run needs at least this much. All arithmetic
//! saturates, so that the functions return a value for any settings.

use crate::{Aggregation, Config, evaluate, passes};

pub(crate) const F32: u64 = size_of::<f32>() as u64;
pub(crate) const F64: u64 = size_of::<f64>() as u64;

impl Config {
    /// The least number of bytes that a [`Trainer`](crate::Trainer) needs for a network of
    /// `widths`, with training and test sets of `examples` \[2\].
    ///
    /// ```
    /// # use coherence_train::{Aggregation, Config, Schedule};
    /// # let config = Config {
    /// #     batch: 100, rate: 0.1, steps: 1, aggregation: Aggregation::Mean, seed: 1,
    /// #     evaluate: Schedule::Decades, probe: 0, checkpoint_every: 0,
    /// # };
    /// let bytes = config.memory(&[784, 256, 256, 256, 10], [60_000, 10_000]);
    /// assert!((220_000_000..260_000_000).contains(&bytes)); // the images, as f32
    /// assert_eq!(config.memory(&[784, usize::MAX, 10], [60_000, 10_000]), u64::MAX);
    /// ```
    pub fn memory(&self, widths: &[usize], examples: [usize; 2]) -> u64 {
        let (d, inputs) = (parameters(widths), wide(widths.first().copied().unwrap_or(0)));
        let gradients = match self.aggregation {
            Aggregation::OverTime(_) => d.saturating_mul(3 * F32),
            _ => 0,
        };
        let pass = bytes_per_example(widths);
        let batch =
            wide(self.batch).saturating_mul(pass.saturating_add(F32.saturating_mul(inputs)));
        let evaluation = wide(evaluate::CHUNK).saturating_mul(pass);
        let probe = match self.probe {
            0 => 0,
            _ => d
                .saturating_mul(3 * F64 + F32)
                .saturating_add(wide(passes::CHUNK).saturating_mul(pass)),
        };
        let n = wide(examples[0]).saturating_add(wide(examples[1]));
        let data = n.saturating_mul(F32.saturating_mul(inputs));
        [d.saturating_mul(F32), gradients, batch, evaluation, probe, data]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// d = Σ (i + 1) o over the layers.
pub(crate) fn parameters(widths: &[usize]) -> u64 {
    let layer = |pair: &[usize]| wide(pair[0]).saturating_add(1).saturating_mul(wide(pair[1]));
    widths.windows(2).map(layer).fold(0, u64::saturating_add)
}

/// Bytes of an example's activations and deltas.
pub(crate) fn bytes_per_example(widths: &[usize]) -> u64 {
    let neurons = widths.iter().skip(1).map(|&o| wide(o)).fold(0, u64::saturating_add);
    neurons.saturating_mul(2 * F32)
}

pub(crate) fn wide(count: usize) -> u64 {
    count as u64
}
