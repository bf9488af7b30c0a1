//! Kernels for the CPU: products, ghost norms and robust means from factors, dense aggregators.
//!
//! Slices in, slices out. This crate knows no tensors and no layers.
//!
//! # Words
//!
//! `m`: examples; `i`: inputs of a layer; `o`: its outputs; `d`: parameters (columns); `n`: rows of
//! a dense matrix; `c` (argument `clip`): winsorisation count. All matrices are row-major.

pub mod dense;
mod element;
pub mod elementwise;
mod isa;
pub mod norms;
mod order;
pub mod outer;
pub mod product;
mod scratch;
mod simd;

pub use element::Element;
pub use isa::Isa;
