//! An allocator that only grows, over 4 KiB.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
};

const SIZE: usize = 4096;

struct Bump {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

// SAFETY: ranges of `memory` are handed out once each, by an atomic counter.
unsafe impl Sync for Bump {}

#[global_allocator]
static HEAP: Bump = Bump { memory: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0) };

// SAFETY: an allocation is aligned, inside `memory` and never handed out again.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let room = layout.size() + layout.align() - 1; // enough for any misalignment
        let at = self.used.fetch_add(room, Ordering::Relaxed);
        if at + room > SIZE {
            return ptr::null_mut();
        }
        // SAFETY: at + room is inside `memory`.
        let start = unsafe { self.memory.get().cast::<u8>().add(at) };
        // SAFETY: fewer than `align` bytes further, which `room` includes.
        unsafe { start.add(start.align_offset(layout.align())) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
