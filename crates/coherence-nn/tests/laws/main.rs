//! Laws of the networks, in one binary because linking is slow.

mod activations;
mod architectures;
mod common;
mod cuda;
mod devices;
mod dropping;
mod factors;
mod gradients;
mod hostile;
mod initial;
mod layers;
mod loss;
mod networks;
mod parity;
mod rules;
mod shared;
mod weights;
