//! Where a network's numbers are kept and computed.
//!
//! A [`Device`] holds memory that the host may be unable to read, and computes on it. Layers, losses,
//! [`Factors`](crate::Factors) and [`Model`](crate::Model) are written once, over `Device`; they never
//! look at a number themselves. [`Cpu`] calls the kernels of `coherence_cpu`.
//!
//! The operations are grouped by family:
//!
//! | trait | operations |
//! |---|---|
//! | [`Memory`] | buffers, views of them, transfers from and to the host |
//! | [`Elementwise`] | sums of vectors, activation functions, dropout |
//! | [`Products`] | matrix products, and the outer products of a linear layer's gradients |
//! | [`Convolutions`] | convolutions and the gradients of their weights |
//! | [`Rows`] | gradients that are the rows of a matrix |
//! | [`Pools`] | maxima and means over windows |
//! | [`Normalizations`] | batch and group normalisation |
//! | [`Arrangements`] | values moved or scaled by channel and position |
//! | [`Losses`] | losses and their gradients |
//! | [`Vectors`] | dots, running sums and updates of all parameters |
//!
//! m: examples, i: inputs, o: outputs, c: channels. Images are channels last. Every operation panics if
//! a length does not fit. Values are of the element type `T`; squared norms, dots, losses and
//! the moments of normalisations are `f64`.
//!
//! # Another device
//!
//! A type is a device of the element types for which it implements all families; no layer changes for it.
//! Views are types with a lifetime of their own, so that a pointer into the memory of an accelerator with
//! its stream can be one. Operations return no errors: a device that can fail panics with what it found and
//! what to do about it.
//!
//! `Remote` (feature `remote`) is a device for tests: it computes on the processor, in memory that code for
//! any device cannot read.
//!
//! # Transfers
//!
//! Numbers cross between host and device in [`Memory::buffer_from`], [`Memory::upload`] and
//! [`Memory::download`] only (and what calls them), and in the SUM that the operations of [`Losses`] and the
//! dots that those of [`Vectors`] return. A forward and a backward pass with norms, sums and steps need none
//! of them but that sum, so that a device may queue a pass as a whole; an operation may upload small tables of
//! its own, as the windows of a pool. Views of squared norms, dots and losses belong to the device: the caller
//! downloads what the host needs.

mod arrangement;
mod convolution;
pub(crate) mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod dropped;
mod elementwise;
mod loss;
mod memory;
mod normalization;
mod pool;
mod product;
#[cfg(feature = "remote")]
mod remote;
mod rows;
mod vectors;

pub use arrangement::{Arrangements, ChannelRange, Subsampling};
pub use convolution::Convolutions;
pub use cpu::Cpu;
#[cfg(feature = "cuda")]
pub use cuda::{Cuda, Standardization};
pub use dropped::Dropped;
pub use elementwise::Elementwise;
pub use loss::Losses;
pub use memory::{Memory, Number};
pub use normalization::Normalizations;
pub use pool::Pools;
pub use product::Products;
#[cfg(feature = "remote")]
pub use remote::Remote;
pub use rows::Rows;
pub use vectors::Vectors;

use coherence_cpu::Element;

/// Everything that networks of elements `T` need. A type that has all families is a device.
pub trait Device<T: Element>:
    Memory
    + Elementwise<T>
    + Products<T>
    + Convolutions<T>
    + Rows<T>
    + Pools<T>
    + Normalizations<T>
    + Arrangements<T>
    + Losses<T>
    + Vectors<T>
{
}

impl<T: Element, D> Device<T> for D where
    D: Memory
        + Elementwise<T>
        + Products<T>
        + Convolutions<T>
        + Rows<T>
        + Pools<T>
        + Normalizations<T>
        + Arrangements<T>
        + Losses<T>
        + Vectors<T>
{
}
