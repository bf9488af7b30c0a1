//! One factor for each channel of each example, as in a squeeze-and-excitation block.

use super::{Backward, Forward, Layer};
use crate::{Shape, device::Device};
use coherence_cpu::{Element, product::Output};

/// `z[p, j] = s[j] · a[p, j]` at each position p. The inputs are a [positions, channels] and s
/// \[channels\], both of the same example.
///
/// Source: Hu, Shen, Sun (2018), *Squeeze-and-Excitation Networks* (arXiv 1709.01507), eq. 4.
#[derive(Debug, Clone)]
pub struct Scale {
    shape: Shape,
}

impl Scale {
    /// Scaling of an input of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { shape }
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for Scale {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let [a, s] = [0, 1].map(|k| pass.inputs.get(k));
        pass.device.scale_channels(self.shape, a, s, D::reborrow(&mut pass.output));
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
        let (shape, delta, other) = (self.shape, pass.delta, pass.inputs.get(1 - k));
        if k == 0 {
            pass.device.scale_channels_backward(shape, delta, other, output, out);
        } else {
            pass.device.scale_channels_gradient(shape, delta, other, output, out);
        }
    }
}
