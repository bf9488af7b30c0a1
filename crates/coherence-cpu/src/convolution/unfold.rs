//! Patches copied from images, so that a product reads them as rows.
//!
//! The positions of one image row are taken together. A patch is then some pieces of one length, one for
//! each row of the kernel, which are short: they are copied by vectors in place, since a call to copy
//! memory would take longer than the copy.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::ops::Range;

use super::gather::{Block, Gather};
use crate::{
    Element,
    simd::{Kernel, Simd},
};

/// Copies the columns `block` of `rows` of the patches of one group to `to` [rows, block].
#[derive(Debug)]
pub struct Unfold<'a, T> {
    pub(super) gather: &'a Gather,
    /// The images.
    pub(super) source: &'a [T],
    pub(super) group: usize,
    pub(super) block: &'a Block,
    pub(super) rows: Range<usize>,
    pub(super) to: &'a mut [T],
}

/// Consecutive positions of one image row.
struct Positions {
    example: usize,
    y: usize,
    xs: Range<usize>,
}

impl<T: Element> Kernel<T> for Unfold<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let (width, cols) = (self.block.width(), self.gather.axes[1].positions.len());
        let mut to = &mut core::mem::take(&mut self.to)[..self.rows.len() * width];
        let mut row = self.rows.start;
        while row < self.rows.end {
            let (example, y, x) = self.gather.position(row);
            let xs = x..cols.min(x + self.rows.end - row);
            let (patches, rest) = to.split_at_mut(xs.len() * width);
            row += xs.len();
            self.copy_patches(simd, &Positions { example, y, xs }, patches);
            to = rest;
        }
    }
}

impl<T: Element> Unfold<'_, T> {
    /// Copies the patches at `positions` to `to` [positions, block].
    #[inline(always)]
    fn copy_patches<S: Simd<T>>(&self, simd: S, positions: &Positions, to: &mut [T]) {
        let Self { gather, source, group, block, .. } = self;
        let (width, channels) = (block.width(), block.channels.len());
        let first = group * gather.group_channels + block.channels.start;
        // Taps with all channels of the image are contiguous where their sources are.
        let joins_taps = channels == gather.channels;
        let [vertical, horizontal] = &gather.axes;
        let mut column = 0;
        for (tap_row, taps) in &block.spans {
            let len = taps.len() * channels;
            let pieces = to.chunks_exact_mut(width).map(move |to| &mut to[column..][..len]);
            column += len;
            let Some(y) = vertical.sources[positions.y * vertical.taps.len() + tap_row] else {
                pieces.for_each(|piece| piece.fill(T::zero()));
                continue;
            };
            let line = (positions.example * gather.size[0] + y) * gather.size[1];
            for (x, mut piece) in positions.xs.clone().zip(pieces) {
                let start = x * horizontal.taps.len();
                let mut at = start + taps.start;
                let end = start + taps.end;
                while at < end {
                    let count = if joins_taps { horizontal.runs[at].min(end - at) } else { 1 };
                    let (values, rest) = piece.split_at_mut(count * channels);
                    match horizontal.sources[at] {
                        Some(x) => {
                            let from = (line + x) * gather.channels + first;
                            copy(simd, &source[from..][..values.len()], values);
                        }
                        None => values.fill(T::zero()),
                    }
                    piece = rest;
                    at += count;
                }
            }
        }
    }
}

/// `to = from`, of one length; the last vector may overlap the one before it.
#[inline(always)]
fn copy<T: Element, S: Simd<T>>(simd: S, from: &[T], to: &mut [T]) {
    assert!(from.len() == to.len());
    let Some(last) = to.len().checked_sub(S::LANES) else {
        return to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
    };
    let (from, to) = (from.as_ptr(), to.as_mut_ptr());
    // SAFETY: every vector begins at `last` at most, and ends within both slices.
    unsafe {
        for at in (0..last).step_by(S::LANES) {
            simd.store(to.add(at), simd.load(from.add(at)));
        }
        simd.store(to.add(last), simd.load(from.add(last)));
    }
}
