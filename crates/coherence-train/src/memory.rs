//! Lower bounds of the memory that a run or a measurement needs, known before it is allocated.
//!
//! Legend: d: parameters, n: examples, k: examples of a mini-batch.
//!
//! Only the large buffers are counted, so that a run needs at least this much. All arithmetic
//! saturates, so that the functions return a value for any settings.

use crate::{Aggregation, Config, evaluate, examples::RESIDENT, passes};
use coherence_core::aggregate::Rule;
use coherence_nn::{Graph, Keep, device::Device};

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
        let momentum = u64::from(self.momentum > 0.0);
        let gradients = self.gradients(network).saturating_add(d.saturating_mul(momentum));
        let buffers = gradients.saturating_mul(F32);
        let pass = workspace(network, Keep::Activations);
        let images = F32.saturating_mul(inputs);
        let batch = wide(self.examples_of_a_pass()).saturating_mul(pass);
        let batch = batch.saturating_add(wide(self.batch).saturating_mul(images));
        let evaluation =
            wide(chunk(network, evaluate::CHUNK)).saturating_mul(workspace(network, Keep::Logits));
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

    /// The numbers of all gradients that are held at a time.
    fn gradients<D: Device<f32>>(&self, network: &Graph<f32, D>) -> u64 {
        let (d, is_whole) = (parameters(network), self.examples_of_a_pass() == self.batch);
        match self.aggregation.over_groups() {
            _ if self.aggregation.is_over_time() => d.saturating_mul(3),
            None => u64::from(!is_whole).saturating_mul(d),
            // Fused with the update.
            Some(_) if is_whole && !matches!(self.aggregation, Aggregation::OverGroups { .. }) => 0,
            // Tensor by tensor.
            Some((Rule::Coordinate(_), groups)) if is_whole => {
                let tensors = network.layout().tensors().iter();
                let largest = tensors.map(|tensor| tensor.range.len()).max().unwrap_or(0);
                wide(groups).saturating_mul(wide(largest))
            }
            Some((_, groups)) => d.saturating_mul(wide(groups).saturating_add(1)),
        }
    }
}

/// Bytes of a pass for each byte of the parameters: with fewer, adding the gradients of the passes and of their parts, of d
/// numbers each, takes longer than fetching activations from memory. On an Intel of family 6 model 207 the small
/// convolutional network is fastest with some 80, ResNet-18 of 8 and of 16 channels with 80 and more.
const PASS_OVER_PARAMETERS: u64 = 80;

/// Examples of a chunk: `most`, or as many as have eighty times the parameters' bytes of activations and deltas, within
/// [`PASS_BYTES`](coherence_nn::device::Memory::PASS_BYTES). A function of the network and the device alone, so that
/// results do not depend on settings.
pub(crate) fn chunk<D: Device<f32>>(network: &Graph<f32, D>, most: usize) -> usize {
    let bytes = parameters(network).saturating_mul(PASS_OVER_PARAMETERS * F32);
    let bytes = bytes.clamp(*D::PASS_BYTES.start(), *D::PASS_BYTES.end());
    let fit = bytes / bytes_per_example(network).max(1);
    usize::try_from(fit).map_or(most, |fit| fit.clamp(1, most))
}

/// d.
pub(crate) fn parameters<D: Device<f32>>(network: &Graph<f32, D>) -> u64 {
    wide(network.layout().parameters())
}

/// Bytes of an example in a workspace.
pub(crate) fn workspace<D: Device<f32>>(network: &Graph<f32, D>, keep: Keep) -> u64 {
    wide(network.workspace_values(keep)).saturating_mul(F32)
}

/// Bytes of an example's activations and deltas.
fn bytes_per_example<D: Device<f32>>(network: &Graph<f32, D>) -> u64 {
    wide(network.deltas()).saturating_mul(2 * F32)
}

pub(crate) fn wide(count: usize) -> u64 {
    count as u64
}
