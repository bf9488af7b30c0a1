//! Networks with an explicit forward and backward pass that yields per-example gradients as factors.
//!
//! For every parameterised layer a backward pass knows the input (activations `a`) and the gradient at
//! the output (deltas `δ`). The gradient of example e is their outer product `δ_e ⊗ a_e`. [`Factors`]
//! computes what coherence needs of the m gradients (squared norms, sums, dot products, winsorised
//! means) without forming the m × d matrix.
//!
//! The typical workflow:
//!
//! 1. build a [`Model`] from the [`Graph`] of an architecture in [`model`], and a [`Workspace`] for
//!    the largest batch;
//! 2. [`Model::forward`], then [`Workspace::loss`], which writes the gradient of a [`loss::Loss`] with
//!    respect to the logits;
//! 3. [`Model::backward`], which visits the [`Factors`] of every tensor, or [`Model::step`], which
//!    updates the tensors at once.
//!
//! A new architecture is built with [`Builder`] from the layers in [`layer`]. Losses have SUM
//! reduction throughout. Passes allocate next to nothing. Everything is written over a
//! [`device::Device`]; the default is the processor, whose views are slices.
//!
//! # Example: coherence of a batch
//!
//! ```
//! use coherence_core::Coherence;
//! use coherence_cpu::product::Output;
//! use coherence_nn::{Keep, Model, loss::{Loss, Targets}, model::mlp};
//!
//! let model = Model::<f32>::zeros(mlp(&[2, 2])?);
//! let (x, labels) = ([1.0, 0.0, 0.0, 1.0], [0, 0]);
//! let mut workspace = model.workspace(2, Keep::Activations);
//! model.forward(&x, 2, &mut workspace);
//! workspace.loss(Loss::default(), Targets::Labels(&labels[..]), &mut [0.0; 2]);
//!
//! let (mut norms, mut sum) = ([0.0; 2], [0.0; 6]);
//! model.backward(&x, &mut workspace, |factors| {
//!     factors.sq_norms(&mut norms);
//!     factors.sum(Output::Overwrite, &mut sum[factors.range.clone()]);
//! });
//! let sq_norm_of_sum = sum.iter().map(|&s| f64::from(s).powi(2)).sum();
//! let coherence = Coherence { m: 2, sq_norm_of_sum, sum_sq_norms: norms.iter().sum() };
//! assert_eq!(coherence.m_coherence(), 1.5); // weights: orthogonal gradients; biases: equal ones
//! # Ok::<(), coherence_nn::GraphError>(())
//! ```
//!
//! # What does this crate not do?
//!
//! It knows no data sets and no optimisers, and reads or writes no files: [`weights`] only converts
//! parameters to bytes and back.

mod activation;
pub mod device;
mod factors;
mod gradients;
mod graph;
pub mod layer;
mod layout;
pub mod loss;
pub mod model;
mod network;
mod shape;
mod step;
pub mod weights;
mod workspace;

pub use activation::{Activation, ActivationError};
pub use coherence_cpu::Element;
pub use factors::Factors;
pub use gradients::{Gradients, PerExample};
pub use graph::{Builder, Graph, GraphError, TooFewValuesError, Value};
pub use layout::{Initial, Layout, TensorSpec};
pub use network::Model;
pub use shape::Shape;
pub use workspace::{Keep, Workspace};
