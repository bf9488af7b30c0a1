//! The processor as an engine: memory of the host, kernels as C++.

use crate::engine::{Engine, Product, Real};
use coherence_cpu::product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn};
use core::{
    ffi::{CStr, c_char, c_int, c_void},
    slice,
};
use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    ffi::CString,
};

/// The engine of tests: every kernel runs when it is launched, the threads of a block one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

unsafe extern "C" {
    fn coherence_host_launch(
        name: *const c_char,
        blocks: u32,
        signature: *const c_char,
        arguments: *mut *mut c_void,
        expected: *mut *const c_char,
    ) -> c_int;
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 256).expect("a buffer that memory can hold")
}

// SAFETY: the allocator's memory belongs to its buffer alone.
unsafe impl Engine for Host {
    fn id(&self) -> u64 {
        0
    }

    fn name(&self) -> &str {
        "kernels on the processor"
    }

    fn with_own_queue(&self) -> Self {
        *self
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Bytes that make NaN of a number, so that what reads memory before it is written is found.
    fn allocate(&self, bytes: usize) -> u64 {
        // SAFETY: bytes > 0; the new memory has as many.
        unsafe {
            let at = alloc(layout(bytes));
            if at.is_null() {
                handle_alloc_error(layout(bytes));
            }
            at.write_bytes(0xff, bytes);
            at as u64
        }
    }

    unsafe fn clear(&self, address: u64, bytes: usize) {
        // SAFETY: the caller's.
        unsafe { (address as *mut u8).write_bytes(0, bytes) }
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        // SAFETY: of `allocate` with this layout.
        unsafe { dealloc(address as *mut u8, layout(bytes)) }
    }

    unsafe fn upload(&self, from: *const u8, to: u64, bytes: usize) {
        // SAFETY: the caller's.
        unsafe { (to as *mut u8).copy_from_nonoverlapping(from, bytes) }
    }

    unsafe fn download(&self, from: u64, to: *mut u8, bytes: usize) {
        // SAFETY: the caller's.
        unsafe { to.copy_from_nonoverlapping(from as *const u8, bytes) }
    }

    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) {
        // SAFETY: the caller's.
        unsafe { (to as *mut u8).copy_from_nonoverlapping(from as *const u8, bytes) }
    }

    /// So few that small batches are cut as large ones are on a GPU.
    fn scratch_bytes(&self) -> usize {
        2 << 10
    }

    unsafe fn launch<T: Real>(
        &self,
        kernel: &'static str,
        blocks: u32,
        signature: fn() -> String,
        arguments: &mut [*mut c_void],
    ) {
        let name = CString::new(format!("{kernel}_{}", T::PRECISION)).expect("a kernel's name");
        let letters = CString::new(signature()).expect("letters");
        let mut expected = core::ptr::null();
        // SAFETY: the signature, which is compared first, has the types of all arguments.
        let status = unsafe {
            coherence_host_launch(
                name.as_ptr(),
                blocks,
                letters.as_ptr(),
                arguments.as_mut_ptr(),
                &raw mut expected,
            )
        };
        match status {
            0 => {}
            1 => panic!("no kernel {kernel} is registered"),
            _ => {
                // SAFETY: set to a text that lives as long as the program.
                let expected = unsafe { CStr::from_ptr(expected) };
                panic!("{kernel} takes {expected:?}, not {letters:?}");
            }
        }
    }

    unsafe fn multiply<T: Real>(&self, count: usize, product: Product, addresses: [u64; 3]) {
        let Product { rows, inner, columns, .. } = product;
        let sizes = [rows * inner, inner * columns, rows * columns];
        for n in 0..count {
            let at = |which: usize| addresses[which] + (n * sizes[which] * size_of::<T>()) as u64;
            // SAFETY: the caller's: the n-th factors and result are of these sizes.
            let (left, right, out) = unsafe {
                (
                    slice::from_raw_parts(at(0) as *const T, sizes[0]),
                    slice::from_raw_parts(at(1) as *const T, sizes[1]),
                    slice::from_raw_parts_mut(at(2) as *mut T, sizes[2]),
                )
            };
            multiply(product, left, right, out);
        }
    }
}

fn multiply<T: Real>(product: Product, left: &[T], right: &[T], out: &mut [T]) {
    let Product { rows, inner, columns, left_transposed, right_transposed, add } = product;
    let output = if add { Output::Add } else { Output::Overwrite };
    match (left_transposed, right_transposed) {
        (false, true) => {
            matmul_nt(Dims { m: rows, i: inner, o: columns }, left, right, output, out);
        }
        (false, false) => {
            matmul_nn(Dims { m: rows, i: columns, o: inner }, left, right, output, out);
        }
        (true, false) => {
            matmul_tn(Dims { m: inner, i: columns, o: rows }, left, right, output, out);
        }
        (true, true) => unreachable!("no layer multiplies two transposes"),
    }
}
