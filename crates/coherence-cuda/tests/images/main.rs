//! Operations on images, on the host's engine, against `coherence_cpu` and plain loops.
#![cfg(feature = "host")]

mod arrangement;
mod common;
mod convolution;
#[path = "../engine/mod.rs"]
mod engine;
mod normalization;
mod pool;
