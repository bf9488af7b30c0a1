//! The tiny models of the papers' worked examples (catalogue B1–B7), in f64, with explicit gradients.
//!
//! Every model predicts one number from six inputs and is fitted under the square loss
//! `ℓ_i(θ) = ½ (y_i − ŷ(θ, x_i))²`. There are four training examples and at most thirteen
//! parameters, so that per-example gradients are stored as a matrix [m, d].
//!
//! Legend: m: examples, d: parameters, θ: parameters \[d\], J: gradient of the prediction \[d\].
//!
//! # Example: the coherence of Example 4 (GM22 §4)
//!
//! ```
//! use coherence_core::Sums;
//! use coherence_lab::toy::{L, Linear, Toy};
//!
//! let mut sums = Sums::new([0.0; 6]);
//! for example in L.train() {
//!     let mut gradient = [0.0; 6];
//!     Linear.gradient(&[0.0; 6], example, &mut gradient);
//!     sums.add(&gradient).unwrap();
//! }
//! assert_eq!(sums.coherence().alpha(), 5.0 / 8.0);
//! assert_eq!(sums.coherence().m_coherence(), 2.5);
//! ```
//!
//! Source: Chatterjee, Zielinski (2022), *On the Generalization Mystery in Deep Learning*
//! (arXiv 2203.10036), §3, §4, §7 and §10.

mod data;
mod deep_linear;
mod linear;
mod model;
mod two_neurons;

pub use data::{Example, L, M, Toys};
pub use deep_linear::DeepLinear;
pub use linear::Linear;
pub use model::{Toy, ToyLayer, gradients, mean_loss, step};
pub use two_neurons::TwoNeurons;
