//! Networks with an explicit forward and backward pass that yields per-example gradients as factors.

pub mod worked;
