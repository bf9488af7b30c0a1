//! A GPU as an engine, through the CUDA driver.

mod foreign;

use crate::{
    compile::{self, Library},
    engine::{Engine, Product, Real, THREADS},
};
use core::{ffi::c_void, fmt, mem::ManuallyDrop};
use cudarc::{
    cublas::{
        self, CudaBlas,
        sys::{cublasMath_t, cublasOperation_t},
    },
    driver::{
        self, CudaContext, CudaEvent, CudaFunction, CudaStream, result,
        sys::{CUmemPool_attribute, CUresult},
    },
    nvrtc::Ptx,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, ThreadId},
};

/// Why a GPU cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// A library of CUDA is not installed.
    #[error("{library} was not found: {remedy}, or compute on the processor (--device cpu)")]
    Missing {
        /// The library.
        library: &'static str,
        /// Where it comes from.
        remedy: &'static str,
    },
    /// There is no device of this number.
    #[error("there is no device cuda:{ordinal}; {}", found(*.count))]
    NoDevice {
        /// The number that was asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device lacks what the kernels need.
    #[error(
        "{name} has compute capability {}.{}, the kernels need 8.0: compute on the processor (--device cpu)",
        capability.0,
        capability.1
    )]
    TooOld {
        /// The device.
        name: String,
        /// Its compute capability.
        capability: (i32, i32),
    },
    /// The kernels could not be compiled for the device.
    #[error("the kernels could not be compiled for {architecture}: {log}")]
    Compile {
        /// The architecture.
        architecture: String,
        /// What the compiler said.
        log: String,
    },
    /// The driver failed.
    #[error("{operation}: {message}")]
    Failed {
        /// What was done.
        operation: &'static str,
        /// What the driver said.
        message: String,
    },
}

fn found(count: usize) -> String {
    match count {
        0 => "the driver finds none".into(),
        1 => "the driver finds cuda:0".into(),
        _ => format!("the driver finds cuda:0 to cuda:{}", count - 1),
    }
}

fn failed(operation: &'static str) -> impl Fn(driver::DriverError) -> DriverError {
    move |error| DriverError::Failed { operation, message: error.to_string() }
}

/// A GPU. Clones have the same queue; [`Engine::with_own_queue`] makes another one.
#[derive(Clone)]
pub struct Driver(Arc<Inner>);

/// Scratch memory of an operation unless it is set.
const SCRATCH_BYTES: usize = 256 << 20;

/// By name and precision.
type Kernels = HashMap<(&'static str, &'static str), CudaFunction>;

struct Inner {
    id: u64,
    name: String,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    /// Copies of what is staged.
    copies: Arc<CudaStream>,
    /// Recorded when a copy ends.
    copied: CudaEvent,
    /// The thread of the last call, if the stream is the per-thread default stream.
    last_thread: Option<Mutex<ThreadId>>,
    /// A handle of cuBLAS serves one thread at a time.
    blas: Mutex<ManuallyDrop<CudaBlas>>,
    kernels: Arc<Kernels>,
    scratch: AtomicUsize,
    tf32: AtomicBool,
}

/// While the failure of a device unwinds the stack, its handle of cuBLAS stays: releasing it would panic again, which
/// would end the process without the message of the failure.
impl Drop for Inner {
    fn drop(&mut self) {
        if !thread::panicking() {
            let blas = self.blas.get_mut().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: dropped here alone, and not used again.
            unsafe { ManuallyDrop::drop(blas) }
        }
    }
}

/// The handle of the per-thread default stream, `CU_STREAM_PER_THREAD`: each thread has its own queue under it.
const PER_THREAD_STREAM: usize = 2;

impl Driver {
    /// The GPU of this number.
    ///
    /// # Errors
    ///
    /// If a library, the device or a capability is missing, or the kernels do not compile.
    pub fn new(ordinal: usize) -> Result<Self, DriverError> {
        compile::present(&[Library::Driver, Library::Compiler, Library::Products])?;
        let count = match CudaContext::device_count() {
            Err(driver::DriverError(CUresult::CUDA_ERROR_NO_DEVICE)) => 0,
            count => count.map_err(failed("counting the devices"))?.unsigned_abs() as usize,
        };
        if ordinal >= count {
            return Err(DriverError::NoDevice { ordinal, count });
        }
        let context = CudaContext::new(ordinal).map_err(failed("opening the device"))?;
        let stream = context.new_stream().map_err(failed("a queue on the device"))?;
        let driver = Self::from_stream(stream)?;
        keep_freed_memory(&context)?;
        Ok(driver)
    }

    /// The GPU of `stream`, with `stream` as its queue. The stream's owner and this engine share the queue: their
    /// operations run in the order of the calls. The settings of the device's memory pool stay those of the owner.
    ///
    /// With the per-thread default stream, `CU_STREAM_PER_THREAD`, a call from another thread than the last waits
    /// for the device first.
    ///
    /// # Errors
    ///
    /// If a library or a capability is missing, or the kernels do not compile.
    pub fn from_stream(stream: Arc<CudaStream>) -> Result<Self, DriverError> {
        compile::present(&[Library::Compiler, Library::Products])?;
        let context = stream.context().clone();
        let name = context.name().map_err(failed("the device's name"))?;
        let capability =
            context.compute_capability().map_err(failed("the device's compute capability"))?;
        if capability < (8, 0) {
            return Err(DriverError::TooOld { name, capability });
        }
        let kernels = Arc::new(load(&context, capability)?);
        Self::with_queue(name, stream, kernels)
    }

    /// A handle of cuBLAS for this queue, and a queue for copies beside it.
    fn with_queue(
        name: String,
        stream: Arc<CudaStream>,
        kernels: Arc<Kernels>,
    ) -> Result<Self, DriverError> {
        let context = stream.context().clone();
        let copies = context.new_stream().map_err(failed("a queue on the device"))?;
        let copied = context.new_event(None).map_err(failed("an event of the device"))?;
        let blas = CudaBlas::new(stream.clone()).map_err(|error| DriverError::Failed {
            operation: "starting cuBLAS",
            message: format!("{error:?}"),
        })?;
        static NEXT: AtomicU64 = AtomicU64::new(1); // 0 is the host
        let (id, blas) = (NEXT.fetch_add(1, Relaxed), Mutex::new(ManuallyDrop::new(blas)));
        let is_per_thread = stream.cu_stream() as usize == PER_THREAD_STREAM;
        Ok(Self(Arc::new(Inner {
            id,
            name,
            context,
            last_thread: is_per_thread.then(|| Mutex::new(thread::current().id())),
            stream,
            copies,
            copied,
            blas,
            kernels,
            scratch: AtomicUsize::new(SCRATCH_BYTES),
            tf32: AtomicBool::new(false),
        })))
    }

    /// Whether products of `f32` may round their factors to TF32, with 10 bits of fraction, which is faster on
    /// tensor cores. They may not unless this is called. It is a setting of all clones, and of new queues.
    pub fn allow_tf32(&self, is_allowed: bool) {
        let mode = match is_allowed {
            true => cublasMath_t::CUBLAS_TF32_TENSOR_OP_MATH,
            false => cublasMath_t::CUBLAS_DEFAULT_MATH,
        };
        let blas = self.0.blas.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the handle is valid.
        let done = unsafe { cublas::sys::cublasSetMathMode(*blas.handle(), mode) };
        done.result().unwrap_or_else(|error| panic!("products on {}: {error:?}", self.0.name));
        self.0.tf32.store(is_allowed, Relaxed);
    }

    /// Sets [`scratch_bytes`](Engine::scratch_bytes) of all clones, and of new queues: large matrices are faster to
    /// multiply, small ones stay in the cache.
    pub fn set_scratch_bytes(&self, bytes: usize) {
        self.0.scratch.store(bytes, Relaxed);
    }

    /// Waits until all that was queued has ended.
    pub fn synchronize(&self) {
        self.bound();
        let done = self.0.stream.synchronize();
        self.expect("waiting for the device", done);
    }

    /// New memory for operations that are queued after those of `stream`.
    fn allocate_in(&self, stream: &CudaStream, bytes: usize) -> u64 {
        self.bound();
        // SAFETY: the stream is valid; the memory is used by operations after its own alone.
        let allocated = unsafe { result::malloc_async(stream.cu_stream(), bytes) };
        allocated.unwrap_or_else(|error| {
            let (free, total) = self.0.context.mem_get_info().unwrap_or_default();
            panic!(
                "{} has no memory for {bytes} bytes ({free} of {total} are free): \
                 run fewer networks at a time (--jobs), or take smaller batches or micro-batches ({error})",
                self.0.name
            )
        })
    }

    /// Makes the context that of the calling thread. With the per-thread default stream, waits for what an earlier
    /// call on another thread has queued.
    fn bound(&self) {
        let done = self.0.context.bind_to_thread();
        self.expect("binding the device to a thread", done);
        let Some(last) = &self.0.last_thread else { return };
        let (mut last, now) =
            (last.lock().unwrap_or_else(PoisonError::into_inner), thread::current().id());
        if *last != now {
            *last = now;
            self.expect("waiting for the queues of other threads", self.0.context.synchronize());
        }
    }

    fn expect<V>(&self, operation: &str, done: Result<V, driver::DriverError>) -> V {
        done.unwrap_or_else(|error| panic!("{operation} on {}: {error}", self.0.name))
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuda:{} ({})", self.0.context.ordinal(), self.0.name)
    }
}

/// Leaves freed memory in the device's pool, which would otherwise return it to the system whenever the host
/// waits for the device.
fn keep_freed_memory(context: &CudaContext) -> Result<(), DriverError> {
    let (threshold, mut most) = (CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, u64::MAX);
    // SAFETY: the device is the context's; the attribute's value is a 64-bit number.
    let done = unsafe {
        result::device::get_default_mem_pool(context.cu_device()).and_then(|pool| {
            result::mem_pool::set_attribute(pool, threshold, (&raw mut most).cast())
        })
    };
    done.map_err(failed("setting up the pool of memory"))
}

/// Bytes that the pool of memory holds and that no buffer uses.
fn unused_bytes(context: &CudaContext) -> Result<u64, driver::DriverError> {
    use CUmemPool_attribute::{
        CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT as HELD, CU_MEMPOOL_ATTR_USED_MEM_CURRENT as USED,
    };
    let (mut held, mut used) = (0_u64, 0_u64);
    // SAFETY: the device is the context's; each attribute's value is a 64-bit number.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        result::mem_pool::get_attribute(pool, HELD, (&raw mut held).cast())?;
        result::mem_pool::get_attribute(pool, USED, (&raw mut used).cast())?;
    }
    Ok(held.saturating_sub(used))
}

/// Both precisions' kernels.
fn load(context: &Arc<CudaContext>, (major, minor): (i32, i32)) -> Result<Kernels, DriverError> {
    let mut kernels = HashMap::new();
    for (precision, ptx) in compile::ptx(&format!("compute_{major}{minor}"))? {
        let module =
            context.load_module(Ptx::from_src(ptx)).map_err(failed("loading the kernels"))?;
        for name in compile::kernels() {
            let function = module.load_function(name).map_err(failed("finding a kernel"))?;
            kernels.insert((name, precision), function);
        }
    }
    Ok(kernels)
}

// SAFETY: the driver's memory belongs to its buffer alone, until `free`.
unsafe impl Engine for Driver {
    fn id(&self) -> u64 {
        self.0.id
    }

    fn name(&self) -> &str {
        &self.0.name
    }

    fn with_own_queue(&self) -> Self {
        let Inner { name, context, kernels, .. } = &*self.0;
        let stream = context.new_stream().map_err(failed("a queue on the device"));
        let with_queue = |stream| Self::with_queue(name.clone(), stream, Arc::clone(kernels));
        let queue = stream.and_then(with_queue);
        let queue = queue.unwrap_or_else(|error| panic!("{name}: {error}"));
        queue.set_scratch_bytes(self.scratch_bytes());
        queue.allow_tf32(self.0.tf32.load(Relaxed));
        queue
    }

    fn free_bytes(&self) -> Option<u64> {
        let context = &self.0.context;
        let (free, _) = self.expect("asking for the free memory", context.mem_get_info());
        let unused = self.expect("asking for the pool of memory", unused_bytes(context));
        Some(free as u64 + unused)
    }

    fn allocate(&self, bytes: usize) -> u64 {
        self.allocate_in(&self.0.stream, bytes)
    }

    unsafe fn clear(&self, address: u64, bytes: usize) {
        self.bound();
        // SAFETY: the caller's.
        let done = unsafe { result::memset_d8_async(address, 0, bytes, self.0.stream.cu_stream()) };
        self.expect("clearing memory", done);
    }

    unsafe fn free(&self, address: u64, _: usize) {
        let bound = self.0.context.bind_to_thread();
        // SAFETY: the caller's; what was queued before still runs before.
        let done =
            bound.and_then(|()| unsafe { result::free_async(address, self.0.stream.cu_stream()) });
        // A device that has failed frees nothing. A second panic, while the first one drops the buffers, would end
        // the process without the message of the first.
        if !thread::panicking() {
            self.expect("freeing memory", done);
        }
    }

    unsafe fn upload(&self, from: *const u8, to: u64, bytes: usize) {
        self.bound();
        // SAFETY: the caller's. The driver copies pageable memory before it returns.
        let done = unsafe {
            let from = core::slice::from_raw_parts(from, bytes);
            result::memcpy_htod_async(to, from, self.0.stream.cu_stream())
        };
        self.expect("copying to the device", done);
    }

    /// By a queue of its own. The memory is of that queue, too: the pool gives it none that a queued operation may
    /// still use. It is freed in the order of the other queue, which waits for the copy.
    unsafe fn stage(&self, from: *const u8, bytes: usize) -> u64 {
        let Inner { stream, copies, copied, .. } = &*self.0;
        let to = self.allocate_in(copies, bytes);
        // SAFETY: the caller's; the new memory has as many bytes. The driver copies pageable memory before it
        // returns.
        let done = unsafe {
            let from = core::slice::from_raw_parts(from, bytes);
            result::memcpy_htod_async(to, from, copies.cu_stream())
        };
        let done = done.and_then(|()| copied.record(copies)).and_then(|()| stream.wait(copied));
        self.expect("copying to the device", done);
        to
    }

    unsafe fn download(&self, from: u64, to: *mut u8, bytes: usize) {
        self.bound();
        // SAFETY: the caller's; the copy has ended when the queue is empty.
        let done = unsafe {
            let to = core::slice::from_raw_parts_mut(to, bytes);
            result::memcpy_dtoh_async(to, from, self.0.stream.cu_stream())
        };
        self.expect("copying from the device", done);
        self.synchronize();
    }

    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) {
        self.bound();
        // SAFETY: the caller's.
        let done = unsafe { result::memcpy_dtod_async(to, from, bytes, self.0.stream.cu_stream()) };
        self.expect("copying on the device", done);
    }

    fn scratch_bytes(&self) -> usize {
        self.0.scratch.load(Relaxed)
    }

    unsafe fn launch<T: Real>(
        &self,
        kernel: &'static str,
        blocks: u32,
        _: fn() -> String,
        arguments: &mut [*mut c_void],
    ) {
        self.bound();
        let function = self.0.kernels.get(&(kernel, T::PRECISION));
        let function = function.unwrap_or_else(|| panic!("no kernel {kernel}"));
        let (function, stream) = (function.cu_function(), self.0.stream.cu_stream());
        // SAFETY: the caller's; tests on the host compare the types of all arguments with the kernel's.
        let done = unsafe {
            result::launch_kernel(function, (blocks, 1, 1), (THREADS, 1, 1), 0, stream, arguments)
        };
        self.expect(kernel, done);
    }

    unsafe fn multiply<T: Real>(
        &self,
        count: usize,
        product: Product,
        [left, right, out]: [u64; 3],
    ) {
        self.bound();
        let Product { rows, inner, columns, left_transposed, right_transposed, add } = product;
        let int = |n: usize| i32::try_from(n).expect("cuBLAS takes sizes below 2³¹");
        let operation = |transposed| match transposed {
            true => cublasOperation_t::CUBLAS_OP_T,
            false => cublasOperation_t::CUBLAS_OP_N,
        };
        // cuBLAS is column-major: it computes outᵀ = rightᵀ · leftᵀ, and the transposes of row-major
        // matrices are what lies in memory.
        let (of_right, of_left) = (operation(right_transposed), operation(left_transposed));
        let leading_right = int(if right_transposed { inner } else { columns });
        let leading_left = int(if left_transposed { rows } else { inner });
        let (m, n, k) = (int(columns), int(rows), int(inner));
        let [stride_right, stride_left, stride_out] =
            [inner * columns, rows * inner, rows * columns].map(|size| size as i64);
        let count = int(count);
        let blas = self.0.blas.lock().unwrap_or_else(PoisonError::into_inner);
        macro_rules! gemm {
            ($gemm:ident, $type:ty) => {{
                let (one, beta): ($type, $type) = (1.0, if add { 1.0 } else { 0.0 });
                let (right, left) = (right as *const $type, left as *const $type);
                // SAFETY: the caller's: the sizes are those of the matrices.
                unsafe {
                    cublas::result::$gemm(
                        *blas.handle(),
                        of_right,
                        of_left,
                        m,
                        n,
                        k,
                        &one,
                        right,
                        leading_right,
                        stride_right,
                        left,
                        leading_left,
                        stride_left,
                        &beta,
                        out as *mut $type,
                        m,
                        stride_out,
                        count,
                    )
                }
            }};
        }
        let done = match T::PRECISION {
            "f32" => gemm!(sgemm_strided_batched, f32),
            _ => gemm!(dgemm_strided_batched, f64),
        };
        done.unwrap_or_else(|error| panic!("a product on {}: {error:?}", self.0.name));
    }
}
