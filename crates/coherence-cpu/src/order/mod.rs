//! Order statistics of many coordinates at once: lane l of every vector belongs to coordinate l.
//!
//! Two ways to the same bits: `extremes` keeps the few smallest and largest values in registers,
//! `network` sorts all values in memory with a pruned merging network. Both only compare and
//! exchange.
//!
//! [`OrderStatistics`] are what a rule of the core needs of the order of its values; other devices ask for them.
#![allow(unsafe_code)] // reading values without a bounds check

pub(crate) mod extremes;
pub(crate) mod network;
pub(crate) mod rule;
pub(crate) mod sort8;

pub use rule::{Finish, OrderRule, OrderStatistics};

use crate::{Element, simd::Simd};

/// The values of one coordinate per lane, one vector for each example.
pub(crate) trait Values<T: Element, S: Simd<T>> {
    /// Number of examples.
    fn len(&self) -> usize;
    /// # Safety
    /// `index < self.len()`.
    unsafe fn at(&self, simd: S, index: usize) -> S::V;
}

/// A pair of vectors in order: `first` comes before `last`.
pub(crate) trait Order {
    fn first<T: Element, S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V;
    fn last<T: Element, S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V;
}

/// Smallest first.
pub(crate) struct Ascending;
/// Largest first.
pub(crate) struct Descending;

impl Order for Ascending {
    #[inline(always)]
    fn first<T: Element, S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V {
        simd.min(a, b)
    }
    #[inline(always)]
    fn last<T: Element, S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V {
        simd.max(a, b)
    }
}

impl Order for Descending {
    #[inline(always)]
    fn first<T: Element, S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V {
        simd.max(a, b)
    }
    #[inline(always)]
    fn last<T: Element, S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V {
        simd.min(a, b)
    }
}

/// Compare-exchanges of the listed places, in turn.
macro_rules! exchange {
    ($simd:expr, $order:ty, $v:expr, $(($a:literal $b:literal))*) => {
        {$(
            let (x, y) = ($v[$a], $v[$b]);
            $v[$a] = <$order>::first($simd, x, y);
            $v[$b] = <$order>::last($simd, x, y);
        )*}
    };
}
pub(crate) use exchange;
