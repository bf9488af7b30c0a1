//! Results written around the caches when these could not hold them anyway: an ordinary store first
//! reads what it overwrites.
#![allow(unsafe_code)] // a copy without bounds checks

use crate::{
    Element,
    scratch::{LINE, Scratch},
    simd::Simd,
};

/// Results of at least so many bytes go around the caches.
const STREAMED: usize = 16 << 20;

/// Room for one block of a result [d]: none when the block is written in place.
pub(super) fn aside<T: Element>(d: usize, block: usize) -> Scratch<T> {
    Scratch::new(if d * size_of::<T>() >= STREAMED { block } else { 0 })
}

/// A block of a result, on its way through `aside` if that has room.
pub(super) struct Block<'a, T> {
    pub(super) out: &'a mut [T],
    pub(super) aside: &'a mut [T],
}

impl<T: Element> Block<'_, T> {
    /// Where to write the block's values.
    #[inline(always)]
    pub(super) fn values(&mut self) -> &mut [T] {
        if self.aside.is_empty() { self.out } else { &mut self.aside[..self.out.len()] }
    }

    /// Brings the values to their place; those before its first and after its last whole vector on
    /// a cache line the ordinary way.
    #[inline(always)]
    pub(super) fn finish<S: Simd<T>>(self, simd: S) {
        let Self { out, aside } = self;
        if aside.is_empty() {
            return;
        }
        let start = out.as_ptr().align_offset(LINE).min(out.len());
        let count = (out.len() - start) / S::LANES;
        let end = start + count * S::LANES;
        let values = &aside[..out.len()];
        out[..start].copy_from_slice(&values[..start]);
        out[end..].copy_from_slice(&values[end..]);
        let (from, to) = (&values[start..end], &mut out[start..end]);
        // SAFETY: both hold `count` vectors; one is borrowed mutably, so they do not overlap; and
        // `to` begins a cache line unless it is empty.
        unsafe { simd.stream(from.as_ptr(), to.as_mut_ptr(), count) }
    }
}
