//! Values moved and scaled by channel and position on a GPU.

use super::Cuda;
use crate::{
    Shape,
    device::{Arrangements, ChannelRange, Subsampling},
};
use coherence_cpu::product::Output;
use coherence_cuda::{Engine, Real, View, ViewMut, arrangement};

fn sizes(sizes: &Subsampling) -> arrangement::Subsampling {
    let of = |shape: Shape| [shape.height, shape.width, shape.channels];
    let Subsampling { input, output, stride, before } = *sizes;
    arrangement::Subsampling { input: of(input), output: of(output), stride, before }
}

/// Values and channels of an image.
fn image(shape: Shape) -> [usize; 2] {
    [shape.values(), shape.channels]
}

impl<T: Real, E: Engine> Arrangements<T> for Cuda<E> {
    fn put_channels(&self, channels: ChannelRange, x: View<'_, T>, out: ViewMut<'_, T>) {
        let channels = (channels.whole, channels.range());
        arrangement::put_channels(&self.engine, channels, x, Output::Overwrite, out);
    }

    fn take_channels(
        &self,
        channels: ChannelRange,
        x: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        let channels = (channels.whole, channels.range());
        arrangement::take_channels(&self.engine, channels, x, output, out);
    }

    fn subsample(&self, of: &Subsampling, a: View<'_, T>, out: ViewMut<'_, T>) {
        arrangement::subsample(&self.engine, &sizes(of), a, out);
    }

    fn subsample_backward(
        &self,
        of: &Subsampling,
        delta: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        arrangement::subsample_backward(&self.engine, &sizes(of), delta, output, out);
    }

    fn scale_channels(&self, shape: Shape, a: View<'_, T>, s: View<'_, T>, out: ViewMut<'_, T>) {
        arrangement::scale_channels(&self.engine, image(shape), a, s, out);
    }

    fn scale_channels_backward(
        &self,
        shape: Shape,
        delta: View<'_, T>,
        s: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        arrangement::scale_channels_backward(&self.engine, image(shape), delta, s, output, out);
    }

    fn scale_channels_gradient(
        &self,
        shape: Shape,
        delta: View<'_, T>,
        a: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        arrangement::scale_channels_gradient(&self.engine, image(shape), delta, a, output, out);
    }
}
