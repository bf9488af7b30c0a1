//! The mathematics of coherent gradients on plain slices, without std and without allocation.
//!
//! A neural network is trained along the mean of its examples' gradients. How well those gradients
//! agree, their *coherence* α, says how much examples help each other, when a network generalises
//! and when it memorises (Chatterjee 2020; Chatterjee and Zielinski 2020, 2022). This crate measures
//! it, states every law that the papers prove about it, and aggregates gradients in ways that keep
//! what is common to them.
//!
//! # The typical workflow looks like this
//!
//! 1. Take per-example gradients g_i of the **sum** loss from anywhere, as slices of floats.
//! 2. Feed them to [`Sums`], in any order, in parts that are merged, in f32 or f64.
//! 3. Ask its [`Coherence`] for α, m-coherence, noise scale, de-biased α.
//! 4. For error bars and for each example's [`helpfulness`], pass over the gradients once more as
//!    [`Member`]s.
//! 5. To train, replace the mean by one of [`aggregate`]'s rules.
//!
//! ```
//! use coherence_core::{Sums, unbiased::jackknife};
//!
//! // Four gradients that share their last component (GM22, dataset L).
//! let gradients: [[f32; 5]; 4] = [
//!     [1.0, 0.0, 0.0, 0.0, 1.0],
//!     [0.0, 1.0, 0.0, 0.0, 1.0],
//!     [0.0, 0.0, 1.0, 0.0, 1.0],
//!     [0.0, 0.0, 0.0, 1.0, 1.0],
//! ];
//! let mut sums = Sums::new([0.0; 5]); // the caller's buffer: array, slice or Vec
//! for g in &gradients {
//!     sums.add(g)?; // refuses NaN and ±∞, naming the coordinate
//! }
//! let coherence = sums.coherence();
//! assert_eq!(coherence.alpha(), 5.0 / 8.0);
//! assert_eq!(coherence.m_coherence(), 2.5); // each example helps 2.5, itself included
//! assert_eq!(coherence.alpha_debiased(), 0.5); // without itself
//!
//! let members = gradients.iter().flat_map(|g| sums.member(g)).flatten();
//! let estimate = jackknife(coherence, members);
//! println!("{:.3} ± {:.3}", estimate.value, estimate.standard_error);
//! # assert!((estimate.value - 0.5).abs() < 1e-15 && estimate.standard_error < 1e-12);
//! # Ok::<(), coherence_core::finite::NonFinite>(())
//! ```
//!
//! # Quantities, by kind
//!
//! - The sample: [`Coherence`] (A1–A3, A7) from [`Sums`]; [`WeightedCoherence`] from
//!   [`WeightedSums`]; [`SquareSum`], sums of squares in any range of f64.
//! - Batches: [`minibatch`], with the inverses for independent batches (A4, A5) and for a partition
//!   of one sample (A5b).
//! - Samples built from parts: [`mixture`] (A6, A6b), [`commonality`] (A7–A9),
//!   [`layers`] (A10).
//! - Bounds: [`bounds`], pairwise distance (A11), generalisation and stability (A12, A12b).
//! - Estimation: [`unbiased`], bias, de-biased α, jackknife and batch means, with weights or without
//!   (A13, A15c).
//! - Relations: [`Coherence::loss_change`] (A14), [`Coherence::gradient_diversity`] (A15),
//!   [`noise_scale`] (A15b).
//! - Single examples: [`helpfulness`] (A15d).
//! - Peers' measures and attribution: [`similarity`] (A16, A17).
//! - Aggregators: [`aggregate`] (A18–A20).
//!
//! Rows in brackets are those of the catalogue of laws; `docs/laws.md` leads from each to its source
//! and its tests. MC20, GM22, CG20 and WS20 are the papers: *Making coherence out of nothing at all*
//! (arXiv 2008.01217), *On the generalization mystery in deep learning* (arXiv 2203.10036),
//! *Coherent gradients* (ICLR 2020), *Weak and strong gradient directions* (arXiv 2003.07422).
//!
//! # Numbers
//!
//! Elements are any [`num_traits::Float`]; sums of squares and products run in f64. Non-finite input
//! is a typed choice, [`finite::Policy`], wherever gradients come in. A statistic of too few
//! examples is NaN, as is a formula outside its domain; an aggregate of too few vectors is an error; of zero
//! gradients only, α is 0. Each doc says what is too few. A slice of the wrong length is a
//! bug of the caller and panics.
//!
//! # Features
//!
//! - none: the whole of the mathematics, in the caller's buffers. `#![no_std]`, no allocation.
//! - `alloc`: accumulators and rules that own their buffers.
//! - `serde`: statistics and accumulators can be written and read; what is read is checked.
//! - `std` (default): implies `alloc`; num-traits then uses the platform's float functions.
//!
//! No feature changes a result. Rust 1.85 or newer.
//!
//! # What this crate does not do
//!
//! It computes no gradients, knows no tensors, layers or models, reads no files, draws no random
//! numbers (where a law needs some, the caller passes a closure) and starts no threads.

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

pub mod bounds;
pub mod commonality;
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

pub use num_traits; // elements are any of its `Float`

pub use coherence::Coherence;
pub use member::Member;
pub use part::Part;
pub use squares::SquareSum;
pub use sums::{
    CoordinateSumsParts, PartsError, Sums, SumsParts, WeightedCoherence, WeightedError,
    WeightedSums, WeightedSumsParts,
};
