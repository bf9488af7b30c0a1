//! Pooling.

use super::Memory;
use coherence_cpu::{
    Element,
    pool::{Divisor, Windows},
    product::Output,
};

/// Maxima and means over windows of images: x [m, h, w, c] to out [m, oh, ow, c], delta [m, oh, ow, c] to
/// out [m, h, w, c].
pub trait Pools<T: Element>: Memory {
    /// The maximum of each window, and in `from` its position: the first of equal ones. NaN is the largest.
    fn max_forward(
        &self,
        windows: &Windows,
        x: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, T>,
        from: Self::SliceMut<'_, u32>,
    );

    /// Every delta is added at the position `from` of its maximum.
    fn max_backward(
        &self,
        windows: &Windows,
        delta: Self::Slice<'_, T>,
        from: Self::Slice<'_, u32>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// The mean of each window, the sum in `f64`.
    fn average_forward(
        &self,
        windows: &Windows,
        divisor: Divisor,
        x: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, T>,
    );

    /// Every delta, divided by the divisor of its window, is added at the positions of the window.
    fn average_backward(
        &self,
        windows: &Windows,
        divisor: Divisor,
        delta: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );
}
