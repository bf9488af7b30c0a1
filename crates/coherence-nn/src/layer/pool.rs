//! Maxima and means over windows of an image.

use super::{Backward, Forward, Kept, Layer};
use crate::{Shape, device::Device};
use coherence_cpu::{
    Element,
    pool::{Divisor, Pool, PoolError, Windows},
    product::Output,
};

/// z[y, x, j] = max over a window of a[·, ·, j]. The gradient goes to the first of equal maxima.
#[derive(Debug, Clone)]
pub struct MaxPool {
    windows: Windows,
}

impl MaxPool {
    /// The maxima over the windows of `pool`.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if the sizes do not fit.
    pub fn new(pool: Pool) -> Result<Self, PoolError> {
        Ok(Self { windows: pool.windows()? })
    }

    /// The maxima over windows that divide any input into [height, width] parts, as PyTorch's adaptive pooling.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if a size is 0.
    pub fn adaptive(input: Shape, output: [usize; 2]) -> Result<Self, PoolError> {
        Ok(Self { windows: Windows::adaptive(input.size(), output, input.channels)? })
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for MaxPool {
    fn shape(&self) -> Shape {
        shape(&self.windows)
    }

    fn kept(&self, device: &D, capacity: usize) -> Kept<D> {
        let indices = device.zeros(capacity * shape(&self.windows).values());
        Kept { indices, ..Kept::empty(device) }
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let values = pass.m * shape(&self.windows).values();
        let from = D::part_mut(D::view_mut(&mut pass.kept.indices), 0..values);
        let (a, out) = (pass.inputs.get(0), D::reborrow(&mut pass.output));
        pass.device.max_forward(&self.windows, a, out, from);
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
        let from = D::part(D::view(&pass.kept.indices), 0..D::len(pass.delta));
        pass.device.max_backward(&self.windows, pass.delta, from, output, out);
    }
}

/// z[y, x, j] = mean over a window of a[·, ·, j].
#[derive(Debug, Clone)]
pub struct AveragePool {
    windows: Windows,
    divisor: Divisor,
}

impl AveragePool {
    /// The means over the windows of `pool`; zeros of the padding count, as in PyTorch.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if the sizes do not fit.
    pub fn new(pool: Pool) -> Result<Self, PoolError> {
        Ok(Self { windows: pool.windows()?, divisor: Divisor::Window })
    }

    /// The means over windows that divide any input into [height, width] parts, as PyTorch's adaptive
    /// pooling.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if a size is 0.
    pub fn adaptive(input: Shape, output: [usize; 2]) -> Result<Self, PoolError> {
        let windows = Windows::adaptive(input.size(), output, input.channels)?;
        Ok(Self { windows, divisor: Divisor::Inputs })
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for AveragePool {
    fn shape(&self) -> Shape {
        shape(&self.windows)
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let (a, out) = (pass.inputs.get(0), D::reborrow(&mut pass.output));
        pass.device.average_forward(&self.windows, self.divisor, a, out);
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
        pass.device.average_backward(&self.windows, self.divisor, pass.delta, output, out);
    }
}

fn shape(windows: &Windows) -> Shape {
    let [height, width] = windows.output();
    Shape::image(height, width, windows.channels())
}
