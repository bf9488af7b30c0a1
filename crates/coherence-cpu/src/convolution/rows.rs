//! Products whose rows are gathered: the forward pass, the backward pass to the input, and dots of the
//! examples' gradients with a vector.
//!
//! Rows are unfolded a panel at a time, into a buffer that fits L2.
#![allow(unsafe_code)] // disjoint parts of the result, written by several threads

use core::ops::Range;

use rayon::prelude::*;

use super::{
    Convolution,
    depthwise::{DepthwiseRows, by_tap},
    gather::{Block, Gather},
    shape::Direction,
    unfold::Unfold,
};
use crate::{
    Element, Isa,
    norms::Dot,
    parallel,
    product::{Cut, DEPTH, Output, Target, multiply_to},
    scratch::Scratch,
};

/// A product of gathered rows [m · positions, taps · channels] with a weight.
#[derive(Debug)]
pub(super) struct Rows<'a, T> {
    isa: Isa,
    conv: &'a Convolution,
    gather: &'a Gather,
    source: &'a [T],
    weight: &'a [T],
    direction: Direction,
    blocks: Vec<Block>,
}

impl<'a, T: Element> Rows<'a, T> {
    /// Patches of the input times the weight.
    pub(super) fn forward(
        isa: Isa,
        conv: &'a Convolution,
        gather: &'a Gather,
        [x, weight]: [&'a [T]; 2],
    ) -> Self {
        let blocks = match gather.is_identity() {
            true => gather.blocks(usize::MAX, 1),
            false => gather.blocks(DEPTH, usize::MAX),
        };
        Self { isa, conv, gather, source: x, weight, direction: Direction::Forward, blocks }
    }

    /// Patches of the deltas times the transposed weight.
    fn backward(
        isa: Isa,
        conv: &'a Convolution,
        gather: &'a Gather,
        [delta, weight]: [&'a [T]; 2],
    ) -> Self {
        let most = if gather.is_identity() { usize::MAX } else { DEPTH };
        let blocks = gather.blocks(most, 1);
        Self { isa, conv, gather, source: delta, weight, direction: Direction::Backward, blocks }
    }

    /// Channels of a result in one group.
    fn group_cols(&self) -> usize {
        match self.direction {
            Direction::Forward => self.conv.group_outputs(),
            Direction::Backward => self.conv.group_channels(),
        }
    }

    /// The rows of the weight's matrix that belong to a block of columns of the patches.
    fn right(&self, group: usize, block: &Block, col: usize) -> (&'a [T], [usize; 2]) {
        let (patch, channels) = (self.conv.patch(), self.conv.group_channels());
        let (row, column, strides) = match self.direction {
            Direction::Forward => (col, block.channels.start, [1, patch]),
            Direction::Backward => (block.channels.start, col, [patch, 1]),
        };
        let row = group * self.conv.group_outputs() + row;
        (&self.weight[row * patch + block.tap * channels + column..], strides)
    }

    /// Some rows and columns of a group's product, written to `out`, whose rows are `width` apart.
    ///
    /// # Safety
    /// `out` is readable and writable for `rows.len()` rows of `cols.len()` values.
    unsafe fn multiply(
        &self,
        group: usize,
        [rows, cols]: [Range<usize>; 2],
        output: Output,
        out: *mut T,
        width: usize,
    ) {
        let widest = self.blocks.iter().map(Block::width).max().unwrap_or(0);
        let is_identity = self.gather.is_identity();
        let mut panel = Scratch::new(if is_identity { 0 } else { rows.len() * widest });
        for (n, block) in self.blocks.iter().enumerate() {
            let depth = block.width();
            let left = if is_identity {
                let channels = self.gather.channels();
                let first = group * self.gather.group_channels() + block.channels.start;
                (&self.source[rows.start * channels + first..], [channels, 1])
            } else {
                let unfold = Unfold {
                    gather: self.gather,
                    source: self.source,
                    group,
                    block,
                    rows: rows.clone(),
                    to: &mut panel,
                };
                T::unfold(self.isa, unfold);
                (&panel[..rows.len() * depth], [depth, 1])
            };
            let right = self.right(group, block, cols.start);
            let shape = [rows.len(), depth, cols.len()];
            let output = if n == 0 { output } else { Output::Add };
            // SAFETY: the caller's promise is passed on.
            unsafe { multiply_to(self.isa, shape, left, right, output, (out, width)) }
        }
    }

    /// Rows of the product: positions of all examples.
    fn rows(&self) -> usize {
        let images = self.source.len() / (self.gather.channels() * self.gather.source_positions());
        images * self.gather.positions()
    }

    /// Some rows and columns of a group's product, to the rows of `out` that the gather's positions belong to.
    ///
    /// # Safety
    /// `out` is the result for all images; no other thread reads or writes these rows and columns meanwhile.
    unsafe fn multiply_piece(
        &self,
        group: usize,
        [rows, cols]: [Range<usize>; 2],
        output: Output,
        out: &Target<T>,
    ) {
        if rows.is_empty() {
            return;
        }
        let width = self.conv.groups * self.group_cols();
        let first = group * self.group_cols() + cols.start;
        if self.gather.is_whole() {
            // SAFETY: rows and columns of the result; the caller's promise.
            unsafe {
                let to = out.0.add(rows.start * width + first);
                self.multiply(group, [rows, cols], output, to, width);
            }
            return;
        }
        let mut part = Scratch::new(rows.len() * cols.len());
        // SAFETY: `part` has as many rows and columns.
        unsafe {
            let part = part.as_mut_ptr();
            let piece = [rows.clone(), cols.clone()];
            self.multiply(group, piece, Output::Overwrite, part, cols.len());
        }
        for (row, from) in rows.zip(part.chunks_exact(cols.len())) {
            // SAFETY: the row's place in the result, that of no other row; the caller's promise.
            let to = unsafe {
                let to = out.0.add(self.gather.target(row) * width + first);
                core::slice::from_raw_parts_mut(to, cols.len())
            };
            match output {
                Output::Overwrite => to.copy_from_slice(from),
                Output::Add => to.iter_mut().zip(from).for_each(|(to, &from)| *to = *to + from),
            }
        }
    }
}

/// The products of gathers whose positions are different ones of the same images, to `out`. A piece is a run of rows
/// of each of them, about the same images, so that these stay in L2.
fn multiply_all<T: Element>(all: &[Rows<'_, T>], output: Output, out: &mut [T]) {
    let Some(first) = all.first() else { return };
    let (groups, cols) = (first.conv.groups, first.group_cols());
    let rows = all.iter().map(Rows::rows).max().unwrap_or(0);
    let width = all.iter().map(|rows| rows.gather.width()).max().unwrap_or(0);
    // Rows that are unfolded are packed with every piece.
    let packs_left = all.iter().any(|rows| !rows.gather.is_identity());
    let cut = Cut::new::<T>([rows, width, cols], packs_left);
    let target = Target(out.as_mut_ptr());
    parallel::for_each(groups * cut.pieces(), |at| {
        for rows in all {
            let piece = cut.of_rows(rows.rows()).piece(at % cut.pieces());
            // SAFETY: positions of different gathers and rows and columns of different pieces are disjoint.
            unsafe { rows.multiply_piece(at / cut.pieces(), piece, output, &target) }
        }
    });
}

/// `out [m, oh, ow, o] (+)= ` the convolution of `x`.
pub(super) fn forward<T: Element>(
    isa: Isa,
    conv: &Convolution,
    [x, weight]: [&[T]; 2],
    output: Output,
    out: &mut [T],
) {
    let gather = Gather::forward(conv);
    if output == Output::Overwrite && gather.width() == 0 {
        out.fill(T::zero());
    }
    products(isa, conv, &[gather], [x, weight], output, out, Rows::forward);
}

/// `out [m, h, w, i] (+)= ` the gradient with respect to x.
pub(super) fn backward<T: Element>(
    isa: Isa,
    conv: &Convolution,
    [delta, weight]: [&[T]; 2],
    output: Output,
    out: &mut [T],
) {
    let gathers = Gather::backward_by_residue(conv);
    // Input positions that no output depends on are in a gather without columns.
    if output == Output::Overwrite && gathers.iter().any(|gather| gather.width() == 0) {
        out.fill(T::zero());
    }
    products(isa, conv, &gathers, [delta, weight], output, out, Rows::backward);
}

/// The products of those gathers that have columns.
fn products<'a, T: Element>(
    isa: Isa,
    conv: &'a Convolution,
    gathers: &'a [Gather],
    [source, weight]: [&'a [T]; 2],
    output: Output,
    out: &mut [T],
    rows: impl Fn(Isa, &'a Convolution, &'a Gather, [&'a [T]; 2]) -> Rows<'a, T>,
) {
    if out.is_empty() {
        return;
    }
    let gathers = gathers.iter().filter(|gather| gather.width() > 0);
    if conv.is_depthwise() {
        return gathers.for_each(|gather| {
            DepthwiseRows::multiply_all(isa, conv, gather, [source, weight], output, out);
        });
    }
    let all: Vec<_> = gathers.map(|gather| rows(isa, conv, gather, [source, weight])).collect();
    multiply_all(&all, output, out);
}

/// Rows of a tile of [`add_dots`].
const TILE_ROWS: usize = 256;

/// `out[e] += g_e · v = δ_e · conv(x_e; v)`.
pub(super) fn add_dots<T: Element>(
    isa: Isa,
    conv: &Convolution,
    [x, delta, v]: [&[T]; 3],
    out: &mut [f64],
) {
    let gather = &Gather::forward(conv);
    if gather.width() * conv.outputs == 0 {
        return;
    }
    let (o, positions) = (conv.outputs, gather.positions());
    let examples = TILE_ROWS.div_ceil(positions);
    let weight = &by_tap(conv, gather, v);
    let rows = &Rows::forward(isa, conv, gather, [x, v]);
    out.par_chunks_mut(examples).enumerate().for_each(|(at, out)| {
        let all = at * examples * positions..(at * examples + out.len()) * positions;
        let mut part = Scratch::new(TILE_ROWS.min(all.len()) * o);
        for start in all.clone().step_by(TILE_ROWS) {
            let tile = start..all.end.min(start + TILE_ROWS);
            if conv.is_depthwise() {
                let part = part.as_mut_ptr();
                let kernel = DepthwiseRows {
                    gather,
                    source: x,
                    weight,
                    rows: tile.clone(),
                    output: Output::Overwrite,
                    out: part,
                };
                T::depthwise_rows(isa, kernel);
            } else {
                for group in 0..conv.groups {
                    let cols = 0..conv.group_outputs();
                    // SAFETY: `part` has room for the tile's rows of o values.
                    unsafe {
                        let to = part.as_mut_ptr().add(group * cols.len());
                        rows.multiply(group, [tile.clone(), cols], Output::Overwrite, to, o);
                    }
                }
            }
            for (row, part) in tile.clone().zip(part.chunks_exact(o)) {
                let dot = Dot { x: &delta[row * o..][..o], y: part };
                out[row / positions - at * examples] += T::run(isa, dot);
            }
        }
    });
}
