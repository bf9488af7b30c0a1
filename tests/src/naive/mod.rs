//! Naive reference code: loops over `Vec<f64>` that follow the formulas. Depends on no crate of this
//! workspace.

pub mod aggregate;
mod enumerate;
pub mod rules;
mod sample;
mod similarity;

pub use enumerate::*;
pub use sample::*;
pub use similarity::*;
