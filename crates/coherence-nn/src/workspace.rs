//! The buffers of one forward and backward pass, allocated once.

use coherence_cpu::Element;

/// The buffers that the passes of an [`Mlp`](crate::Mlp) write to, for at most `capacity` examples.
///
/// Legend: m: examples of the current batch, o: outputs of a layer.
#[derive(Debug, Clone)]
pub struct Workspace<T> {
    capacity: usize,
    m: usize,
    /// The activations [m, o] of each layer; those of the last are the logits.
    pub(crate) outputs: Vec<Vec<T>>,
    /// The input [m, o] of each hidden layer's activation function.
    pub(crate) pre_activations: PreActivations<T>,
    /// The gradient [m, o] of the SUM loss with respect to each layer's pre-activations.
    pub(crate) deltas: Vec<Vec<T>>,
    widths: Vec<usize>,
}

impl<T: Element> Workspace<T> {
    /// Buffers for layers of `outputs` neurons each, with or without pre-activations.
    pub(crate) fn new(outputs: &[usize], capacity: usize, pre_activations: bool) -> Self {
        let buffers = |outputs: &[usize]| -> Vec<Vec<T>> {
            outputs.iter().map(|o| vec![T::zero(); capacity * o]).collect()
        };
        let hidden = &outputs[..outputs.len() - 1];
        Self {
            capacity,
            m: 0,
            outputs: buffers(outputs),
            pre_activations: PreActivations(pre_activations.then(|| buffers(hidden))),
            deltas: buffers(outputs),
            widths: outputs.to_vec(),
        }
    }

    /// The largest batch that fits.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of examples m of the last forward pass.
    pub fn examples(&self) -> usize {
        self.m
    }

    /// Starts a batch of m examples; panics if it does not fit.
    pub(crate) fn begin(&mut self, m: usize) {
        assert!(m <= self.capacity, "a batch of {m} in a workspace for {}", self.capacity);
        self.m = m;
    }

    /// The logits [m, k] of the last forward pass.
    pub fn logits(&self) -> &[T] {
        self.output(self.outputs.len() - 1)
    }

    /// The logits [m, k], and the buffer [m, k] for the gradient of the loss with respect to them.
    pub fn logits_and_delta(&mut self) -> (&[T], &mut [T]) {
        let last = self.outputs.len() - 1;
        let len = self.m * self.widths[last];
        (&self.outputs[last][..len], &mut self.deltas[last][..len])
    }

    /// The input [m, i] of layer `l`: the network's input `x` or the activations of the layer before.
    pub(crate) fn input<'a>(&'a self, l: usize, x: &'a [T]) -> &'a [T] {
        if l == 0 { x } else { self.output(l - 1) }
    }

    /// Layer `l`'s activations [m, o] (0 is the first layer after the input).
    fn output(&self, l: usize) -> &[T] {
        &self.outputs[l][..self.m * self.widths[l]]
    }

    /// Layer `l`'s deltas [m, o].
    pub(crate) fn delta(&self, l: usize) -> &[T] {
        &self.deltas[l][..self.m * self.widths[l]]
    }
}

/// One buffer per hidden layer; none if the activation function's derivative does not need them.
#[derive(Debug, Clone)]
pub(crate) struct PreActivations<T>(Option<Vec<Vec<T>>>);

impl<T> PreActivations<T> {
    /// The first `len` values of hidden layer `l`; empty if they are not kept.
    pub(crate) fn layer(&self, l: usize, len: usize) -> &[T] {
        self.0.as_ref().map_or(&[], |layers| &layers[l][..len])
    }

    /// As [`layer`](Self::layer), mutably.
    pub(crate) fn layer_mut(&mut self, l: usize, len: usize) -> &mut [T] {
        self.0.as_mut().map_or(&mut [], |layers| &mut layers[l][..len])
    }
}
