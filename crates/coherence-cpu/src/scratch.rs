//! Buffers that a thread keeps for its next kernel. A new buffer would have to be cleared with every
//! call, and a large one mapped page by page.
#![allow(unsafe_code)] // bytes read as numbers

use core::{
    cell::RefCell,
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    slice::{from_raw_parts, from_raw_parts_mut},
};

use crate::Element;

/// Types for which every bit pattern is valid.
///
/// # Safety
///
/// The type has no padding, and no more alignment than a [`Line`].
pub unsafe trait Plain: Copy + 'static {}

// SAFETY: numbers without padding.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u8 {}

/// A cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line {
    _bytes: [u64; 8],
}

/// Room for `LEN` values on the stack, at the start of a cache line.
#[repr(align(64))]
pub(crate) struct Aligned<T, const LEN: usize>([MaybeUninit<T>; LEN]);

impl<T: Copy, const LEN: usize> Aligned<T, LEN> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self([MaybeUninit::uninit(); LEN])
    }

    #[inline(always)]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }
}

/// The largest buffer that a thread keeps, in lines: 4 MiB.
const MOST_LINES: usize = 1 << 16;

std::thread_local! {
    static KEPT: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// `len` numbers with unspecified values. The first is aligned to a cache line, so that no vector
/// straddles two lines.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Plain> Scratch<T> {
    pub(crate) fn new(len: usize) -> Self {
        let lines = take((len * size_of::<T>()).div_ceil(size_of::<Line>()));
        Self { lines, len, of: PhantomData }
    }
}

/// The smallest kept buffer of at least `lines` lines. If there is none, a new one replaces the largest
/// kept one, so that no more buffers are kept than were ever in use at once.
fn take(lines: usize) -> Vec<Line> {
    let kept = KEPT.with_borrow_mut(|kept| {
        let key = |&k: &usize| (kept[k].len() < lines, kept[k].len().abs_diff(lines));
        (0..kept.len()).min_by_key(key).map(|k| kept.swap_remove(k))
    });
    kept.filter(|buffer| buffer.len() >= lines)
        .unwrap_or_else(|| vec![Line { _bytes: [0; 8] }; lines])
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        if self.lines.len() <= MOST_LINES {
            let lines = core::mem::take(&mut self.lines);
            KEPT.with_borrow_mut(|kept| kept.push(lines));
        }
    }
}

impl<T: Plain> Deref for Scratch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold `len` values in initialised bytes, and every bit pattern is a T.
        unsafe { from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; a T has no padding, so that the bytes stay initialised.
        unsafe { from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Copies `from` to the front of `to`, zeros beyond.
#[inline(always)]
pub(crate) fn copy_padded<T: Element>(from: &[T], to: &mut [T]) {
    let (to, beyond) = to.split_at_mut(from.len());
    to.copy_from_slice(from);
    beyond.fill(T::zero());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_taken_up_again_by_the_next_of_its_size() {
        let first = Scratch::<f32>::new(100);
        let (small, large) = (Scratch::<f64>::new(3), Scratch::<f32>::new(1000));
        let [at, of_small, of_large] =
            [first.as_ptr(), small.as_ptr().cast(), large.as_ptr()].map(|p| p.cast::<u8>());
        drop((first, small, large));
        let sizes = [99, 1, 999].map(Scratch::<u32>::new);
        assert_eq!(sizes.each_ref().map(|s| s.as_ptr().cast()), [at, of_small, of_large]);
        assert_eq!(sizes.each_ref().map(|s| s.len()), [99, 1, 999]);
        drop(sizes);
        let larger = Scratch::<f64>::new(1000);
        assert_eq!((larger.len(), larger.as_ptr().align_offset(64)), (1000, 0));
        drop(larger);
        assert_eq!(KEPT.with_borrow(Vec::len), 3);
    }

    #[test]
    fn a_very_large_buffer_is_given_back() {
        drop(Scratch::<f64>::new(8 * MOST_LINES + 1));
        assert_eq!(KEPT.with_borrow(Vec::len), 0);
    }
}
