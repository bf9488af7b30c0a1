//! The K smallest and the K largest values of every lane, kept in registers.
//!
//! Values come in blocks of eight. A block is sorted once, then merged into both lists: of a list
//! kept in order and a block in the opposite order, the elementwise first holds the K first of both,
//! rising then falling, which a bitonic network of 1 + q·2^(q-1) comparators for K = 2^q + 1 sorts.
//! At K = 9 that is 13 minima and maxima a value, where inserting one by one takes 34.
#![allow(unsafe_code)]

use super::{Ascending, Descending, Order, Values, exchange, sort8::*};
use crate::{Element, simd::Simd};

/// List lengths for which there is a merging network.
pub(crate) const LENGTHS: [usize; 5] = [2, 3, 5, 9, 17];

/// The rank-th smallest and the rank-th largest value of each lane (rank from 1, at most K) of
/// `values` and `zeros` further values that are 0.
///
/// There must be at least `rank` values in all. A threshold that is zero may have either sign.
#[inline(always)]
pub(crate) fn extremes<T, S, const K: usize>(
    simd: S,
    values: &impl Values<T, S>,
    zeros: usize,
    rank: usize,
) -> (S::V, S::V)
where
    T: Element,
    S: Simd<T>,
{
    if values.len() <= BLOCK && zeros == 0 {
        let sorted = rest(simd, values, 0, simd.splat(T::infinity()));
        return (place(&sorted, rank - 1), place(&sorted, values.len() - rank));
    }
    let zero = simd.splat(T::zero());
    let (no_low, no_high) = (simd.splat(T::infinity()), simd.splat(T::neg_infinity()));
    let mut low = [no_low; K];
    let mut high = [no_high; K];
    for n in 0..K {
        if n < zeros {
            (low[n], high[n]) = (zero, zero);
        }
    }
    let whole = values.len() / BLOCK * BLOCK;
    for start in (0..whole).step_by(BLOCK) {
        let mut block = [zero; BLOCK];
        for (n, v) in block.iter_mut().enumerate() {
            // SAFETY: start + n < whole <= len.
            *v = unsafe { values.at(simd, start + n) };
        }
        sort8(simd, &mut block);
        merge::<T, S, Ascending, K>(simd, &mut low, &block);
        block.reverse();
        merge::<T, S, Descending, K>(simd, &mut high, &block);
    }
    if whole < values.len() {
        let mut smallest = rest(simd, values, whole, no_low);
        merge::<T, S, Ascending, K>(simd, &mut low, &smallest);
        smallest = rest(simd, values, whole, no_high);
        smallest.reverse();
        merge::<T, S, Descending, K>(simd, &mut high, &smallest);
    }
    (place(&low, rank - 1), place(&high, rank - 1))
}

/// The last, partial block, filled up with `filler` and sorted.
#[inline(always)]
fn rest<T: Element, S: Simd<T>>(
    simd: S,
    values: &impl Values<T, S>,
    start: usize,
    filler: S::V,
) -> [S::V; BLOCK] {
    let mut block = [filler; BLOCK];
    for (n, v) in block.iter_mut().enumerate() {
        if start + n < values.len() {
            // SAFETY: just checked.
            *v = unsafe { values.at(simd, start + n) };
        }
    }
    sort8(simd, &mut block);
    block
}

/// `kept`, in order `O`, becomes the K first of itself and of `block`, which is in order `O` too.
#[inline(always)]
fn merge<T: Element, S: Simd<T>, O: Order, const K: usize>(
    simd: S,
    kept: &mut [S::V; K],
    block: &[S::V; BLOCK],
) {
    for n in 0..K {
        if K - 1 - n < BLOCK {
            kept[n] = O::first(simd, kept[n], block[K - 1 - n]);
        }
    }
    match K {
        2 => exchange!(simd, O, kept, (0 1)),
        3 => exchange!(simd, O, kept, (0 2)(1 2)),
        5 => exchange!(simd, O, kept, (0 4)(1 3)(2 4)(1 2)(3 4)),
        9 => exchange!(simd, O, kept,
            (0 8)(1 5)(2 6)(3 7)(4 8)(1 3)(2 4)(5 7)(6 8)(1 2)(3 4)(5 6)(7 8)),
        17 => exchange!(simd, O, kept,
            (0 16)(1 9)(2 10)(3 11)(4 12)(5 13)(6 14)(7 15)(8 16)
            (1 5)(2 6)(3 7)(4 8)(9 13)(10 14)(11 15)(12 16)
            (1 3)(2 4)(5 7)(6 8)(9 11)(10 12)(13 15)(14 16)
            (1 2)(3 4)(5 6)(7 8)(9 10)(11 12)(13 14)(15 16)),
        _ => unreachable!("no merging network for {K}"),
    }
}

/// `list[at]`, chosen in a loop over constants, so that the list stays in registers.
#[inline(always)]
fn place<V: Copy, const K: usize>(list: &[V; K], at: usize) -> V {
    let mut found = list[K - 1];
    for (n, &v) in list.iter().enumerate() {
        if n == at {
            found = v;
        }
    }
    found
}
