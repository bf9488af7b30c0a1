//! The mathematics of coherent gradients on plain slices, without std and without allocation.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod aggregate;
mod coherence;
pub mod finite;
mod squares;
mod sums;

pub use coherence::Coherence;
pub use squares::SquareSum;
pub use sums::Sums;
