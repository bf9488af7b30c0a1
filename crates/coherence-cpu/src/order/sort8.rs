//! Eight vectors sorted in registers.

use super::{Ascending, Order, exchange};
use crate::{Element, simd::Simd};

/// Vectors of a block.
pub(crate) const BLOCK: usize = 8;

/// Sorts each lane of `v`, smallest first, with the 19 comparators that are the fewest for eight.
#[inline(always)]
pub(crate) fn sort8<T: Element, S: Simd<T>>(simd: S, v: &mut [S::V; BLOCK]) {
    exchange!(simd, Ascending, v,
        (0 2)(1 3)(4 6)(5 7)
        (0 4)(1 5)(2 6)(3 7)
        (0 1)(2 3)(4 5)(6 7)
        (2 4)(3 5)
        (1 4)(3 6)
        (1 2)(3 4)(5 6));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Portable;

    #[test]
    fn sorts_every_sequence_of_zeros_and_ones() {
        for bits in 0..1u32 << BLOCK {
            let mut v: [_; BLOCK] = core::array::from_fn(|n| [(bits >> n & 1) as f32; 4]);
            sort8(Portable, &mut v);
            assert!(v.is_sorted_by(|a, b| a[0] <= b[0]), "{bits:b}");
        }
    }
}
