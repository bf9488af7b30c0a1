//! The channels of several inputs side by side, as in an inception module.

use super::{Backward, Forward, Layer};
use crate::{
    Shape,
    device::{ChannelRange, Device},
};
use coherence_cpu::{Element, product::Output};

/// `z[p] = (a_0[p], a_1[p], …)` at each position p. The inputs have one height and width; their
/// channels follow each other.
#[derive(Debug, Clone)]
pub struct Concatenate {
    shape: Shape,
    /// Channels of each input.
    channels: Vec<usize>,
}

impl Concatenate {
    /// The concatenation of inputs of these shapes.
    ///
    /// # Panics
    ///
    /// If there are no inputs or they differ in height or width.
    pub fn new(inputs: &[Shape]) -> Self {
        let size = inputs[0].size();
        assert!(inputs.iter().all(|input| input.size() == size), "inputs differ in size");
        let channels: Vec<usize> = inputs.iter().map(|input| input.channels).collect();
        Self { shape: Shape::image(size[0], size[1], channels.iter().sum()), channels }
    }

    /// The channels of input `k` in the output.
    fn range(&self, k: usize) -> ChannelRange {
        let start = self.channels[..k].iter().sum();
        ChannelRange { whole: self.shape.channels, start, len: self.channels[k] }
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for Concatenate {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        for k in 0..self.channels.len() {
            let out = D::reborrow(&mut pass.output);
            pass.device.put_channels(self.range(k), pass.inputs.get(k), out);
        }
        pass.finish(None);
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        _: D::Slice<'_, T>,
        k: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        pass.device.take_channels(self.range(k), pass.delta, output, out);
    }
}
