//! Stochastic depth.

use super::{Backward, Forward, Layer, Mode};
use crate::Shape;
use coherence_cpu::{Element, elementwise::axpy, product::Output};
use rand::RngExt;

/// Without a seed in the mode, z = a. With one, all values of an example are 0 with probability p, so
/// that the example skips the residual branch that ends here, and a / (1 − p) otherwise. Examples are
/// drawn independently, as in torchvision's mode `row`; what is dropped is a pure function of the
/// seed and of the index of the layer in the network.
///
/// Source: Huang et al. (2016), *Deep Networks with Stochastic Depth* (arXiv 1603.09382).
#[derive(Debug, Clone)]
pub struct StochasticDepth {
    shape: Shape,
    probability: f64,
}

impl StochasticDepth {
    /// A branch of values of this shape that is skipped with this probability.
    ///
    /// # Panics
    ///
    /// Unless 0 ≤ `probability` < 1.
    pub fn new(shape: Shape, probability: f64) -> Self {
        assert!((0.0..1.0).contains(&probability), "stochastic depth of probability {probability}");
        Self { shape, probability }
    }

    /// Adds to `out`, or overwrites it with, the examples of `from` that are not dropped.
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
        let values = self.shape.values();
        for (out, from) in out.chunks_exact_mut(values).zip(from.chunks_exact(values)) {
            if !stream.random_bool(self.probability) {
                axpy(factor, from, out);
            }
        }
    }
}

impl<T: Element> Layer<T> for StochasticDepth {
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
