//! Layers: what one node of a network computes, forward and backward, and the factors of its
//! per-example gradients. Each layer is one file, and is written once for every
//! [`Device`](crate::device).
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

use crate::{
    Activation, Gradients, Initial, Shape,
    device::{Cpu, Device, Memory},
};
use coherence_cpu::{Element, product::Output};
use core::fmt;

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
///
/// The layers of this module are layers of every device: they compute by its operations alone. A layer of
/// one's own may be for [`Cpu`] only, where views are slices.
pub trait Layer<T: Element, D: Device<T> = Cpu>: fmt::Debug + Send + Sync {
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
    fn kept(&self, device: &D, _capacity: usize) -> Kept<D> {
        Kept::empty(device)
    }

    /// Whether an example's output depends on the other examples when the statistics of the batch are
    /// used. There are then no per-example gradients, and the statistics are over the examples and positions.
    fn couples_examples(&self) -> bool {
        false
    }

    /// Moves the statistics by a share, the layer's own if it is `None`, towards those of the last forward pass over m
    /// examples, which used the statistics of its batch.
    fn update(
        &self,
        _device: &D,
        _m: usize,
        _kept: &Kept<D>,
        _share: Option<f64>,
        _statistics: D::SliceMut<'_, T>,
    ) {
    }

    /// Computes the output, and calls [`Forward::finish`].
    fn forward(&self, pass: Forward<'_, T, D>);

    /// Computes from the deltas [m, shape] what [`backward`](Layer::backward) and
    /// [`factors`](Layer::factors) both need, and leaves it in `kept`. Called once in a backward pass,
    /// before them.
    fn reduce(
        &self,
        _device: &D,
        _inputs: Inputs<'_, T, D>,
        _delta: D::Slice<'_, T>,
        _mode: Mode,
        _kept: &mut Kept<D>,
    ) {
    }

    /// Computes the gradient of the SUM loss with respect to input `k` from the layer's deltas, and
    /// overwrites `out` with it or adds it, as `output` says. `parameters` is the layer's part of the flat
    /// vector.
    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        parameters: D::Slice<'_, T>,
        k: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    );

    /// Calls `visit` with the per-example gradients of each tensor in the order of
    /// [`tensors`](Layer::tensors).
    fn factors(
        &self,
        _pass: &Backward<'_, T, D>,
        _visit: &mut dyn FnMut(usize, Gradients<'_, T, D>),
    ) {
    }
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

/// What a layer's passes leave for later ones, in the memory of the device.
#[derive(Debug, Clone)]
pub struct Kept<D: Memory = Cpu> {
    /// The map of a normalisation.
    pub standardization: D::Standardization,
    /// The biased variances of a batch.
    pub variances: D::Buffer<f64>,
    /// The gradients of a batch with respect to scale and shift.
    pub gradients: [D::Buffer<f64>; 2],
    /// The indices of the largest values.
    pub indices: D::Buffer<u32>,
}

impl<D: Memory> Kept<D> {
    /// Buffers without values.
    pub fn empty(device: &D) -> Self {
        let none = || device.zeros(0);
        Self {
            standardization: D::Standardization::default(),
            variances: none(),
            gradients: [none(), none()],
            indices: device.zeros(0),
        }
    }
}

/// The inputs of a node: outputs of earlier nodes, or the input of the network.
#[derive(Debug)]
pub struct Inputs<'a, T: Element, D: Device<T> = Cpu> {
    pub(crate) x: D::Slice<'a, T>,
    /// The outputs of all nodes, in the buffers of the workspace.
    pub(crate) outputs: &'a crate::workspace::Buffers<T, D>,
    pub(crate) sources: &'a [crate::graph::Source],
}

impl<T: Element, D: Device<T>> Clone for Inputs<'_, T, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element, D: Device<T>> Copy for Inputs<'_, T, D> {}

impl<'a, T: Element, D: Device<T>> Inputs<'a, T, D> {
    /// Input `k` [m, its shape].
    pub fn get(&self, k: usize) -> D::Slice<'a, T> {
        match self.sources[k] {
            crate::graph::Source::Input => self.x,
            crate::graph::Source::Node(n) => self.outputs.get(n),
        }
    }
}

/// What a forward pass gives a layer.
#[derive(Debug)]
pub struct Forward<'a, T: Element, D: Device<T> = Cpu> {
    /// Where to compute.
    pub device: &'a D,
    /// The number of examples m.
    pub m: usize,
    /// The index of the node in the network.
    pub node: usize,
    /// The inputs.
    pub inputs: Inputs<'a, T, D>,
    /// The layer's part of the flat vector of parameters.
    pub parameters: D::Slice<'a, T>,
    /// The layer's statistics.
    pub statistics: D::Slice<'a, T>,
    /// What differs between training and evaluation.
    pub mode: Mode,
    /// What is left for the backward pass.
    pub kept: &'a mut Kept<D>,
    /// The output [m, shape], to be overwritten.
    pub output: D::SliceMut<'a, T>,
    pub(crate) activation: Activation,
    /// For a copy of z, if the activation's derivative needs it.
    pub(crate) pre_activations: Option<D::SliceMut<'a, T>>,
}

impl<T: Element, D: Device<T>> Forward<'_, T, D> {
    /// Adds `bias` \[channels\], if there is one, to the output and applies the activation function.
    pub fn finish(self, bias: Option<D::Slice<'_, T>>) {
        self.device.activate(self.activation, bias, self.output, self.pre_activations);
    }
}

/// What a backward pass gives a layer.
#[derive(Debug)]
pub struct Backward<'a, T: Element, D: Device<T> = Cpu> {
    /// Where to compute.
    pub device: &'a D,
    /// The number of examples m.
    pub m: usize,
    /// The index of the node in the network.
    pub node: usize,
    /// The inputs.
    pub inputs: Inputs<'a, T, D>,
    /// What differs between training and evaluation.
    pub mode: Mode,
    /// What the forward pass and [`Layer::reduce`] left.
    pub kept: &'a Kept<D>,
    /// δ [m, shape]: the gradient of the SUM loss with respect to the layer's output.
    pub delta: D::Slice<'a, T>,
}
