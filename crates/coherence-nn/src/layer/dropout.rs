//! Dropout.

use super::{Backward, Forward, Layer, Mode};
use crate::Shape;
use coherence_cpu::{Element, elementwise::axpy, product::Output};
use rand::RngExt;

/// Without a seed in the mode, z = a. With one, each value is 0 with probability p and a / (1 − p)
/// otherwise, so that its expectation is a. What is dropped is a pure function of the seed and of the
/// index of the layer in the network.
///
/// Source: Srivastava et al. (2014), *Dropout: A Simple Way to Prevent Neural Networks from
/// Overfitting*.
#[derive(Debug, Clone)]
pub struct Dropout {
    shape: Shape,
    probability: f64,
    /// Neighbouring values that are dropped together.
    unit: usize,
}

impl Dropout {
    /// Dropout of values of this shape.
    ///
    /// # Panics
    ///
    /// Unless 0 ≤ `probability` < 1.
    pub fn new(shape: Shape, probability: f64) -> Self {
        assert!((0.0..1.0).contains(&probability), "dropout with probability {probability}");
        Self { shape, probability, unit: 1 }
    }

    /// The same with all values of an example dropped together.
    pub(super) fn of_examples(self) -> Self {
        Self { unit: self.shape.values(), ..self }
    }

    /// Adds to `out`, or overwrites it with, the values of `from` that are not dropped.
    fn apply<T: Element>(
        &self,
        mode: Mode,
        node: usize,
        from: &[T],
        output: Output,
        out: &mut [T],
    ) {
        if output == Output::Overwrite {
            out.fill(T::zero());
        }
        let Some(mut stream) = mode.stream(node) else { return axpy(T::one(), from, out) };
        let factor = T::narrow(1.0 / (1.0 - self.probability));
        for (out, from) in out.chunks_exact_mut(self.unit).zip(from.chunks_exact(self.unit)) {
            if !stream.random_bool(self.probability) {
                out.iter_mut().zip(from).for_each(|(out, &value)| *out = *out + factor * value);
            }
        }
    }
}

impl<T: Element> Layer<T> for Dropout {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let a = pass.inputs.get(0);
        self.apply(pass.mode, pass.node, a, Output::Overwrite, pass.output);
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        self.apply(pass.mode, pass.node, pass.delta, output, out);
    }
}
