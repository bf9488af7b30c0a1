//! The noise that the papers add to a data set, as wrappers: pure functions of (data, `p`, `seed`).
//!
//! An example is marked for noise if its uniform random number is below `p`. With the same seed, the
//! examples marked at 25 % are therefore also marked at 50 %.

mod label;
mod pixel;

pub use label::LabelNoise;
pub use pixel::PixelNoise;

use crate::random;
use crate::{Designation, ReadError};

/// A share of noise that is not in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the share of noise is {0}, expected a number from 0 to 1")]
pub struct ShareError(pub f64);

/// Noise could not be added.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoiseError {
    /// The share is not in [0, 1].
    #[error(transparent)]
    Share(#[from] ShareError),
    /// An image could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Marks each of `count` examples with probability `p`, using the stream `name`.
fn mark(count: usize, p: f64, seed: u64, name: &str) -> Result<Vec<bool>, ShareError> {
    if !(0.0..=1.0).contains(&p) {
        return Err(ShareError(p));
    }
    let mut rng = random::stream(seed, name);
    Ok((0..count).map(|_| random::unit(&mut rng) < p).collect())
}

/// Corrupt if this noise changed the example, otherwise its designation `before`.
fn designate(changed: bool, before: Designation) -> Designation {
    if changed { Designation::Corrupt } else { before }
}
