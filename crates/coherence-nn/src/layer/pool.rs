//! Maxima and means over windows of an image.

use super::{Backward, Forward, Kept, Layer};
use crate::Shape;
use coherence_cpu::{
    Element,
    pool::{
        Divisor, Pool, PoolError, Windows, average_backward, average_forward, max_backward,
        max_forward,
    },
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
}

impl<T: Element> Layer<T> for MaxPool {
    fn shape(&self) -> Shape {
        shape(&self.windows)
    }

    fn kept(&self, capacity: usize) -> Kept {
        Kept { indices: vec![0; capacity * shape(&self.windows).values()], ..Kept::default() }
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let from = &mut pass.kept.indices[..pass.output.len()];
        max_forward(&self.windows, pass.inputs.get(0), pass.output, from);
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        let from = &pass.kept.indices[..pass.delta.len()];
        max_backward(&self.windows, pass.delta, from, output, out);
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

impl<T: Element> Layer<T> for AveragePool {
    fn shape(&self) -> Shape {
        shape(&self.windows)
    }

    fn forward(&self, pass: Forward<'_, T>) {
        average_forward(&self.windows, self.divisor, pass.inputs.get(0), pass.output);
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        average_backward(&self.windows, self.divisor, pass.delta, output, out);
    }
}

fn shape(windows: &Windows) -> Shape {
    let [height, width] = windows.output();
    Shape::image(height, width, windows.channels())
}
