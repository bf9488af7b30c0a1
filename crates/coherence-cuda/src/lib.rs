//! The kernels of `coherence-cpu` on NVIDIA GPUs, compiled at run time.
//!
//! Views of device memory in, views out; this crate knows no tensors and no layers.
//!
//! | engine | where kernels run | products |
//! |---|---|---|
//! | [`Driver`] | on a GPU: compiled by NVRTC, launched through the CUDA driver | cuBLAS |
//! | `Host` (feature `host`) | on the processor: the same text compiled as C++, for tests | `coherence_cpu` |
//!
//! Both libraries of CUDA are looked for at run time, so that a program with this crate builds and starts
//! without them; [`Driver::new`] then says what is missing.
#![allow(unsafe_code)] // calls of the driver and of kernels; each block states its proof

pub mod activation;
mod argument;
pub mod arrangement;
pub mod compile;
pub mod convolution;
pub mod dense;
mod driver;
pub mod elementwise;
mod engine;
#[cfg(feature = "host")]
mod host;
pub mod loss;
mod memory;
pub mod normalization;
pub mod outer;
pub mod pool;
pub mod product;
pub mod rows;
pub mod select;
pub mod vectors;

pub use driver::{Driver, DriverError};
pub use engine::{Engine, Product, Real};
#[cfg(feature = "host")]
pub use host::Host;
pub use memory::{Buffer, View, ViewMut};
