//! The shortcut without parameters between residual blocks of different sizes.

use super::{Backward, Forward, Layer};
use crate::{
    Shape,
    device::{Device, Subsampling},
};
use coherence_cpu::{Element, product::Output};

/// `z[y, x, j] = a[s·y, s·x, j − before]`, and 0 for the other channels: every s-th row and column, with
/// as many channels of zeros before as after (one more after if the number is odd).
///
/// Source: He, Zhang, Ren, Sun (2016), *Deep Residual Learning for Image Recognition*
/// (arXiv 1512.03385), §3.3, option A.
#[derive(Debug, Clone)]
pub struct Subsample {
    sizes: Subsampling,
}

impl Subsample {
    /// Every `stride`-th row and column of an input, with zeros up to `channels` channels.
    ///
    /// # Panics
    ///
    /// If `stride` is 0 or there are fewer channels than those of the input.
    pub fn new(input: Shape, stride: usize, channels: usize) -> Self {
        assert!(channels >= input.channels, "{channels} channels of {}", input.channels);
        let [height, width] = input.size().map(|n| n.div_ceil(stride));
        let before = (channels - input.channels) / 2;
        let output = Shape::image(height, width, channels);
        Self { sizes: Subsampling { input, output, stride, before } }
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for Subsample {
    fn shape(&self) -> Shape {
        self.sizes.output
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let (a, out) = (pass.inputs.get(0), D::reborrow(&mut pass.output));
        pass.device.subsample(&self.sizes, a, out);
        pass.finish(None);
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        _: D::Slice<'_, T>,
        _: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        pass.device.subsample_backward(&self.sizes, pass.delta, output, out);
    }
}
