//! The mathematics of coherent gradients on plain slices, without std and without allocation.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod coherence;
mod number;
mod part;
mod squares;
mod sums;
mod weighted;

pub mod bounds;
pub mod commonality;
pub mod dilution;
pub mod finite;
pub mod helpfulness;
pub mod layers;
mod member;
pub mod minibatch;
pub mod mixture;
mod moments;
pub mod noise_scale;
mod taylor;
pub mod unbiased;

pub mod aggregate;
pub mod similarity;

pub use coherence::Coherence;
pub use member::Member;
pub use part::Part;
pub use squares::SquareSum;
pub use sums::Sums;
pub use weighted::{WeightedCoherence, WeightedError, WeightedSums};
