//! Values moved, or scaled, by channel and position.

use super::Memory;
use crate::Shape;
use coherence_cpu::{Element, product::Output};
use core::ops::Range;

/// Some neighbouring channels of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelRange {
    /// The channels of the image.
    pub whole: usize,
    /// The first channel of the range.
    pub start: usize,
    /// The number of channels in the range.
    pub len: usize,
}

impl ChannelRange {
    /// The values of the range at a position.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.len
    }
}

/// Every s-th row and column of an image, with zeros as additional channels:
/// `z[y, x, j] = a[s·y, s·x, j − before]`, and 0 for the other channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subsampling {
    /// The shape of a.
    pub input: Shape,
    /// The shape of z.
    pub output: Shape,
    /// The stride s.
    pub stride: usize,
    /// Channels of zeros before those of the input.
    pub before: usize,
}

impl Subsampling {
    /// For each position of the output of one example, the ranges of the channels that come from
    /// the input: in the output and in the input.
    pub fn ranges(&self) -> impl Iterator<Item = [Range<usize>; 2]> {
        let Self { input, output, stride, before } = *self;
        let c = input.channels;
        (0..output.positions()).map(move |p| {
            let (y, x) = (p / output.width, p % output.width);
            let from = (y * stride * input.width + x * stride) * c;
            let to = p * output.channels + before;
            [to..to + c, from..from + c]
        })
    }
}

/// Channels put together and taken apart, images subsampled, channels scaled.
pub trait Arrangements<T: Element>: Memory {
    /// Copies x [rows, len] into the channels `channels` of out [rows, whole].
    fn put_channels(
        &self,
        channels: ChannelRange,
        x: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, T>,
    );

    /// `out [rows, len] (+)=` the channels `channels` of x [rows, whole].
    fn take_channels(
        &self,
        channels: ChannelRange,
        x: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// `out = z` of [`Subsampling`] for the images a.
    fn subsample(&self, sizes: &Subsampling, a: Self::Slice<'_, T>, out: Self::SliceMut<'_, T>);

    /// Backward: `out (+)=` the delta of each value's place in z; values that are in no place get 0.
    fn subsample_backward(
        &self,
        sizes: &Subsampling,
        delta: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// `out[e, p, j] = a[e, p, j] · s[e, j]` for images a of `shape` and factors s [m, c].
    fn scale_channels(
        &self,
        shape: Shape,
        a: Self::Slice<'_, T>,
        s: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, T>,
    );

    /// Backward to the images: `out[e, p, j] (+)= delta[e, p, j] · s[e, j]`.
    fn scale_channels_backward(
        &self,
        shape: Shape,
        delta: Self::Slice<'_, T>,
        s: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// Backward to the factors: `out[e, j] (+)= Σ_p delta[e, p, j] · a[e, p, j]`.
    fn scale_channels_gradient(
        &self,
        shape: Shape,
        delta: Self::Slice<'_, T>,
        a: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );
}
