//! Networks with an explicit forward and backward pass that yields per-example gradients as factors.
//!
//! For every parameterised layer a backward pass knows the input (activations `a`) and the gradient at
//! the output (deltas `δ`). The gradient of example e is their outer product `δ_e ⊗ a_e`. [`Factors`]
//! computes what coherence needs of the m gradients (squared norms, sums, dot products, winsorised
//! means) without forming the m × d matrix.
//!
//! The typical workflow:
//!
//! 1. build an [`Mlp`] (with an [`Activation`], ReLU by default) and a [`Workspace`] for the largest
//!    batch;
//! 2. [`Mlp::forward`], then [`loss::softmax_cross_entropy`] into the workspace's last delta;
//! 3. [`Mlp::backward`], then [`Mlp::factors`] for per-example quantities or [`Mlp::gradient`] for
//!    their sum.
//!
//! Losses have SUM reduction throughout. Passes allocate nothing.
//!
//! # Example: coherence of a batch
//!
//! ```
//! use coherence_core::Coherence;
//! use coherence_nn::{Mlp, loss::softmax_cross_entropy};
//!
//! let mlp = Mlp::<f32>::zeros(&[2, 2])?;
//! let (x, labels) = ([1.0, 0.0, 0.0, 1.0], [0, 0]);
//! let mut workspace = mlp.workspace(2);
//! mlp.forward(&x, 2, &mut workspace);
//! let (logits, delta) = workspace.logits_and_delta();
//! softmax_cross_entropy(logits, &labels, delta, &mut [0.0; 2]);
//! mlp.backward(&mut workspace);
//!
//! let (mut norms, mut sum) = ([0.0; 2], [0.0; 6]);
//! mlp.factors(&x, &workspace).for_each(|factors| factors.sq_norms(&mut norms));
//! mlp.gradient(&x, &workspace, &mut sum);
//! let sq_norm_of_sum = sum.iter().map(|&s| f64::from(s).powi(2)).sum();
//! let coherence = Coherence { m: 2, sq_norm_of_sum, sum_sq_norms: norms.iter().sum() };
//! assert_eq!(coherence.m_coherence(), 1.5); // weights: orthogonal gradients; biases: equal ones
//! # Ok::<(), coherence_nn::WidthsError>(())
//! ```
//!
//! # What does this crate not do?
//!
//! It knows no data sets and no optimisers, and reads or writes no files: [`weights`] only converts
//! parameters to bytes and back.
//!
//! # Crate features
//!
//! * `candle`: the module `tap`, which captures the same factors from the autograd of any candle model.

mod activation;
mod factors;
mod layout;
pub mod loss;
mod mlp;
mod step;
#[cfg(feature = "candle")]
pub mod tap;
pub mod weights;
pub mod worked;
mod workspace;

pub use activation::{Activation, ActivationError};
pub use coherence_cpu::Element;
pub use factors::{Factors, Input};
pub use layout::{Layout, TensorSpec, WidthsError};
pub use mlp::Mlp;
pub use workspace::Workspace;
