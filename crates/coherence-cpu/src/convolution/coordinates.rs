//! Coordinates of the weight in tiles, over which the examples' gradients are formed and summed.
//!
//! A thread owns a tile and runs over the examples. The cut into tiles depends on the sizes alone, so that
//! sums over tiles are the same on every machine.
#![allow(unsafe_code)] // disjoint coordinates of the weight, written by several threads

use core::{ops::Range, slice::from_raw_parts_mut};

use rayon::prelude::*;

use super::{
    Convolution,
    depthwise::{DepthwiseSum, channels_of_tile},
    few::FewPositions,
    gather::{Block, Gather},
    unfold::Unfold,
};
use crate::{
    Element, Isa,
    product::{DEPTH, Output, Target, multiply_to, panel_width},
    scratch::Scratch,
    simd::TILE,
    transpose::Transpose,
};

/// Up to so many positions, gradients are written straight to where they are selected.
pub(super) const FEW_POSITIONS: usize = 32;

/// Sums over at least so many rows are worth transposing the deltas, if a position's deltas take more bytes than
/// [`IN_PLACE`]: those of a chain then lie in many pages.
const TRANSPOSED: usize = 32;

/// Deltas of a position that are read in place, in bytes. On a Zen 4 transposing 64 or 128 channels took 2 to 6 % of
/// a step.
const IN_PLACE: usize = 512;

/// The factors of a batch.
#[derive(Debug)]
pub(super) struct Batch<'a, T> {
    pub(super) isa: Isa,
    pub(super) conv: &'a Convolution,
    pub(super) gather: Gather,
    pub(super) x: &'a [T],
    pub(super) delta: &'a [T],
    /// Number of examples.
    pub(super) m: usize,
}

/// Coordinates of the weight that one thread handles at a time.
#[derive(Clone, Debug)]
pub(super) enum Tile {
    /// Output channels of a group and columns of the patch, [rows, block]. The columns are unfolded in
    /// `pieces`, which the product reads in place if they are as wide as its panels.
    Dense { group: usize, rows: Range<usize>, block: Block, pieces: Vec<Block> },
    /// All live taps of some channels of a depthwise convolution: [taps, channels].
    Depthwise { channels: Range<usize>, taps: usize },
}

impl Tile {
    /// Number of coordinates.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Dense { rows, block, .. } => rows.len() * block.width(),
            Self::Depthwise { channels, taps } => channels.len() * taps,
        }
    }
}

impl<'a, T: Element> Batch<'a, T> {
    pub(super) fn new(isa: Isa, conv: &'a Convolution, x: &'a [T], delta: &'a [T]) -> Self {
        let gather = Gather::forward(conv);
        let m = conv.examples(x.len(), delta.len());
        Self { isa, conv, gather, x, delta, m }
    }

    /// Positions of an example.
    pub(super) fn positions(&self) -> usize {
        self.gather.positions()
    }

    /// The rows, examples times positions, of some examples.
    pub(super) fn rows(&self, examples: Range<usize>) -> Range<usize> {
        examples.start * self.positions()..examples.end * self.positions()
    }

    /// All coordinates with a tap outside the padding, in tiles of about `rows` × `cols`.
    pub(super) fn tiles(&self, [most_rows, most_cols]: [usize; 2]) -> Vec<Tile> {
        let (conv, taps) = (self.conv, self.gather.live_taps());
        if taps == 0 {
            return Vec::new();
        }
        if conv.is_depthwise() {
            let most = channels_of_tile(most_rows * most_cols, taps);
            let parts = cut(conv.channels, most);
            return parts.map(|channels| Tile::Depthwise { channels, taps }).collect();
        }
        let blocks = self.gather.blocks(most_cols, usize::MAX);
        let groups = (0..conv.groups)
            .flat_map(|group| cut(conv.group_outputs(), most_rows).map(move |rows| (group, rows)));
        let width = match self.gather.is_identity() {
            true => usize::MAX,
            false => panel_width::<T>(self.isa),
        };
        let tile = |(group, rows): (usize, Range<usize>), block: &Block| Tile::Dense {
            group,
            rows,
            block: block.clone(),
            pieces: block.pieces(width),
        };
        groups.flat_map(|band| blocks.iter().map(move |block| tile(band.clone(), block))).collect()
    }

    /// The results of `piece` for each part of the examples and each tile, in this order: pieces that run
    /// at the same time share their examples.
    pub(super) fn in_parallel<R: Send>(
        &self,
        tiles: &[Tile],
        parts: &[Range<usize>],
        piece: impl Fn(&Tile, Range<usize>) -> R + Sync,
    ) -> Vec<R> {
        let run = |at: usize| piece(&tiles[at % tiles.len()], parts[at / tiles.len()].clone());
        (0..tiles.len() * parts.len()).into_par_iter().with_max_len(1).map(run).collect()
    }

    /// `out (+)= Σ δ ⊗ patch` over some rows, for the coordinates of `tile`, on the calling thread.
    pub(super) fn sum(&self, tile: &Tile, rows: Range<usize>, output: Output, out: &mut [T]) {
        let Self { isa, gather, x, delta, .. } = self;
        if rows.is_empty() && output == Output::Overwrite {
            out.fill(T::zero());
        }
        let (group, band, width, pieces) = match tile {
            Tile::Dense { group, rows, block, pieces } => (*group, rows, block.width(), pieces),
            Tile::Depthwise { channels, .. } => {
                let channels = channels.clone();
                let sum = DepthwiseSum { gather, x, delta, rows, channels, output, out };
                return T::depthwise_sum(*isa, sum);
            }
        };
        let o = self.conv.outputs;
        let is_identity = gather.is_identity();
        let mut panel = Scratch::new(if is_identity { 0 } else { DEPTH.min(rows.len()) * width });
        let is_in_place = rows.len() < TRANSPOSED || o * size_of::<T>() <= IN_PLACE;
        let mut transposed =
            Scratch::new(if is_in_place { 0 } else { DEPTH.min(rows.len()) * band.len() });
        for start in rows.clone().step_by(DEPTH) {
            let chain = start..rows.end.min(start + DEPTH);
            let first = group * self.conv.group_outputs() + band.start;
            let from = &delta[start * o + first..];
            let len = chain.len();
            let left = if is_in_place {
                (from, [1, o])
            } else {
                let to = &mut transposed[..len * band.len()];
                T::transpose_block(*isa, Transpose { from, stride: o, rows: len, to });
                (&transposed[..], [len, 1])
            };
            let output = if start == rows.start { output } else { Output::Add };
            let mut column = 0;
            for block in pieces {
                let right = if is_identity {
                    let channels = gather.channels();
                    let first = group * gather.group_channels() + block.channels.start;
                    (&x[start * channels + first..], [channels, 1])
                } else {
                    let (source, rows, to) = (*x, chain.clone(), &mut *panel);
                    T::unfold(*isa, Unfold { gather, source, group, block, rows, to });
                    (&panel[..len * block.width()], [block.width(), 1])
                };
                let shape = [band.len(), len, block.width()];
                let out = &mut out[column..];
                assert!(out.len() >= (band.len() - 1) * width + block.width());
                // SAFETY: `out` has as many rows, `width` apart, of the block's columns.
                unsafe { multiply_to(*isa, shape, left, right, output, (out.as_mut_ptr(), width)) }
                column += block.width();
            }
        }
    }

    /// [`Batch::sum`] over the rows of few positions, written to the lines of `values`
    /// [⌈tile / TILE⌉, n, TILE] as value `e`; returns whether the tile and the rows are such.
    pub(super) fn sum_few(
        &self,
        tile: &Tile,
        rows: Range<usize>,
        (values, n, e): (&mut [T], usize, usize),
    ) -> bool {
        let Tile::Dense { group, rows: band, block, .. } = tile else { return false };
        let width = block.width();
        if rows.len() > FEW_POSITIONS || rows.is_empty() || !width.is_multiple_of(TILE) {
            return false;
        }
        let mut patches = Scratch::new(rows.len() * width);
        let (gather, source, group) = (&self.gather, self.x, *group);
        let unfold = Unfold { gather, source, group, block, rows: rows.clone(), to: &mut patches };
        T::unfold(self.isa, unfold);
        let stride = self.conv.outputs;
        let first = group * self.conv.group_outputs() + band.start;
        let delta = &self.delta[rows.start * stride + first..];
        let (patches, rows) = (&patches[..], band.len());
        let kernel = FewPositions { delta, stride, patches, width, rows, values, n, e };
        T::few_positions(self.isa, kernel);
        true
    }

    /// Calls `change` with each coordinate of the weight that lies in `tile` and its value.
    pub(super) fn write(
        &self,
        tile: &Tile,
        values: &[T],
        weight: &Weight<T>,
        change: impl Fn(&mut T, T),
    ) {
        let patch = self.conv.patch();
        let change = |first: usize, values: &[T]| {
            // SAFETY: the coordinates belong to this tile alone.
            let to = unsafe { weight.part(first..first + values.len()) };
            to.iter_mut().zip(values).for_each(|(to, &value)| change(to, value));
        };
        match tile {
            Tile::Dense { group, rows, block, .. } => {
                let first = group * self.conv.group_outputs() + rows.start;
                let column = block.tap * self.conv.group_channels() + block.channels.start;
                for (row, values) in (first..).zip(values.chunks_exact(block.width())) {
                    change(row * patch + column, values);
                }
            }
            Tile::Depthwise { channels, .. } => {
                for (tap, values) in self.gather.taps().zip(values.chunks_exact(channels.len())) {
                    let places = channels.clone().zip(values.chunks_exact(1));
                    places.for_each(|(c, value)| change(c * patch + tap, value));
                }
            }
        }
    }
}

/// The weight or a gradient, written by several threads in disjoint tiles.
pub(super) struct Weight<T> {
    target: Target<T>,
    len: usize,
}

impl<T> Weight<T> {
    pub(super) fn new(weight: &mut [T]) -> Self {
        Self { target: Target(weight.as_mut_ptr()), len: weight.len() }
    }

    /// Consecutive coordinates.
    ///
    /// # Safety
    /// No other thread reads or writes them meanwhile, and the caller keeps one part at a time.
    #[allow(clippy::mut_from_ref, reason = "parts of different tiles are disjoint")]
    unsafe fn part(&self, coordinates: Range<usize>) -> &mut [T] {
        assert!(coordinates.start <= coordinates.end && coordinates.end <= self.len);
        // SAFETY: they lie in the weight; the caller's promise.
        unsafe { from_raw_parts_mut(self.target.0.add(coordinates.start), coordinates.len()) }
    }
}

/// Cuts `0 .. len` in parts of nearly equal length, at most `most`.
fn cut(len: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = len.div_ceil(most);
    (0..parts).map(move |part| len * part / parts..len * (part + 1) / parts)
}
