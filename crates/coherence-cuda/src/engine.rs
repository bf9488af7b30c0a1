//! Where memory lies and kernels run.

use coherence_cpu::{
    Element,
    product::{Dims, Output},
};
use core::{ffi::c_void, fmt};

/// Threads of every block: kernels/device.cuh and host.h have the same.
pub(crate) const THREADS: u32 = 256;

/// An element type of kernels: `f32` or `f64`.
pub trait Real: Element + crate::argument::Scalar {
    /// The ending of the names of its kernels.
    const PRECISION: &'static str;
}

impl Real for f32 {
    const PRECISION: &'static str = "f32";
}

impl Real for f64 {
    const PRECISION: &'static str = "f64";
}

/// A product `out [rows, columns] (+)= left · right`, all row-major; a transposed factor lies in memory as
/// its transpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// Rows of the result.
    pub rows: usize,
    /// The numbers in a sum.
    pub inner: usize,
    /// Columns of the result.
    pub columns: usize,
    /// `left` lies as [inner, rows].
    pub left_transposed: bool,
    /// `right` lies as [columns, inner].
    pub right_transposed: bool,
    /// Whether the result is added to `out`.
    pub add: bool,
}

impl Product {
    /// `out [m, o] (+)= a · wᵀ` for a [m, i] and w [o, i].
    pub fn nt(Dims { m, i, o }: Dims, output: Output) -> Self {
        Self { right_transposed: true, ..Self::plain([m, i, o], output) }
    }

    /// `out [m, i] (+)= delta · w` for delta [m, o] and w [o, i].
    pub fn nn(Dims { m, i, o }: Dims, output: Output) -> Self {
        Self::plain([m, o, i], output)
    }

    /// `out [o, i] (+)= deltaᵀ · a` for delta [m, o] and a [m, i].
    pub fn tn(Dims { m, i, o }: Dims, output: Output) -> Self {
        Self { left_transposed: true, ..Self::plain([o, m, i], output) }
    }

    fn plain([rows, inner, columns]: [usize; 3], output: Output) -> Self {
        let add = output == Output::Add;
        Self { rows, inner, columns, left_transposed: false, right_transposed: false, add }
    }
}

/// Memory and kernels. What is queued runs in the order of the calls; [`download`](Engine::download) waits
/// for it. An operation that fails panics with what was found and what to do about it.
///
/// # Safety
///
/// An implementation's addresses are of memory that nothing else uses until it is freed.
pub unsafe trait Engine: Clone + fmt::Debug + Send + Sync + 'static {
    /// A number that no other engine of this process has.
    fn id(&self) -> u64;

    /// The device's name, for example "NVIDIA H100 80GB HBM3".
    fn name(&self) -> &str;

    /// The same device with a queue of its own, so that neither waits for the work of the other. Memory of one
    /// is not passed to the other; an engine whose operations end before they return may return itself.
    #[must_use]
    fn with_own_queue(&self) -> Self;

    /// Bytes of the device's memory that can be allocated; `None` if its memory is that of the host.
    fn free_bytes(&self) -> Option<u64>;

    /// New memory of `bytes` > 0 unspecified bytes, aligned to 256 bytes.
    fn allocate(&self, bytes: usize) -> u64;

    /// Sets all bytes to 0.
    ///
    /// # Safety
    ///
    /// The range is valid and lies on the device.
    unsafe fn clear(&self, address: u64, bytes: usize);

    /// # Safety
    ///
    /// `address` is of [`allocate`](Engine::allocate) or [`stage`](Engine::stage) with as many `bytes` and not used again.
    unsafe fn free(&self, address: u64, bytes: usize);

    /// # Safety
    ///
    /// Both ranges are valid; `to` lies on the device.
    unsafe fn upload(&self, from: *const u8, to: u64, bytes: usize);

    /// New memory with a copy of these bytes. The copy may run beside what was queued before; what is queued from
    /// now on sees it.
    ///
    /// # Safety
    ///
    /// `from` is valid for `bytes` > 0.
    unsafe fn stage(&self, from: *const u8, bytes: usize) -> u64 {
        let to = self.allocate(bytes);
        // SAFETY: the caller's; the new memory has as many bytes.
        unsafe { self.upload(from, to, bytes) }
        to
    }

    /// # Safety
    ///
    /// Both ranges are valid; `from` lies on the device.
    unsafe fn download(&self, from: u64, to: *mut u8, bytes: usize);

    /// # Safety
    ///
    /// Both ranges are valid, lie on the device and do not overlap.
    unsafe fn copy(&self, from: u64, to: u64, bytes: usize);

    /// Bytes of scratch memory that an operation takes for a matrix at most, where its smallest piece of work is
    /// not larger.
    fn scratch_bytes(&self) -> usize;

    /// Runs `blocks` blocks of the kernel of this name in the precision `T`. `signature` gives the types of
    /// the arguments, by the letters of `Scalar` in src/argument.rs, to an engine that compares them.
    ///
    /// # Safety
    ///
    /// The arguments are what the kernel takes, and valid for all that it reads and writes.
    unsafe fn launch<T: Real>(
        &self,
        kernel: &'static str,
        blocks: u32,
        signature: fn() -> String,
        arguments: &mut [*mut c_void],
    );

    /// `count` products, whose factors and results lie one after the other: `[left, right, out]`.
    ///
    /// # Safety
    ///
    /// The addresses are of device memory of `count` times the product's sizes, none of which is 0, and `out`
    /// overlaps no factor.
    unsafe fn multiply<T: Real>(&self, count: usize, product: Product, addresses: [u64; 3]);
}
