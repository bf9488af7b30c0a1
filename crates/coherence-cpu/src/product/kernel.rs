//! The product of two strided matrices, written once for every instruction set.
//!
//! The right factor is copied into panels, a few vectors wide and at most [`DEPTH`] rows deep, which
//! stay in L1. The left factor is read as many columns at a time as the panel has rows, which stay in
//! L2: in place, or from a packed copy if they are scattered over many pages. A tile of the result stays
//! in registers while values of the left factor multiply rows of the panel. Meanwhile the next panel's
//! part of the right factor and the tile's place in the result are prefetched.
//!
//! Every element of the result is one chain of additions in the order of `inner`, cut every [`DEPTH`]
//! terms, so its bits do not depend on how the result is cut in pieces, nor on which zeros are left out.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::ops::Range;

use super::{
    view::View,
    write::{Order, Out, Rows},
    zeros::{self, NonZeros},
};
use crate::{
    Element, Isa,
    scratch::{Aligned, Scratch},
    simd::{Kernel, Simd, TILE},
};

/// Rows of a panel: an element's chain of additions is cut here, so it is the same on every machine.
pub(crate) const DEPTH: usize = 256;

/// Vectors in a row of the widest panel.
const VECTORS: usize = 3;

/// Rows that are searched for zeros, or transposed, at a time: whole tiles and whole vectors of any instruction set.
pub(super) const GROUP: usize = 48;

/// Some rows and columns of `out [_, _] (+)= left [_, inner] · right [inner, _]`.
#[derive(Debug)]
pub struct Piece<'a, T> {
    pub(super) left: View<'a, T>,
    pub(super) right: View<'a, T>,
    pub(super) inner: usize,
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
    pub(super) out: Out<T>,
    /// Terms that are left out; the rows begin with one of its tiles.
    pub(super) zeros: Option<&'a NonZeros>,
}

/// Columns of the panels on an instruction set. A right factor of so many columns, whose rows follow each
/// other, is a panel already and is read in place.
pub(crate) fn panel_width<T: Element>(isa: Isa) -> usize {
    T::run(isa, PanelWidth)
}

struct PanelWidth;

impl<T: Element> Kernel<T> for PanelWidth {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> usize {
        S::PRODUCT_TILE[1] * S::LANES
    }
}

/// The panels of some columns on an instruction set. A right factor [inner, panel] of whole vectors, whose rows
/// follow each other, is read in place.
pub(crate) fn panels<T: Element>(isa: Isa, cols: Range<usize>) -> Vec<Range<usize>> {
    T::run(isa, Panels(cols))
}

struct Panels(Range<usize>);

impl<T: Element> Kernel<T> for Panels {
    type Output = Vec<Range<usize>>;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> Self::Output {
        panels_of::<T, S>(&self.0).collect()
    }
}

impl<T: Element> Kernel<T> for Piece<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        if self.left.is_scattered(self.inner) {
            let mut packed = Scratch::new(self.rows.len() * self.inner.min(DEPTH));
            self.multiply::<S, true>(simd, Some(&mut packed));
        } else if self.left.has_rows() {
            self.multiply::<S, false>(simd, None);
        } else {
            self.multiply::<S, true>(simd, None);
        }
    }
}

/// Cuts columns into panels of nearly equal numbers of vectors: a panel with a single vector, which
/// loads more than it computes, is then rare.
#[inline(always)]
fn panels_of<T: Element, S: Simd<T>>(cols: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = *cols;
    let vectors = (end - start).div_ceil(S::LANES);
    let panels = vectors.div_ceil(S::PRODUCT_TILE[1]);
    let bound = move |panel: usize| end.min(start + vectors * panel / panels * S::LANES);
    (0..panels).map(move |panel| bound(panel)..bound(panel + 1))
}

/// Terms that the loop over a tile's depth adds at a time.
const UNROLL: usize = 4;

/// The left factor's rows of one tile, which begin at `left`, and where the result goes. The left factor's
/// columns are all multiplied, or those named.
struct Tile<'a, T> {
    left: *const T,
    strides: [usize; 2],
    columns: Option<&'a [u8]>,
    to: Rows<T>,
}

/// The part of the right factor that fills the panel.
struct Block {
    depth: Range<usize>,
    cols: Range<usize>,
}

impl<T: Element> Piece<'_, T> {
    /// Rows of the next tile where `rows` are left: as many as fit the registers, fewer where terms are left out,
    /// or a power of two.
    #[inline(always)]
    fn height<S: Simd<T>>(&self, rows: usize) -> usize {
        let whole = if self.zeros.is_some() { zeros::HEIGHT } else { S::PRODUCT_TILE[0] };
        if rows >= whole { whole } else { 1 << rows.ilog2() }
    }

    /// Computes the product. The left factor is packed to `packed` if there is one, with room for all
    /// rows times [`DEPTH`] columns or all there are. A tile reads contiguous columns with `COLUMNS`,
    /// contiguous rows otherwise.
    #[inline(always)]
    fn multiply<S: Simd<T>, const COLUMNS: bool>(&self, simd: S, mut packed: Option<&mut [T]>) {
        const {
            assert!(
                GROUP.is_multiple_of(S::PRODUCT_TILE[0]) && GROUP.is_multiple_of(zeros::HEIGHT)
            );
        }
        let mut panel = Aligned::<T, { DEPTH * VECTORS * TILE }>::new();
        let mut strip = Aligned::<T, { GROUP * VECTORS * TILE }>::new();
        let room = [panel.as_mut_ptr(), strip.as_mut_ptr()];
        for k in (0..self.inner).step_by(DEPTH) {
            let depth = k..self.inner.min(k + DEPTH);
            if let Some(packed) = &mut packed {
                self.pack_left::<S>(&depth, packed);
            }
            let mut blocks = panels_of::<T, S>(&self.cols)
                .map(|cols| Block { depth: depth.clone(), cols })
                .peekable();
            while let Some(block) = blocks.next() {
                let (next, left) = (blocks.peek(), packed.as_deref());
                // SAFETY: `block` lies inside the matrices and has as many vectors as said; the panel has
                // room for DEPTH rows of VECTORS vectors, the strip for GROUP; `packed` holds this depth.
                unsafe {
                    match block.cols.len().div_ceil(S::LANES) {
                        1 => self.multiply_block::<S, 1, COLUMNS>(simd, &block, next, left, room),
                        2 => self.multiply_block::<S, 2, COLUMNS>(simd, &block, next, left, room),
                        _ => self
                            .multiply_block::<S, VECTORS, COLUMNS>(simd, &block, next, left, room),
                    }
                }
            }
        }
    }

    /// Copies columns `depth` of the left factor to `packed`, for each tile [depth, rows of the tile].
    ///
    /// Some columns at a time: so few that they stay in L1 until the last tile has read them, and so
    /// many that a tile's part of `packed` fills whole cache lines. Where terms are left out all at once, since
    /// finding the columns of a part takes longer than reading them again.
    #[inline(always)]
    fn pack_left<S: Simd<T>>(&self, depth: &Range<usize>, packed: &mut [T]) {
        assert!(packed.len() >= self.rows.len() * depth.len());
        let at_once = if self.zeros.is_some() { DEPTH } else { TILE };
        for first in (0..depth.len()).step_by(at_once) {
            let columns = first..depth.len().min(first + at_once);
            let mut row = self.rows.start;
            while row < self.rows.end {
                let height = self.height::<S>(self.rows.end - row);
                let to = packed[(row - self.rows.start) * depth.len()..].as_mut_ptr();
                let zeros = self.zeros.filter(|_| height == zeros::HEIGHT);
                let named = zeros.map(|zeros| zeros.of(row, depth));
                // SAFETY: as many rows of these columns exist, and the tile's part of `packed` has room for them.
                unsafe {
                    match (named, height) {
                        (Some(named), _) => {
                            let named = named.iter().map(|&k| usize::from(k));
                            self.pack_tile::<{ zeros::HEIGHT }>(row, depth.start, named, to);
                        }
                        (None, 8) => self.pack_tile::<8>(row, depth.start, columns.clone(), to),
                        (None, 6) => self.pack_tile::<6>(row, depth.start, columns.clone(), to),
                        (None, 4) => self.pack_tile::<4>(row, depth.start, columns.clone(), to),
                        (None, 2) => self.pack_tile::<2>(row, depth.start, columns.clone(), to),
                        _ => self.pack_tile::<1>(row, depth.start, columns.clone(), to),
                    }
                }
                row += height;
            }
        }
    }

    /// Copies `R` rows of some columns of the left factor, counted from column `first` on, to `to` [columns, R].
    ///
    /// # Safety
    /// The rows exist in these columns, and `to` has room for them.
    #[inline(always)]
    unsafe fn pack_tile<const R: usize>(
        &self,
        row: usize,
        first: usize,
        columns: impl Iterator<Item = usize>,
        to: *mut T,
    ) {
        let (from, [down, across]) = (self.left.at(row, first), self.left.strides());
        // SAFETY: the caller's promise.
        unsafe {
            if down == 1 {
                for k in columns {
                    to.add(k * R).copy_from_nonoverlapping(from.add(k * across), R);
                }
            } else {
                for k in columns {
                    for r in 0..R {
                        *to.add(k * R + r) = *from.add(k * across + r * down);
                    }
                }
            }
        }
    }

    /// All rows of the left factor times a block of `V` vectors' width, the last of them maybe
    /// not full. The `next` block is prefetched.
    ///
    /// # Safety
    /// `block` lies inside the matrices; `panel` has room for its depth times `V` vectors and `strip` for [`GROUP`]
    /// times as many; [`Piece::pack_left`] filled `packed` with the block's depth; the left factor's rows, or with
    /// `COLUMNS` its columns, are contiguous there or in place.
    #[inline(always)]
    unsafe fn multiply_block<S: Simd<T>, const V: usize, const COLUMNS: bool>(
        &self,
        simd: S,
        block: &Block,
        next: Option<&Block>,
        packed: Option<&[T]>,
        [panel, strip]: [*mut T; 2],
    ) {
        let is_first = block.depth.start == 0;
        let is_transposed = self.out.order == Order::ColumnMajor;
        // SAFETY: the caller's promise, and the rows of each tile exist.
        unsafe {
            let panel = match self.panel_in_place(block, V * S::LANES) {
                Some(panel) => panel,
                None => {
                    self.pack::<S, V>(simd, block, panel);
                    panel.cast_const()
                }
            };
            // Rows from `waiting` on are in the strip, if there is one.
            let (mut row, mut waiting) = (self.rows.start, self.rows.start);
            while row < self.rows.end {
                let height = self.height::<S>(self.rows.end - row);
                let zeros = self.zeros.filter(|_| height == zeros::HEIGHT);
                let columns = zeros.map(|zeros| zeros.of(row, &block.depth));
                if let Some(next) = next {
                    self.prefetch(
                        simd,
                        next,
                        row - self.rows.start..row + height - self.rows.start,
                    );
                }
                let to = if is_transposed {
                    Rows::of_strip::<S, V>(strip, row - waiting)
                } else {
                    self.out.rows(row, &block.cols, is_first)
                };
                let tile = match packed {
                    Some(packed) => Tile {
                        left: packed[(row - self.rows.start) * block.depth.len()..].as_ptr(),
                        strides: [1, height],
                        columns,
                        to,
                    },
                    None => Tile {
                        left: self.left.at(row, block.depth.start),
                        strides: self.left.strides(),
                        columns,
                        to,
                    },
                };
                match height {
                    8 if S::PRODUCT_TILE[0] == 8 => {
                        self.tile::<S, 8, V, COLUMNS>(simd, &tile, block, panel);
                    }
                    6 if S::PRODUCT_TILE[0] == 6 => {
                        self.tile::<S, 6, V, COLUMNS>(simd, &tile, block, panel);
                    }
                    4 => self.tile::<S, 4, V, COLUMNS>(simd, &tile, block, panel),
                    2 => self.tile::<S, 2, V, COLUMNS>(simd, &tile, block, panel),
                    _ => self.tile::<S, 1, V, COLUMNS>(simd, &tile, block, panel),
                }
                row += height;
                if is_transposed && (row == self.rows.end || row == waiting + GROUP) {
                    self.out.write_transposed::<S, V>(
                        simd,
                        strip,
                        [&(waiting..row), &block.cols],
                        is_first,
                    );
                    waiting = row;
                }
            }
        }
    }

    /// `block` of the right factor, if its rows follow each other as those of a panel of this width.
    #[inline(always)]
    fn panel_in_place(&self, block: &Block, width: usize) -> Option<*const T> {
        let is_panel = self.right.strides() == [width, 1] && block.cols.len() == width;
        is_panel.then(|| self.right.at(block.depth.start, block.cols.start))
    }

    /// Prefetches the share of `block` of the right factor that falls to a tile of `rows` of the piece.
    #[inline(always)]
    fn prefetch<S: Simd<T>>(&self, simd: S, block: &Block, rows: Range<usize>) {
        let [down, across] = self.right.strides();
        let (depth, count) = (block.depth.len(), block.cols.len());
        let ((lines, stride), len) =
            if across == 1 { ((depth, down), count) } else { ((count, across), depth) };
        let from = self.right.at(block.depth.start, block.cols.start);
        let share = |row: usize| lines * row / self.rows.len();
        for line in share(rows.start)..share(rows.end) {
            for n in (0..len).step_by(TILE) {
                simd.prefetch(from.wrapping_add(line * stride + n));
            }
        }
    }

    /// Copies `block` of the right factor to `panel` [depth, V vectors], zeros beyond its width.
    ///
    /// # Safety
    /// As [`Piece::multiply_block`].
    #[inline(always)]
    unsafe fn pack<S: Simd<T>, const V: usize>(&self, simd: S, block: &Block, panel: *mut T) {
        let (depth, count) = (block.depth.len(), block.cols.len());
        let from = self.right.at(block.depth.start, block.cols.start);
        let [down, across] = self.right.strides();
        let whole = count / S::LANES * S::LANES;
        let transposed = if across == 1 { 0 } else { depth / S::LANES * S::LANES };
        // SAFETY: rows below `depth` and columns below `count` of the block on one side, below
        // `depth` and V vectors of the panel on the other.
        unsafe {
            for k in (0..transposed).step_by(S::LANES) {
                for c in (0..whole).step_by(S::LANES) {
                    let from = from.add(k * down + c * across);
                    simd.transpose(from, across, panel.add(k * V * S::LANES + c), V * S::LANES);
                }
            }
            for k in 0..depth {
                let (from, to) = (from.add(k * down), panel.add(k * V * S::LANES));
                let mut c = if k < transposed { whole } else { 0 };
                while across == 1 && c < whole {
                    simd.store(to.add(c), simd.load(from.add(c)));
                    c += S::LANES;
                }
                while c < V * S::LANES {
                    *to.add(c) = if c < count { *from.add(c * across) } else { T::zero() };
                    c += 1;
                }
            }
        }
    }

    /// `R` rows of the left factor times the panel.
    ///
    /// # Safety
    /// As [`Piece::multiply_block`]; the rows exist on both sides, and `panel` is packed.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, const R: usize, const V: usize, const COLUMNS: bool>(
        &self,
        simd: S,
        &Tile { left, strides: [down, across], columns, to }: &Tile<'_, T>,
        block: &Block,
        panel: *const T,
    ) {
        let [down, across] = if COLUMNS { [1, across] } else { [down, 1] };
        let left: [*const T; R] = core::array::from_fn(|r| left.wrapping_add(r * down));
        for r in 0..R {
            for v in (0..V * S::LANES).step_by(TILE) {
                simd.prefetch(to.at.wrapping_add(r * to.width + v));
            }
        }
        let mut sums = [[simd.splat(T::zero()); V]; R];
        let (depth, width) = (block.depth.len(), V * S::LANES);
        // SAFETY: column k of the block's depth in rows that exist, and row k of the packed panel.
        unsafe {
            if R == zeros::HEIGHT
                && let Some(columns) = columns
            {
                for &k in columns {
                    let k = usize::from(k);
                    sums = add_term(simd, sums, left, k * across, panel.add(k * width));
                }
            } else {
                let whole = depth / UNROLL * UNROLL;
                for k in (0..whole).step_by(UNROLL) {
                    for k in k..k + UNROLL {
                        sums = add_term(simd, sums, left, k * across, panel.add(k * width));
                    }
                }
                for k in whole..depth {
                    sums = add_term(simd, sums, left, k * across, panel.add(k * width));
                }
            }
        }
        // A sum that underflowed to −0 is +0 from here on, as if a term of zero had followed.
        for sum in sums.as_flattened_mut() {
            *sum = simd.add(*sum, simd.splat(T::zero()));
        }
        // SAFETY: as many rows exist, of the columns that are written.
        unsafe { to.write(simd, sums) }
    }
}

/// The sums plus the products of a value of each row, `left[r][offset]`, and V vectors at `right`.
///
/// # Safety
/// All these values are readable.
#[inline(always)]
unsafe fn add_term<T: Element, S: Simd<T>, const R: usize, const V: usize>(
    simd: S,
    mut sums: [[S::V; V]; R],
    left: [*const T; R],
    offset: usize,
    right: *const T,
) -> [[S::V; V]; R] {
    // SAFETY: the caller's promise.
    let right: [S::V; V] = core::array::from_fn(|v| unsafe { simd.load(right.add(v * S::LANES)) });
    for (sums, left) in sums.iter_mut().zip(left) {
        // SAFETY: the caller's promise.
        let left = simd.splat(unsafe { *left.add(offset) });
        for (sum, right) in sums.iter_mut().zip(right) {
            *sum = simd.mul_add(left, right, *sum);
        }
    }
    sums
}
