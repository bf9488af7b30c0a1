//! A small vocabulary of vectors that each kernel is written in once.
//!
//! Arrays of vectors are filled by loops, not by closures: a closure that the compiler does not inline has
//! none of the instruction set's features, and each of its intrinsics becomes a call (`cargo xtask inlined`).
#![allow(unsafe_code)] // loads and stores through pointers

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod portable;

pub(crate) use portable::Portable;

use crate::Element;

/// Lanes of a tile: the least common multiple of all vectors' lanes, one cache line of `f32`.
pub(crate) const TILE: usize = 16;

/// Vectors of a tile on the instruction set with the shortest: the first `S::VECTORS` of such an array are used.
pub(crate) const MOST_VECTORS: usize = 4;

/// Vectors of `T` on one instruction set. A value of the type is the proof that the machine has it.
///
/// `min` and `max` are compare-exchanges, `if a < b { a } else { b }`, never a NaN-aware minimum:
/// exact on finite values, and the same bits on each instruction set for the same operands.
pub trait Simd<T: Element>: Copy + Send + Sync {
    /// `LANES` values.
    type V: Copy;
    /// `LANES` values in `f64`.
    type Wide: Copy;
    /// Lanes of a vector; divides [`TILE`].
    const LANES: usize;
    /// Vectors of a tile.
    const VECTORS: usize = {
        assert!(TILE.is_multiple_of(Self::LANES) && TILE / Self::LANES <= MOST_VECTORS);
        TILE / Self::LANES
    };
    /// Rows and vectors of a product's tile. Its sums, a row of the right factor and a value of the
    /// left one fit the registers together.
    const PRODUCT_TILE: [usize; 2];

    /// `x` in each lane.
    fn splat(self, x: T) -> Self::V;
    /// # Safety
    /// `from` is readable for `LANES` values; it need not be aligned.
    unsafe fn load(self, from: *const T) -> Self::V;
    /// # Safety
    /// `to` is writable for `LANES` values; it need not be aligned.
    unsafe fn store(self, to: *mut T, v: Self::V);
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a·b, rounded.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a·b + c, rounded once where the machine can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Whether a = b in each lane.
    fn all_equal(self, a: Self::V, b: Self::V) -> bool;
    /// A bit for each lane that is not zero, the first lane's the lowest; a NaN is not zero.
    fn nonzeros(self, v: Self::V) -> u32;

    /// `x` in each lane.
    fn wide_splat(self, x: f64) -> Self::Wide;
    fn widen(self, v: Self::V) -> Self::Wide;
    fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide;
    fn wide_mul(self, a: Self::Wide, b: Self::Wide) -> Self::Wide;
    fn wide_div(self, a: Self::Wide, b: Self::Wide) -> Self::Wide;
    fn narrow(self, w: Self::Wide) -> Self::V;
    /// # Safety
    /// `from` is readable for `LANES` values; it need not be aligned.
    unsafe fn wide_load(self, from: *const f64) -> Self::Wide;
    /// # Safety
    /// `to` is writable for `LANES` values; it need not be aligned.
    unsafe fn wide_store(self, to: *mut f64, w: Self::Wide);
    /// Sum of the lanes, in a fixed order.
    fn wide_sum(self, w: Self::Wide) -> f64;
    /// Sum of each vector's lanes, in a fixed order; additions in `T` form a tree.
    #[inline(always)]
    fn lane_sums(self, vectors: [Self::V; TILE]) -> [f64; TILE] {
        let mut sums = [0.0; TILE];
        for (sum, v) in sums.iter_mut().zip(vectors) {
            *sum = self.wide_sum(self.widen(v));
        }
        sums
    }

    /// Prefetches the cache line of `from`; the address need not be valid.
    #[inline(always)]
    fn prefetch(self, _from: *const T) {}

    /// Transposes a block: `to[c * to_stride + r] = from[r * from_stride + c]`, r, c < LANES.
    ///
    /// # Safety
    /// Every element named above is readable, respectively writable; the blocks do not overlap.
    #[inline(always)]
    unsafe fn transpose(self, from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
        for r in 0..Self::LANES {
            for c in 0..Self::LANES {
                // SAFETY: the caller's promise covers all r, c < LANES.
                unsafe { *to.add(c * to_stride + r) = *from.add(r * from_stride + c) }
            }
        }
    }
}

/// A computation that is written once for every instruction set; `run` must be `#[inline(always)]`, as
/// must all it calls, so that it is compiled with the features of its entry point.
pub trait Kernel<T: Element> {
    type Output;
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}
