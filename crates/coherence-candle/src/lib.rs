//! Per-example gradients of any candle model, and our networks as candle modules.
//!
//! candle's autograd yields the gradient of a batch. This crate captures the factors of each example's
//! gradient in the backward pass. From them it computes the squared norm of each example's gradient,
//! their sum S, and α by layer. The m × d matrix of gradients is never formed.
//!
//! - **Your own model:** import [`linear`], [`linear_no_bias`], [`conv2d`], [`batch_norm`],
//!   [`group_norm`], [`layer_norm`] and [`embedding`] from here instead of from candle_nn. They have the
//!   same arguments and results. [`Tap::record`] the forward pass, run `backward` on the SUM of the losses,
//!   and [`Tap::measure`].
//! - **Our networks:** a [`Network`] is an architecture of [`coherence_nn::model`] as a candle module.
//!   Its parameters are in a `VarBuilder` under torchvision's names.
//!
//! # Example: α by layer of one's own model
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use candle_nn::{Module, VarBuilder, VarMap, loss::cross_entropy};
//! use coherence_candle::{Tap, linear}; // instead of candle_nn::linear
//!
//! let (variables, device) = (VarMap::new(), Device::Cpu);
//! let vb = VarBuilder::from_varmap(&variables, DType::F32, &device);
//! let (fc1, fc2) = (linear(4, 8, vb.pp("fc1"))?, linear(8, 3, vb.pp("fc2"))?);
//! let x = Tensor::rand(0f32, 1.0, (5, 4), &device)?;
//! let labels = Tensor::new(&[0u32, 1, 2, 0, 1], &device)?;
//!
//! let tap = Tap::new();
//! let logits = tap.record(|| fc2.forward(&fc1.forward(&x)?.relu()?))?;
//! let loss = (cross_entropy(&logits, &labels)? * 5.0)?; // candle's loss is a MEAN
//! let gradients = loss.backward()?; // for the optimiser, as ever
//! let measured = tap.measure()?;
//! for (layer, coherence) in measured.layers() {
//!     println!("{layer}: alpha = {:.3}", coherence.alpha());
//! }
//! assert_eq!(measured.layers().len(), 2);
//! # let _ = gradients;
//! # Ok::<(), candle_core::Error>(())
//! ```
//!
//! # What is exact
//!
//! - **The loss.** Gradients are of the loss on which `backward` runs. If that is the SUM Σ ℓ_e, they are
//!   the g_e = ∇ℓ_e. With a MEAN loss every g_e is divided by m; α is the same for both.
//! - **Shared parameters.** Several layers may hold one variable, and a layer may be used several times.
//!   The gradient of an example is the sum over the uses, and its norm is taken of that sum. The gradients
//!   of the examples are then formed one by one, in memory for one of them.
//! - **Other uses of a variable** are not measured, for example a variable that is added to activations.
//!   [`TapMeasurement::check_complete`] finds them.
//! - **Examples.** The first axis of every layer's input is the example; sequences are [m, t, …]. If a
//!   model folds positions into the first axis, each position counts as an example. If it mixes
//!   examples, they have no gradients of their own; batch normalisation in training mode is an error.
//! - **candle's own gradients** (0.11.1) are wrong for `max_pool2d` and for relu′(0), which is 1;
//!   `softmax_last_dim` has none (use `softmax`). The deltas are then wrong, too. The backward pass of a
//!   strided convolution fails if height and width leave different remainders, such as 6 × 5 with stride 2
//!   and a padded kernel of 3; a [`Network`] has none of these limits.
//!
//! # What does this crate not do?
//!
//! It measures f32 models, on the CPU and on NVIDIA GPUs. Another element type or device is an error that names
//! it. It has no optimisers and no data sets.
//!
//! # GPUs
//!
//! With the feature `cuda`, taps, layers and networks work on candle's CUDA devices: in the tensors' memory and in
//! candle's queue. Only squared norms, α and the indices of embeddings are copied to the host. candle's build needs
//! nvcc. The program is linked with CUDA's libraries and does not start without them.
//!
//! Layers follow the device of their variables. A [`Network`] has the device of its model:
//!
//! ```no_run
//! # #[cfg(feature = "cuda")] {
//! use candle_core::{DType, Device};
//! use candle_nn::{VarBuilder, VarMap};
//! use coherence_candle::{Network, TensorDevice};
//! use coherence_cuda::Driver;
//! use coherence_nn::{Model, device::Cuda, model::mlp};
//!
//! let (gpu, variables) = (Device::new_cuda(0)?, VarMap::new());
//! let model = Model::zeros_on(Cuda::<Driver>::from_candle(&gpu)?, mlp(&[784, 100, 10])?);
//! let network = Network::new(model, VarBuilder::from_varmap(&variables, DType::F32, &gpu))?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod device;
mod gradients;
mod layer;
mod lookups;
mod measurement;
mod network;
mod tap;
#[cfg(test)]
mod tests;
mod uses;

pub use device::TensorDevice;
pub use gradients::PerExampleGradients;
pub use layer::{
    BatchNorm, Conv2d, Embedding, GroupNorm, LayerNorm, Linear, batch_norm, conv2d, conv2d_no_bias,
    embedding, group_norm, layer_norm, linear, linear_no_bias,
};
pub use measurement::{TapMeasurement, TensorMeasurement};
pub use network::Network;
pub use tap::Tap;

/// The full name of the tensor `name` of `vb`.
fn name_in(vb: &candle_nn::VarBuilder, name: &str) -> String {
    match &vb.prefix()[..] {
        "" => name.to_owned(),
        prefix => format!("{prefix}.{name}"),
    }
}

/// Why batch normalisation by the statistics of the batch cannot be recorded.
fn coupled(layer: &str) -> String {
    format!(
        "{layer}: batch normalisation in training mode makes the examples of a batch depend on each \
         other, so that they have no gradients of their own (record in evaluation mode, which uses the \
         running statistics; or take the gradients of whole mini-batches and impute alpha by \
         coherence_core::minibatch::deamplify)"
    )
}
