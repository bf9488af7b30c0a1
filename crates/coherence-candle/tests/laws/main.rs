//! Laws of taps and networks in candle, in one binary because linking is slow.

mod common;
#[cfg(feature = "cuda")]
mod cuda;
mod errors;
mod layers;
mod network;
mod shared;
