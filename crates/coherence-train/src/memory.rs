//! Lower bounds of the memory that a run or a measurement needs, known before it is allocated.
//!
//! Legend: d: parameters, n: examples, k: examples of a mini-batch.
//!
//! Only the large buffers are counted, so that a run needs at least this much. All arithmetic
//! saturates, so that the functions return a value for any settings.

use crate::{Aggregation, Config, evaluate, examples::RESIDENT, passes};
use coherence_nn::{Graph, device::Device};

pub(crate) const F32: u64 = size_of::<f32>() as u64;
pub(crate) const F64: u64 = size_of::<f64>() as u64;

impl Config {
    /// The least number of bytes that a [`Trainer`](crate::Trainer) needs for a network of this
    /// structure, with training and test sets of `examples` \[2\]. A set that is too large to
    /// be [held in memory](crate::Examples::open) counts as 0.
    ///
    /// ```
    /// # use coherence_train::Config;
    /// let config = Config { batch: 100, ..Config::default() };
    /// let network: coherence_nn::Graph<f32> = coherence_nn::model::mlp(&[784, 256, 256, 256, 10])?;
    /// let bytes = config.memory(&network, [60_000, 10_000]);
    /// assert!((220_000_000..260_000_000).contains(&bytes)); // the images, as f32
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    pub fn memory<D: Device<f32>>(&self, network: &Graph<f32, D>, examples: [usize; 2]) -> u64 {
        let (d, inputs) = (parameters(network), wide(network.input().values()));
        let gradients = match self.aggregation {
            Aggregation::OverTime(_) => 3,
            Aggregation::OverGroups { groups, .. } => wide(groups).saturating_add(1),
            _ => u64::from(self.examples_of_a_pass() < self.batch),
        };
        let buffers = gradients.saturating_add(u64::from(self.momentum > 0.0));
        let buffers = d.saturating_mul(buffers.saturating_mul(F32));
        let pass = bytes_per_example(network);
        let images = F32.saturating_mul(inputs);
        let batch = wide(self.examples_of_a_pass()).saturating_mul(pass);
        let batch = batch.saturating_add(wide(self.batch).saturating_mul(images));
        let evaluation = wide(chunk(network, evaluate::CHUNK)).saturating_mul(pass);
        let chunk_of_pass = chunk(network, passes::CHUNK);
        let of_passes = wide(chunk_of_pass).saturating_mul(pass);
        // The sum of a group, that of all groups and that of a chunk, in f64 over more than a chunk.
        let probe = match self.probe {
            0 => 0,
            n if n <= chunk_of_pass => d.saturating_mul(3 * F32).saturating_add(of_passes),
            _ => d.saturating_mul(F64 + 3 * F32).saturating_add(of_passes),
        };
        let attribution = if self.attribution.is_empty() {
            0
        } else if self.attribution.values().any(|of| of.weights.is_none()) {
            d.saturating_mul(2 * F32).saturating_add(of_passes)
        } else {
            of_passes
        };
        let imputation = if self.imputes(network) { d.saturating_mul(2 * F32 + F64) } else { 0 };
        let data = examples.map(|n| match wide(n).saturating_mul(images) {
            held if held <= RESIDENT => held,
            _ => 0,
        });
        let data = data[0].saturating_add(data[1]);
        [d.saturating_mul(F32), buffers, batch, evaluation, probe, attribution, imputation, data]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// Examples of a chunk: `most`, or as many as have [`PASS_BYTES`](coherence_nn::device::Memory::PASS_BYTES) of
/// activations and deltas. A function of the network and the device alone, so that results do not depend on settings.
pub(crate) fn chunk<D: Device<f32>>(network: &Graph<f32, D>, most: usize) -> usize {
    let fit = D::PASS_BYTES / bytes_per_example(network).max(1);
    usize::try_from(fit).map_or(most, |fit| fit.clamp(1, most))
}

/// d.
pub(crate) fn parameters<D: Device<f32>>(network: &Graph<f32, D>) -> u64 {
    wide(network.layout().parameters())
}

/// Bytes of an example's activations and deltas.
pub(crate) fn bytes_per_example<D: Device<f32>>(network: &Graph<f32, D>) -> u64 {
    wide(network.deltas()).saturating_mul(2 * F32)
}

pub(crate) fn wide(count: usize) -> u64 {
    count as u64
}
