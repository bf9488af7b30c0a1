//! Obviously right code: loops over `Vec<f64>`, as the formula is written. Depends on no crate of ours.

pub mod aggregate;
mod enumerate;
pub mod rules;
mod sample;
mod similarity;

pub use enumerate::*;
pub use sample::*;
pub use similarity::*;
