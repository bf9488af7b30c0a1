//! Robust means of the m outer products, blocks of coordinates at a time.
//!
//! One factor supplies the lanes, in tiles of 16 columns that stay in L1. The factor with more zeros
//! supplies the multipliers, column by column; zeros are skipped.
//! `m`: examples, `i`: inputs, `o`: outputs.
#![allow(unsafe_code)] // products read without bounds checks, and disjoint columns of `out`

use super::pack::{CHUNK, Rows, tiles};
use crate::{
    Element, Isa,
    order::{
        Values,
        rule::{OrderRule, Selection},
    },
    parallel,
    product::Dims,
    scratch::Scratch,
    simd::{Kernel, Simd, TILE},
};

/// `rule` over the m products `delta[e, j] · a[e, k]`, each rounded to `T`, for each coordinate of
/// `out [o, i]`: without a `rate` the result overwrites `out`, with one `out` changes by −rate times
/// the result. Panics when a slice's length is not the product of its sizes, or with the core's error when the
/// rule is not defined for `m` values.
pub(super) fn select<T: Element>(
    isa: Isa,
    dims: Dims,
    a: &[T],
    delta: &[T],
    rule: impl OrderRule,
    rate: Option<T>,
    out: &mut [T],
) {
    assert_eq!(out.len(), dims.o * dims.i, "out for {dims:?}");
    select_columns(isa, dims, [a, delta], rule, rate, out, dims.i);
}

/// [`select`] to the first i columns of rows that are `stride` apart.
pub(crate) fn select_columns<T: Element>(
    isa: Isa,
    dims: Dims,
    [a, delta]: [&[T]; 2],
    rule: impl OrderRule,
    rate: Option<T>,
    out: &mut [T],
    stride: usize,
) {
    super::check(dims, a, delta);
    let Dims { m, i, o } = dims;
    let selection = Selection::from_rule(rule, m);
    if o * i == 0 {
        return;
    }
    let vectors_over_o = count_nonzeros(a) * o.div_ceil(TILE);
    let vectors_over_i = count_nonzeros(delta) * i.div_ceil(TILE);
    let (sparse, width, lanes, lane_width, row_stride, lane_stride) =
        if vectors_over_o <= vectors_over_i {
            (a, i, delta, o, 1, stride)
        } else {
            (delta, o, a, i, stride, 1)
        };
    let tiles = tiles(lanes, m, lane_width);
    let out = Columns { out: out.as_mut_ptr(), row_stride, lane_stride, len: out.len(), rate };
    parallel::for_each(width.div_ceil(CHUNK), |chunk| {
        let start = chunk * CHUNK;
        let rows = start..width.min(start + CHUNK);
        T::select_products(
            isa,
            Chunk {
                selection: &selection,
                sparse,
                width,
                rows,
                tiles: &tiles,
                lane_width,
                out: &out,
            },
        );
    });
}

fn count_nonzeros<T: Element>(values: &[T]) -> usize {
    values
        .chunks(1 << 10)
        .map(|c| c.iter().map(|&v| u32::from(v != T::zero())).sum::<u32>() as usize)
        .sum()
}

/// The result matrix, written by several threads at different coordinates.
#[derive(Debug)]
struct Columns<T> {
    out: *mut T,
    row_stride: usize,
    lane_stride: usize,
    len: usize,
    rate: Option<T>,
}

// SAFETY: `select` gives each thread its own range of rows, and a coordinate belongs to one row.
unsafe impl<T: Send> Sync for Columns<T> {}

/// Some columns of the sparse factor against all tiles of the other.
#[derive(Debug)]
pub struct Chunk<'a, T> {
    selection: &'a Selection,
    sparse: &'a [T],
    width: usize,
    rows: core::ops::Range<usize>,
    tiles: &'a [T],
    lane_width: usize,
    out: &'a Columns<T>,
}

impl<T: Element> Kernel<T> for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let m = self.sparse.len() / self.width;
        let mut column = Scratch::new(TILE * m.next_multiple_of(TILE));
        let mut rows = Rows::new(m);
        rows.fill(
            simd,
            self.sparse,
            self.width,
            self.rows.clone(),
            self.selection.granule(),
            &mut column,
        );
        let mut sorting = Scratch::new(self.selection.scratch_rows() * S::LANES);
        let mut block = Scratch::new(CHUNK * TILE);
        for (t, tile) in self.tiles.chunks_exact(m * TILE).enumerate() {
            for (at, result) in block.chunks_exact_mut(TILE).take(self.rows.len()).enumerate() {
                let (values, examples) = rows.row(at);
                if values.len() < self.selection.least_values() {
                    result.fill(T::zero());
                    continue;
                }
                for lane in (0..TILE).step_by(S::LANES) {
                    // SAFETY: a row has an example for each value, all below m, the rows of the tile.
                    let products = unsafe { Products::new(values, examples, &tile[lane..]) };
                    // SAFETY: `sorting` has the rows the selection asks for; `result` has TILE
                    // values, of which LANES begin at `lane`.
                    unsafe {
                        let mean = self.selection.aggregate(simd, &products, sorting.as_mut_ptr());
                        simd.store(result.as_mut_ptr().add(lane), mean);
                    }
                }
            }
            self.write(t * TILE, &block);
        }
    }
}

impl<T: Element> Chunk<'_, T> {
    /// Writes the results [rows, TILE] of the tile that begins at lane `start`.
    #[inline(always)]
    fn write(&self, start: usize, block: &[T]) {
        let lanes = TILE.min(self.lane_width - start);
        let Columns { out, row_stride, lane_stride, len, rate } = *self.out;
        assert!((self.rows.end - 1) * row_stride + (start + lanes - 1) * lane_stride < len);
        for (at, row) in self.rows.clone().enumerate() {
            for lane in 0..lanes {
                // SAFETY: the assertion bounds the largest place; `Columns` says why no other
                // thread writes to it.
                let to = unsafe { &mut *out.add(row * row_stride + (start + lane) * lane_stride) };
                let mean = block[at * TILE + lane];
                *to = rate.map_or(mean, |rate| *to - rate * mean);
            }
        }
    }
}

/// `values[n] · tile[examples[n]]`: what the n-th listed example's gradient holds.
struct Products<'a, T> {
    values: &'a [T],
    examples: &'a [u32],
    tile: *const T,
}

impl<'a, T: Element> Products<'a, T> {
    /// # Safety
    /// There are as many examples as values; `tile` holds `S::LANES` values from each multiple of
    /// [`TILE`] that an example names.
    #[inline(always)]
    unsafe fn new(values: &'a [T], examples: &'a [u32], tile: &'a [T]) -> Self {
        Self { values, examples, tile: tile.as_ptr() }
    }
}

impl<T: Element, S: Simd<T>> Values<T, S> for Products<'_, T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.values.len()
    }

    #[inline(always)]
    unsafe fn at(&self, simd: S, index: usize) -> S::V {
        // SAFETY: index < len by the caller's promise, the example is in the tile by `new`'s.
        unsafe {
            let example = *self.examples.get_unchecked(index) as usize;
            let value = simd.splat(*self.values.get_unchecked(index));
            simd.mul(value, simd.load(self.tile.add(example * TILE)))
        }
    }
}
