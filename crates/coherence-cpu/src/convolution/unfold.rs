//! Patches copied from images, so that a product reads them as rows.
//!
//! The positions of one image row are taken together. Contiguous values are often few, for example three
//! taps of 16 channels: they are copied by vectors here, since a call to copy memory would take longer than
//! the copy.
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
        let width = self.block.width();
        let mut to = &mut core::mem::take(&mut self.to)[..self.rows.len() * width];
        if to.is_empty() {
            return;
        }
        // Counted on from the first row: images may be one position wide, and a division takes longer
        // than the copy of a patch.
        let [lines, cols] = [0, 1].map(|axis| self.gather.axes[axis].positions.len());
        let (mut example, mut y, mut x) = self.gather.position(self.rows.start);
        let mut left = self.rows.len();
        while left > 0 {
            let xs = x..cols.min(x + left);
            left -= xs.len();
            let (patches, rest) = to.split_at_mut(xs.len() * width);
            self.copy_patches(simd, &Positions { example, y, xs }, width, patches);
            (to, x, y) = (rest, 0, y + 1);
            if y == lines {
                (example, y) = (example + 1, 0);
            }
        }
    }
}

impl<T: Element> Unfold<'_, T> {
    /// Copies the patches at `positions` to `to` [positions, block], `width` the block's.
    #[inline(always)]
    fn copy_patches<S: Simd<T>>(&self, simd: S, positions: &Positions, width: usize, to: &mut [T]) {
        let (block, axis) = (self.block, &self.gather.axes[0]);
        let mut column = 0;
        for (tap_row, taps) in &block.spans {
            let y = axis.sources[positions.y * axis.taps.len() + tap_row];
            let line =
                y.map(|y| (positions.example * self.gather.size[0] + y) * self.gather.size[1]);
            match block.spans.len() * taps.len() {
                1 => self.copy_tap(simd, line, taps.start, positions.xs.clone(), to),
                _ => {
                    let to = to.chunks_exact_mut(width).map(|patch| &mut patch[column..]);
                    self.copy_taps(simd, line, taps, positions.xs.clone(), to);
                }
            }
            column += taps.len() * block.channels.len();
        }
    }

    /// Copies the only tap of the block from the image row that begins at position `line`, positions
    /// with consecutive sources together.
    #[inline(always)]
    fn copy_tap<S: Simd<T>>(
        &self,
        simd: S,
        line: Option<usize>,
        tap: usize,
        mut xs: Range<usize>,
        mut to: &mut [T],
    ) {
        let (axis, channels) = (&self.gather.axes[1], self.block.channels.len());
        let source = |x: usize| axis.sources[x * axis.taps.len() + tap];
        while let Some(x) = xs.next() {
            let (first, mut count) = (source(x), 1);
            while xs.start < xs.end && source(xs.start) == first.map(|first| first + count) {
                count += 1;
                xs.start += 1;
            }
            let (values, rest) = to.split_at_mut(count * channels);
            to = rest;
            if channels == self.gather.channels {
                self.copy(simd, line, first, values);
            } else {
                for (n, values) in values.chunks_exact_mut(channels).enumerate() {
                    self.copy(simd, line, first.map(|first| first + n), values);
                }
            }
        }
    }

    /// Copies some taps from the image row that begins at position `line`, for each position to the
    /// start of one of `to`; of one position taps with consecutive sources together.
    #[inline(always)]
    fn copy_taps<'b, S: Simd<T>>(
        &self,
        simd: S,
        line: Option<usize>,
        taps: &Range<usize>,
        xs: Range<usize>,
        to: impl Iterator<Item = &'b mut [T]>,
    ) where
        T: 'b,
    {
        let (axis, channels) = (&self.gather.axes[1], self.block.channels.len());
        let are_contiguous = channels == self.gather.channels;
        for (x, to) in xs.zip(to) {
            let mut values = &mut to[..taps.len() * channels];
            let [mut at, end] = [taps.start, taps.end].map(|tap| x * axis.taps.len() + tap);
            while at < end {
                let count = if are_contiguous { axis.runs[at].min(end - at) } else { 1 };
                let (piece, rest) = values.split_at_mut(count * channels);
                self.copy(simd, line, axis.sources[at], piece);
                values = rest;
                at += count;
            }
        }
    }

    /// Copies values of the image from position `x` of the row `line` on, zeros in the padding.
    #[inline(always)]
    fn copy<S: Simd<T>>(&self, simd: S, line: Option<usize>, x: Option<usize>, to: &mut [T]) {
        let (Some(line), Some(x)) = (line, x) else { return to.fill(T::zero()) };
        let first = self.group * self.gather.group_channels + self.block.channels.start;
        let from = (line + x) * self.gather.channels + first;
        copy(simd, &self.source[from..][..to.len()], to);
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
