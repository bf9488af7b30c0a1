//! Stochastic depth.

use super::{Backward, Dropout, Forward, Layer};
use crate::{Shape, device::Device};
use coherence_cpu::{Element, product::Output};

/// [`Dropout`] of whole examples: without a seed in the mode, z = a. With one, all values of an example
/// are 0 with probability p, so that the example skips the residual branch that ends here, and
/// a / (1 − p) otherwise. Examples are drawn independently, as in torchvision's mode `row`.
///
/// Source: Huang et al. (2016), *Deep Networks with Stochastic Depth* (arXiv 1603.09382).
#[derive(Debug, Clone)]
pub struct StochasticDepth(Dropout);

impl StochasticDepth {
    /// A branch of values of this shape that is skipped with this probability.
    ///
    /// # Panics
    ///
    /// Unless 0 ≤ `probability` < 1.
    pub fn new(shape: Shape, probability: f64) -> Self {
        Self(Dropout::new(shape, probability).with_whole_examples())
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for StochasticDepth {
    fn shape(&self) -> Shape {
        Layer::<T, D>::shape(&self.0)
    }

    fn forward(&self, pass: Forward<'_, T, D>) {
        self.0.forward(pass);
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        parameters: D::Slice<'_, T>,
        k: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        self.0.backward(pass, parameters, k, output, out);
    }
}
