//! Lower bounds of the memory that a run or a measurement needs, known before it is allocated.
//!
//! Legend: d: parameters, n: examples, k: examples of a mini-batch.
//!
//! Only the large buffers are counted, so that a run needs at least this much. All arithmetic
//! saturates, so that the functions return a value for any settings.

use crate::{Aggregation, Config, evaluate, passes};
use coherence_nn::Graph;

pub(crate) const F32: u64 = size_of::<f32>() as u64;
pub(crate) const F64: u64 = size_of::<f64>() as u64;

impl Config {
    /// The least number of bytes that a [`Trainer`](crate::Trainer) needs for a network of this
    /// structure, with training and test sets of `examples` \[2\].
    ///
    /// ```
    /// # use coherence_train::{Aggregation, Config, Schedule};
    /// # let config = Config {
    /// #     batch: 100, rate: 0.1, steps: 1, aggregation: Aggregation::Mean,
    /// #     batch_statistics: true, seed: 1,
    /// #     evaluate: Schedule::Decades, probe: 0, checkpoint_every: 0,
    /// # };
    /// let network = coherence_nn::model::mlp(&[784, 256, 256, 256, 10])?;
    /// let bytes = config.memory(&network, [60_000, 10_000]);
    /// assert!((220_000_000..260_000_000).contains(&bytes)); // the images, as f32
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    pub fn memory(&self, network: &Graph<f32>, examples: [usize; 2]) -> u64 {
        let (d, inputs) = (parameters(network), wide(network.input().values()));
        let gradients = match self.aggregation {
            Aggregation::OverTime(_) => d.saturating_mul(3 * F32),
            _ => 0,
        };
        let pass = bytes_per_example(network);
        let batch =
            wide(self.batch).saturating_mul(pass.saturating_add(F32.saturating_mul(inputs)));
        let evaluation = wide(chunk(network, evaluate::CHUNK)).saturating_mul(pass);
        let probe = match self.probe {
            0 => 0,
            _ => d
                .saturating_mul(3 * F64 + F32)
                .saturating_add(wide(chunk(network, passes::CHUNK)).saturating_mul(pass)),
        };
        let n = wide(examples[0]).saturating_add(wide(examples[1]));
        let data = n.saturating_mul(F32.saturating_mul(inputs));
        [d.saturating_mul(F32), gradients, batch, evaluation, probe, data]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// Examples of a chunk: `most`, or as many as have 256 MiB of activations and deltas. A function of the
/// network alone, so that results do not depend on settings.
pub(crate) fn chunk(network: &Graph<f32>, most: usize) -> usize {
    const BYTES: u64 = 256 << 20;
    let fit = BYTES / bytes_per_example(network).max(1);
    usize::try_from(fit).map_or(most, |fit| fit.clamp(1, most))
}

/// d.
pub(crate) fn parameters(network: &Graph<f32>) -> u64 {
    wide(network.layout().parameters())
}

/// Bytes of an example's activations and deltas.
pub(crate) fn bytes_per_example(network: &Graph<f32>) -> u64 {
    wide(network.deltas()).saturating_mul(2 * F32)
}

pub(crate) fn wide(count: usize) -> u64 {
    count as u64
}
