//! The engine that is tested: the host's, or a GPU where `COHERENCE_CUDA` is `required`; and the way there and back.
#![allow(unsafe_code)] // it passes on what the engines promise
#![allow(dead_code)] // each test program uses some

use coherence_cuda::{Buffer, Driver, Engine, Host, Product, Real};
use core::ffi::c_void;
use std::{env, sync::OnceLock};

/// Either engine. A GPU has as little scratch memory as the host, and new memory is NaN on both.
#[derive(Debug, Clone)]
pub(crate) enum Tested {
    Host(Host),
    /// The host under another number: every `Host` is the same engine.
    OtherHost(Host),
    Gpu(Driver),
}

/// The engine of all tests.
pub(crate) fn engine() -> &'static Tested {
    static ENGINE: OnceLock<Tested> = OnceLock::new();
    ENGINE.get_or_init(|| {
        if env::var("COHERENCE_CUDA").is_ok_and(|value| value == "required") {
            Tested::Gpu(Driver::new(0).unwrap_or_else(|error| panic!("{error}")))
        } else {
            Tested::Host(Host)
        }
    })
}

pub(crate) fn upload<V: Copy + 'static>(values: &[V]) -> Buffer<V, Tested> {
    Buffer::from_host(engine(), values)
}

pub(crate) fn download<V: Copy + Default + 'static>(buffer: &Buffer<V, Tested>) -> Vec<V> {
    let mut values = vec![V::default(); buffer.view().len()];
    buffer.view().download(engine(), &mut values);
    values
}

macro_rules! either {
    ($self:expr, $engine:ident => $call:expr) => {
        match $self {
            Tested::Host($engine) | Tested::OtherHost($engine) => $call,
            Tested::Gpu($engine) => $call,
        }
    };
}

// SAFETY: the memory of one of two kinds of engines, both of which own theirs; each operation is passed on as it is.
unsafe impl Engine for Tested {
    fn id(&self) -> u64 {
        match self {
            Self::OtherHost(_) => u64::MAX,
            Self::Host(engine) => engine.id(),
            Self::Gpu(engine) => engine.id(),
        }
    }

    fn name(&self) -> &str {
        either!(self, engine => engine.name())
    }

    fn with_own_queue(&self) -> Self {
        match self {
            Self::Host(engine) => Self::Host(engine.with_own_queue()),
            Self::OtherHost(engine) => Self::OtherHost(engine.with_own_queue()),
            Self::Gpu(engine) => Self::Gpu(engine.with_own_queue()),
        }
    }

    fn free_bytes(&self) -> Option<u64> {
        either!(self, engine => engine.free_bytes())
    }

    fn allocate(&self, bytes: usize) -> u64 {
        either!(self, engine => {
            let address = engine.allocate(bytes);
            // SAFETY: new memory of as many bytes.
            unsafe { engine.upload(vec![0xff_u8; bytes].as_ptr(), address, bytes) }
            address
        })
    }

    unsafe fn clear(&self, address: u64, bytes: usize) {
        // SAFETY: the caller's.
        either!(self, engine => unsafe { engine.clear(address, bytes) })
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        // SAFETY: the caller's.
        either!(self, engine => unsafe { engine.free(address, bytes) })
    }

    unsafe fn upload(&self, from: *const u8, to: u64, bytes: usize) {
        // SAFETY: the caller's.
        either!(self, engine => unsafe { engine.upload(from, to, bytes) })
    }

    unsafe fn download(&self, from: u64, to: *mut u8, bytes: usize) {
        // SAFETY: the caller's.
        either!(self, engine => unsafe { engine.download(from, to, bytes) })
    }

    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) {
        // SAFETY: the caller's.
        either!(self, engine => unsafe { engine.copy(from, to, bytes) })
    }

    fn scratch_bytes(&self) -> usize {
        Host.scratch_bytes()
    }

    unsafe fn launch<T: Real>(
        &self,
        kernel: &'static str,
        blocks: u32,
        signature: fn() -> String,
        arguments: &mut [*mut c_void],
    ) {
        // SAFETY: the caller's.
        either!(self, engine => unsafe { engine.launch::<T>(kernel, blocks, signature, arguments) });
    }

    unsafe fn multiply<T: Real>(&self, count: usize, product: Product, addresses: [u64; 3]) {
        // SAFETY: the caller's.
        either!(self, engine => unsafe { engine.multiply::<T>(count, product, addresses) });
    }
}
