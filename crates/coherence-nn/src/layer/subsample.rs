//! The shortcut without parameters between residual blocks of different sizes.

use super::{Backward, Forward, Layer};
use crate::Shape;
use coherence_cpu::{Element, product::Output};

/// `z[y, x, j] = a[s·y, s·x, j − before]`, and 0 for the other channels: every s-th row and column, with
/// as many channels of zeros before as after (one more after if the number is odd).
///
/// Source: He, Zhang, Ren, Sun (2016), *Deep Residual Learning for Image Recognition*
/// (arXiv 1512.03385), §3.3, option A.
#[derive(Debug, Clone)]
pub struct Subsample {
    input: Shape,
    output: Shape,
    stride: usize,
    /// Channels of zeros before those of the input.
    before: usize,
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
        Self { input, output: Shape::image(height, width, channels), stride, before }
    }

    /// For each position of the output of one example, the ranges of the channels that come from
    /// the input: in the output and in the input.
    fn ranges(&self) -> impl Iterator<Item = [core::ops::Range<usize>; 2]> {
        let Self { input, output, stride, before } = self.clone();
        let c = input.channels;
        (0..output.positions()).map(move |p| {
            let (y, x) = (p / output.width, p % output.width);
            let from = (y * stride * input.width + x * stride) * c;
            let to = p * output.channels + before;
            [to..to + c, from..from + c]
        })
    }
}

impl<T: Element> Layer<T> for Subsample {
    fn shape(&self) -> Shape {
        self.output
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let examples = pass.inputs.get(0).chunks_exact(self.input.values());
        pass.output.fill(T::zero());
        for (a, z) in examples.zip(pass.output.chunks_exact_mut(self.output.values())) {
            for [to, from] in self.ranges() {
                z[to].copy_from_slice(&a[from]);
            }
        }
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        if output == Output::Overwrite {
            out.fill(T::zero());
        }
        let deltas = pass.delta.chunks_exact(self.output.values());
        for (delta, out) in deltas.zip(out.chunks_exact_mut(self.input.values())) {
            for [from, to] in self.ranges() {
                out[to].iter_mut().zip(&delta[from]).for_each(|(out, &d)| *out = *out + d);
            }
        }
    }
}
