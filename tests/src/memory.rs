//! The peak memory of a piece of code.
//!
//! ```
//! use coherence_tests::memory::{CountingAllocator, peak};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! assert_eq!(peak(|| drop((vec![0u8; 100], vec![0u8; 11]))), 111);
//! ```

#![allow(unsafe_code)] // needed to implement an allocator

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread holds, and their maximum since the last reset.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// The system's allocator, counting bytes per thread. A test binary uses it as its
/// `#[global_allocator]`.
#[derive(Clone, Copy, Debug)]
pub struct CountingAllocator;

fn count(bytes: isize) {
    // A thread that is shutting down is not measured.
    let _ = HELD.try_with(|held| {
        let now = held.get().0 + bytes;
        held.set((now, held.get().1.max(now)));
    });
}

// SAFETY: every call is passed on unchanged to `System`, which upholds the contract; counting
// allocates nothing, for the thread-local has a constant initialiser and no destructor.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        count(new as isize - layout.size() as isize);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.realloc(pointer, layout, new) }
    }
}

/// The most bytes that `work` holds in addition to those that this thread held before, under
/// [`CountingAllocator`].
pub fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.get().0;
    HELD.set((before, before));
    work();
    (HELD.get().1 - before) as usize
}
