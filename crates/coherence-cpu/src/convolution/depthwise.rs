//! Depthwise convolutions, which have one input and one output channel per group. The lanes of a vector
//! are channels.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::ops::Range;

use super::{Convolution, gather::Gather};
use crate::{
    Element, Isa, parallel,
    product::{Output, Target},
    simd::{Kernel, Simd, TILE},
};

/// Vectors of channels whose sums are in registers together.
const VECTORS: usize = 4;

/// The weight [channels, kernel] of a depthwise convolution as [live taps, channels].
pub(super) fn by_tap<T: Element>(conv: &Convolution, gather: &Gather, weight: &[T]) -> Vec<T> {
    if !conv.is_depthwise() {
        return Vec::new();
    }
    let rows = || weight.chunks_exact(conv.patch());
    gather.taps().flat_map(|tap| rows().map(move |row| row[tap])).collect()
}

/// Some rows of the product of gathered rows with the weight [taps, channels].
#[derive(Debug)]
pub struct DepthwiseRows<'a, T> {
    pub(super) gather: &'a Gather,
    pub(super) source: &'a [T],
    pub(super) weight: &'a [T],
    pub(super) rows: Range<usize>,
    pub(super) output: Output,
    /// Destination of the first row; the other rows follow it.
    pub(super) out: *mut T,
}

impl<'a, T: Element> DepthwiseRows<'a, T> {
    /// The whole product, to the rows of `out` that the gather's positions belong to.
    pub(super) fn multiply_all(
        isa: Isa,
        conv: &Convolution,
        gather: &'a Gather,
        [source, weight]: [&'a [T]; 2],
        output: Output,
        out: &mut [T],
    ) {
        let channels = conv.channels;
        let examples = source.len() / (gather.source_positions() * channels);
        let weight = &by_tap(conv, gather, weight);
        let target = Target(out.as_mut_ptr());
        let positions = gather.positions();
        // A piece is some rows of one example.
        let pieces = (positions * channels * gather.live_taps()).div_ceil(PIECE).min(positions);
        parallel::for_each(examples * pieces, |at| {
            let target = &target;
            let piece = at % pieces;
            let row = |piece: usize| at / pieces * positions + positions * piece / pieces;
            let rows = row(piece)..row(piece + 1);
            if gather.is_whole() {
                // SAFETY: these rows of `out`; those of other pieces are disjoint.
                let out = unsafe { target.0.add(rows.start * channels) };
                let kernel = DepthwiseRows { gather, source, weight, rows, output, out };
                return T::depthwise_rows(isa, kernel);
            }
            for row in rows {
                // SAFETY: the place of a row that belongs to this piece alone.
                let out = unsafe { target.0.add(gather.target(row) * channels) };
                let rows = row..row + 1;
                T::depthwise_rows(isa, DepthwiseRows { gather, source, weight, rows, output, out });
            }
        });
    }
}

/// Multiplications of a piece at least.
const PIECE: usize = 1 << 16;

impl<T: Element> Kernel<T> for DepthwiseRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let channels = self.gather.channels();
        let mut taps: Vec<(usize, usize)> = Vec::with_capacity(self.gather.live_taps());
        assert!(self.weight.len() == self.gather.live_taps() * channels);
        for (n, row) in self.rows.clone().enumerate() {
            taps.clear();
            let sources = self.gather.sources(row).enumerate();
            taps.extend(sources.filter_map(|(tap, at)| Some((at?, tap * channels))));
            assert!(taps.iter().all(|(at, _)| at + channels <= self.source.len()));
            let mut c = 0;
            // SAFETY: below `channels` values from each tap's source and row of the weight, and in
            // row n of `out`.
            unsafe {
                let out = self.out.add(n * channels);
                while c + VECTORS * S::LANES <= channels {
                    self.vectors::<S, VECTORS>(simd, &taps, c, out);
                    c += VECTORS * S::LANES;
                }
                while c + S::LANES <= channels {
                    self.vectors::<S, 1>(simd, &taps, c, out);
                    c += S::LANES;
                }
                for c in c..channels {
                    let sum = taps.iter().fold(T::zero(), |sum, &(at, tap)| {
                        *self.source.get_unchecked(at + c) * *self.weight.get_unchecked(tap + c)
                            + sum
                    });
                    let out = out.add(c);
                    *out = if self.output == Output::Add { *out + sum } else { sum };
                }
            }
        }
    }
}

impl<T: Element> DepthwiseRows<'_, T> {
    /// # Safety
    /// V vectors from channel `c` on lie in the row of each tap and of `out`.
    #[inline(always)]
    unsafe fn vectors<S: Simd<T>, const V: usize>(
        &self,
        simd: S,
        taps: &[(usize, usize)],
        c: usize,
        out: *mut T,
    ) {
        let mut sums = [simd.splat(T::zero()); V];
        for &(at, tap) in taps {
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                unsafe {
                    let c = c + v * S::LANES;
                    let x = simd.load(self.source.as_ptr().add(at + c));
                    let w = simd.load(self.weight.as_ptr().add(tap + c));
                    *sum = simd.mul_add(x, w, *sum);
                }
            }
        }
        for (v, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let out = out.add(c + v * S::LANES);
                let sum =
                    if self.output == Output::Add { simd.add(simd.load(out), sum) } else { sum };
                simd.store(out, sum);
            }
        }
    }
}

/// Σ over some rows of δ ⊗ patch, for some channels: `out [live taps, channels]`.
#[derive(Debug)]
pub struct DepthwiseSum<'a, T> {
    pub(super) gather: &'a Gather,
    pub(super) x: &'a [T],
    pub(super) delta: &'a [T],
    pub(super) rows: Range<usize>,
    pub(super) channels: Range<usize>,
    pub(super) output: Output,
    pub(super) out: &'a mut [T],
}

/// Rows whose products are one chain of additions.
const CHAIN: usize = 256;

impl<T: Element> Kernel<T> for DepthwiseSum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { gather, x, delta, rows, channels, output, out } = self;
        let (all, count, taps) = (gather.channels(), channels.len(), gather.live_taps());
        assert!(channels.end <= all && rows.end * all <= delta.len() && out.len() == taps * count);
        if output == Output::Overwrite {
            out.fill(T::zero());
        }
        for start in rows.clone().step_by(CHAIN) {
            let chain = start..rows.end.min(start + CHAIN);
            let mut pairs: Vec<Vec<(usize, usize)>> = vec![Vec::new(); taps];
            for row in chain {
                for (tap, at) in gather.sources(row).enumerate() {
                    if let Some(at) = at {
                        assert!(at + all <= x.len());
                        pairs[tap].push((at + channels.start, row * all + channels.start));
                    }
                }
            }
            for (pairs, out) in pairs.iter().zip(out.chunks_exact_mut(count)) {
                let mut c = 0;
                while c + VECTORS * S::LANES <= count {
                    // SAFETY: channels below `channels.end` of rows of x and of delta that exist.
                    unsafe { add_products::<T, S, VECTORS>(simd, pairs, c, [x, delta], out) }
                    c += VECTORS * S::LANES;
                }
                while c + S::LANES <= count {
                    // SAFETY: as above.
                    unsafe { add_products::<T, S, 1>(simd, pairs, c, [x, delta], out) }
                    c += S::LANES;
                }
                for (c, out) in out.iter_mut().enumerate().skip(c) {
                    let products = pairs.iter().map(|&(at, row)| x[at + c] * delta[row + c]);
                    *out = *out + products.fold(T::zero(), |sum, product| sum + product);
                }
            }
        }
    }
}

/// Adds the products of the rows in `pairs` to V vectors of `out` from channel `c` on.
///
/// # Safety
/// V vectors from each place of a pair plus `c` on are readable, and in `out` from `c` on.
#[inline(always)]
unsafe fn add_products<T: Element, S: Simd<T>, const V: usize>(
    simd: S,
    pairs: &[(usize, usize)],
    c: usize,
    [x, delta]: [&[T]; 2],
    out: &mut [T],
) {
    let mut sums = [simd.splat(T::zero()); V];
    for &(at, row) in pairs {
        for (v, sum) in sums.iter_mut().enumerate() {
            let c = c + v * S::LANES;
            // SAFETY: the caller's promise.
            let [x, delta] = unsafe {
                [simd.load(x.as_ptr().add(at + c)), simd.load(delta.as_ptr().add(row + c))]
            };
            *sum = simd.mul_add(x, delta, *sum);
        }
    }
    for (v, sum) in sums.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let out = out.as_mut_ptr().add(c + v * S::LANES);
            simd.store(out, simd.add(simd.load(out), sum));
        }
    }
}

/// Channels of a tile of about `most` coordinates, in whole lines of lanes. A wide tile is better: the
/// positions of each tap are found once for all its channels.
pub(super) fn channels_of_tile(most: usize, taps: usize) -> usize {
    (most / taps.max(1) / TILE * TILE).clamp(TILE, 16 * TILE)
}
