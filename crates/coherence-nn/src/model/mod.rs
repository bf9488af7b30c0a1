//! The architectures: one file each, with the function that builds its [`Graph`](crate::Graph).

mod mlp;

pub use mlp::{mlp, mlp_with_activation};
