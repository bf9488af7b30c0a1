//! Maximum and average pooling, channels last.
//!
//! x [m, h, w, c], out [m, oh, ow, c]. [`Windows`] holds the windows of every output position: those of a
//! sliding kernel ([`Pool`]) or adaptive ones. Sizes, padding and ceil mode follow PyTorch.
//! Additions have a fixed order, so that no bit depends on the number of threads or on the instruction
//! set. m: examples, c: channels.

mod average;
mod error;
mod max;
mod windows;

pub use average::{Divisor, average_backward, average_forward};
pub use error::PoolError;
pub use max::{max_backward, max_forward};
pub use windows::{Pool, Window, Windows};
