//! Kernels for the CPU: products, ghost norms and robust means from factors, dense aggregators.
//!
//! Slices in, slices out. This crate knows no tensors and no layers.
//!
//! # Example: the winsorised gradient of a layer
//!
//! ```
//! use coherence_core::aggregate::Winsorized;
//! use coherence_cpu::{outer::robust_mean, product::Dims};
//! // three examples, one input, two outputs; the third example is an outlier
//! let (a, delta) = ([1.0f32, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0, 900.0, -900.0]);
//! let mut gradient = [0.0; 2];
//! let dims = Dims { m: 3, i: 1, o: 2 };
//! robust_mean(dims, &a, &delta, Winsorized { clip: 1 }, &mut gradient);
//! assert_eq!(gradient, [3.0, 2.0]);
//! ```
//!
//! # What is where
//!
//! - [`product`]: the three matrix products of a linear layer.
//! - [`convolution`]: two-dimensional convolutions, and the same norms and means of their gradients.
//! - [`outer`]: norms and robust means of the examples' outer products, which are never stored.
//! - [`dense`]: the same rules on an n × d matrix; Gram matrix, geometric median, Krum.
//! - [`pool`], [`normalize`]: pooling and normalisation of images, channels last.
//! - [`norms`], [`elementwise`]: dots of rows; bias, ReLU, column sums and updates.
//! - [`vectors`]: dots, running sums and updates of all parameters.
//!
//! # Words
//!
//! `m`: examples; `i`: inputs of a layer; `o`: its outputs; `d`: parameters (columns); `n`: rows of
//! a dense matrix; `c` (argument `clip`): winsorisation count. All matrices are row-major.
//! Gradients are of the SUM loss; robust means are MEANS over examples. What a rule is, for how many
//! vectors it is defined and how a batch is cut into groups is defined by `coherence_core::aggregate`.
//!
//! # Results
//!
//! Work runs on the ambient rayon pool, in more pieces than threads. Results depend neither on the
//! number of threads nor on the caches of the machine. Order statistics are exact, and the same bits
//! on every instruction set ([`Isa`]); a zero result is +0. Pools, normalisations and element-wise
//! operations have the same bits on every instruction set, too. Values must be finite; with others the
//! result is unspecified, but never undefined behaviour.
//!
//! # Memory
//!
//! A thread keeps the buffers of its kernels, of up to 4 MiB each, for the next call, so that a
//! training step hardly allocates.
//!
//! # Unsafe code
//!
//! Loads, stores, intrinsics, buffers reinterpreted as numbers, and disjoint writes from several
//! threads; each block states its proof. To run the tests under address sanitizer:
//!
//! ```text
//! RUSTFLAGS=-Zsanitizer=address cargo +nightly test -p coherence-cpu --lib --tests \
//!     --target x86_64-unknown-linux-gnu
//! ```

mod cache;
pub mod convolution;
pub mod dense;
mod element;
pub mod elementwise;
mod isa;
pub mod normalize;
pub mod norms;
pub mod order;
pub mod outer;
mod parallel;
pub mod pool;
pub mod product;
mod scratch;
mod simd;
mod transpose;
pub mod vectors;

pub use element::Element;
pub use isa::Isa;
