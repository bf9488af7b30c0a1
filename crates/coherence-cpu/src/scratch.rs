//! Buffers that begin on a cache line, so that no vector straddles two.

use crate::Element;

const LINE: usize = 64;

/// `len` zeros, the first of which begins a cache line.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    storage: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Element> Scratch<T> {
    pub(crate) fn new(len: usize) -> Self {
        let storage = vec![T::zero(); len + LINE / size_of::<T>()];
        let start = storage.as_ptr().align_offset(LINE);
        assert!(start + len <= storage.len());
        Self { storage, start, len }
    }
}

impl<T> core::ops::Deref for Scratch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.storage[self.start..][..self.len]
    }
}

impl<T> core::ops::DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..][..self.len]
    }
}
