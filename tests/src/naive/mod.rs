//! Obviously right code: loops over `Vec<f64>`, as the formula is written. Depends on no crate of ours.

pub mod aggregate;
mod sample;

pub use sample::*;
