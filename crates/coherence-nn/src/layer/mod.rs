//! Layers: what one node of a network computes, forward and backward, and the factors of its
//! per-example gradients. Each layer is one file.
//!
//! Legend: m: examples, z: a layer's output before its activation function, h = φ(z), δ: gradient of
//! the SUM loss with respect to z.

mod add;
mod batch_norm;
mod concatenate;
mod convolution;
mod dropout;
mod group_norm;
mod linear;
mod parameters;
mod pool;
mod scale;
mod stochastic_depth;
mod subsample;

pub use add::Add;
pub use batch_norm::BatchNorm;
pub use concatenate::Concatenate;
pub use convolution::Convolution;
pub use dropout::Dropout;
pub use group_norm::GroupNorm;
pub use linear::Linear;
pub use pool::{AveragePool, MaxPool};
pub use scale::Scale;
pub use stochastic_depth::StochasticDepth;
pub use subsample::Subsample;

use crate::{Activation, Gradients, Initial, Shape};
use coherence_cpu::{Element, normalize::Standardization, product::Output};
use core::fmt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// The ε of normalisations, PyTorch's default.
pub(crate) const EPSILON: f64 = 1e-5;

/// One tensor of a layer, under its name within the layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerTensor {
    /// PyTorch's name within the layer, such as `weight`.
    pub name: &'static str,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
    /// As [`TensorSpec::positions`](crate::TensorSpec::positions).
    pub positions: usize,
    /// How the values are drawn before training.
    pub initial: Initial,
}

/// What a node of a network computes. The activation function of the node is not part of the layer:
/// the network applies it, and its derivative.
pub trait Layer<T: Element>: fmt::Debug + Send + Sync {
    /// The shape of an example's output.
    fn shape(&self) -> Shape;

    /// The parameters, in the order in which they follow each other in the flat vector.
    fn tensors(&self) -> Vec<LayerTensor> {
        Vec::new()
    }

    /// Multiply-adds of the products of a forward pass of one example.
    fn multiply_adds(&self) -> u64 {
        0
    }

    /// Values that are estimated from the data instead of trained, such as running means.
    fn statistics(&self) -> Vec<LayerTensor> {
        Vec::new()
    }

    /// Buffers for what the forward pass of up to `capacity` examples leaves for the backward pass.
    fn kept(&self, _capacity: usize) -> Kept {
        Kept::default()
    }

    /// Whether an example's output depends on the other examples when the statistics of the batch are
    /// used. There are then no per-example gradients.
    fn couples_examples(&self) -> bool {
        false
    }

    /// Moves the statistics by the share `momentum` towards those of the last forward pass over m examples,
    /// which used the statistics of its batch.
    fn update(&self, _m: usize, _kept: &Kept, _momentum: f64, _statistics: &mut [T]) {}

    /// Computes the output, and calls [`Forward::finish`].
    fn forward(&self, pass: Forward<'_, T>);

    /// Computes from the deltas [m, shape] what [`backward`](Layer::backward) and
    /// [`factors`](Layer::factors) both need, and leaves it in `kept`. Called once in a backward pass,
    /// before them.
    fn reduce(&self, _inputs: Inputs<'_, T>, _delta: &[T], _mode: Mode, _kept: &mut Kept) {}

    /// Computes the gradient of the SUM loss with respect to input `k` from the layer's deltas, and
    /// overwrites `out` with it or adds it, as `output` says.
    fn backward(&self, pass: &Backward<'_, T>, k: usize, output: Output, out: &mut [T]);

    /// Calls `visit` with the per-example gradients of each tensor in the order of
    /// [`tensors`](Layer::tensors).
    fn factors(&self, _pass: &Backward<'_, T>, _visit: &mut dyn FnMut(usize, Gradients<'_, T>)) {}
}

/// What differs between training and evaluation. The default is evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mode {
    /// Whether batch normalisation uses the statistics of the batch, as PyTorch does in training mode,
    /// or the running statistics.
    pub batch_statistics: bool,
    /// The seed of dropout and stochastic depth, another one for every step; `None` to drop nothing.
    pub dropout: Option<u64>,
}

impl Mode {
    /// The random numbers of node `node`, if anything is dropped.
    fn stream(self, node: usize) -> Option<ChaCha8Rng> {
        let mut stream = ChaCha8Rng::seed_from_u64(self.dropout?);
        stream.set_stream(node as u64);
        Some(stream)
    }
}

/// What a layer's passes leave for later ones.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The map of a normalisation.
    pub standardization: Standardization,
    /// The biased variances of a batch.
    pub variances: Vec<f64>,
    /// The gradients of a batch with respect to scale and shift.
    pub gradients: [Vec<f64>; 2],
    /// The indices of the largest values.
    pub indices: Vec<u32>,
}

/// The inputs of a node: outputs of earlier nodes, or the input of the network.
#[derive(Debug)]
pub struct Inputs<'a, T> {
    pub(crate) x: &'a [T],
    /// The outputs of all nodes, in the buffers of the workspace.
    pub(crate) outputs: &'a crate::workspace::Buffers<T>,
    pub(crate) sources: &'a [crate::graph::Source],
}

impl<T> Clone for Inputs<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Inputs<'_, T> {}

impl<'a, T> Inputs<'a, T> {
    /// Input `k` [m, its shape].
    pub fn get(&self, k: usize) -> &'a [T] {
        match self.sources[k] {
            crate::graph::Source::Input => self.x,
            crate::graph::Source::Node(n) => self.outputs.get(n),
        }
    }
}

/// What a forward pass gives a layer.
#[derive(Debug)]
pub struct Forward<'a, T> {
    /// The number of examples m.
    pub m: usize,
    /// The index of the node in the network.
    pub node: usize,
    /// The inputs.
    pub inputs: Inputs<'a, T>,
    /// The layer's part of the flat vector of parameters.
    pub parameters: &'a [T],
    /// The layer's statistics.
    pub statistics: &'a [T],
    /// What differs between training and evaluation.
    pub mode: Mode,
    /// What is left for the backward pass.
    pub kept: &'a mut Kept,
    /// The output [m, shape], to be overwritten.
    pub output: &'a mut [T],
    pub(crate) activation: Activation,
    /// A copy of z is written here if the activation's derivative needs it; else it is empty.
    pub(crate) pre_activations: &'a mut [T],
}

impl<T: Element> Forward<'_, T> {
    /// Adds `bias` \[channels\] (none if it is empty) to the output and applies the activation function.
    pub fn finish(self, bias: &[T]) {
        self.activation.forward(bias, self.output, self.pre_activations);
    }
}

/// What a backward pass gives a layer.
#[derive(Debug)]
pub struct Backward<'a, T> {
    /// The number of examples m.
    pub m: usize,
    /// The index of the node in the network.
    pub node: usize,
    /// The inputs.
    pub inputs: Inputs<'a, T>,
    /// The layer's part of the flat vector of parameters.
    pub parameters: &'a [T],
    /// The layer's statistics.
    pub statistics: &'a [T],
    /// What differs between training and evaluation.
    pub mode: Mode,
    /// What the forward pass and [`Layer::reduce`] left.
    pub kept: &'a Kept,
    /// δ [m, shape]: the gradient of the SUM loss with respect to the layer's output.
    pub delta: &'a [T],
}
