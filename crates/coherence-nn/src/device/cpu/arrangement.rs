//! Values moved and scaled by channel and position on the processor.

use super::Cpu;
use crate::{
    Shape,
    device::{Arrangements, ChannelRange, Subsampling},
};
use coherence_cpu::{Element, product::Output};
use rayon::prelude::*;

/// Values in a thread's unit of work. Values are computed independently, so that results do not depend
/// on it.
const PIECE: usize = 1 << 13;

/// The rows in a thread's unit of work, for `part` values of the range in images of `whole` values.
fn rows_of_piece(channels: ChannelRange, part: usize, whole: usize) -> usize {
    assert_eq!(part * channels.whole, whole * channels.len, "rows of {channels:?}");
    PIECE.div_ceil(channels.whole)
}

impl<T: Element> Arrangements<T> for Cpu {
    fn put_channels(&self, channels: ChannelRange, x: &[T], out: &mut [T]) {
        let rows = rows_of_piece(channels, x.len(), out.len());
        let pieces =
            out.par_chunks_mut(rows * channels.whole).zip(x.par_chunks(rows * channels.len));
        pieces.for_each(|(out, x)| {
            let rows = out.chunks_exact_mut(channels.whole).zip(x.chunks_exact(channels.len));
            rows.for_each(|(to, from)| to[channels.range()].copy_from_slice(from));
        });
    }

    fn take_channels(&self, channels: ChannelRange, x: &[T], output: Output, out: &mut [T]) {
        let rows = rows_of_piece(channels, out.len(), x.len());
        let pieces =
            out.par_chunks_mut(rows * channels.len).zip(x.par_chunks(rows * channels.whole));
        pieces.for_each(|(out, x)| {
            let rows = out.chunks_exact_mut(channels.len).zip(x.chunks_exact(channels.whole));
            for (to, from) in rows.map(|(to, from)| (to, &from[channels.range()])) {
                match output {
                    Output::Overwrite => to.copy_from_slice(from),
                    Output::Add => to.iter_mut().zip(from).for_each(|(to, &x)| *to = *to + x),
                }
            }
        });
    }

    fn subsample(&self, sizes: &Subsampling, a: &[T], out: &mut [T]) {
        let examples = a.chunks_exact(sizes.input.values());
        out.fill(T::zero());
        for (a, z) in examples.zip(out.chunks_exact_mut(sizes.output.values())) {
            for [to, from] in sizes.ranges() {
                z[to].copy_from_slice(&a[from]);
            }
        }
    }

    fn subsample_backward(&self, sizes: &Subsampling, delta: &[T], output: Output, out: &mut [T]) {
        if output == Output::Overwrite {
            out.fill(T::zero());
        }
        let deltas = delta.chunks_exact(sizes.output.values());
        for (delta, out) in deltas.zip(out.chunks_exact_mut(sizes.input.values())) {
            for [from, to] in sizes.ranges() {
                out[to].iter_mut().zip(&delta[from]).for_each(|(out, &d)| *out = *out + d);
            }
        }
    }

    fn scale_channels(&self, shape: Shape, a: &[T], s: &[T], out: &mut [T]) {
        let (values, channels) = (shape.values(), shape.channels);
        let examples = a.par_chunks_exact(values).zip(s.par_chunks_exact(channels));
        out.par_chunks_exact_mut(values).zip(examples).for_each(|(out, (a, s))| {
            for (out, a) in out.chunks_exact_mut(channels).zip(a.chunks_exact(channels)) {
                out.iter_mut().zip(a).zip(s).for_each(|((out, &a), &s)| *out = a * s);
            }
        });
    }

    fn scale_channels_backward(
        &self,
        shape: Shape,
        delta: &[T],
        s: &[T],
        output: Output,
        out: &mut [T],
    ) {
        let (values, channels) = (shape.values(), shape.channels);
        let examples = delta.par_chunks_exact(values).zip(s.par_chunks_exact(channels));
        out.par_chunks_exact_mut(values).zip(examples).for_each(|(out, (delta, s))| {
            if output == Output::Overwrite {
                out.fill(T::zero());
            }
            let rows = out.chunks_exact_mut(channels).zip(delta.chunks_exact(channels));
            rows.for_each(|(out, delta)| add_products(out, delta, s));
        });
    }

    fn scale_channels_gradient(
        &self,
        shape: Shape,
        delta: &[T],
        a: &[T],
        output: Output,
        out: &mut [T],
    ) {
        let (values, channels) = (shape.values(), shape.channels);
        let examples = delta.par_chunks_exact(values).zip(a.par_chunks_exact(values));
        out.par_chunks_exact_mut(channels).zip(examples).for_each(|(out, (delta, a))| {
            if output == Output::Overwrite {
                out.fill(T::zero());
            }
            let rows = delta.chunks_exact(channels).zip(a.chunks_exact(channels));
            rows.for_each(|(delta, a)| add_products(out, delta, a));
        });
    }
}

/// `out[j] += x[j] · y[j]`.
fn add_products<T: Element>(out: &mut [T], x: &[T], y: &[T]) {
    out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = *out + x * y);
}
