//! Noise that the papers add to a data set, as wrappers: pure functions of (data, `p`, `seed`).
//!
//! Whether an example is marked for noise depends on one uniform number per example, compared with
//! `p`: with the same seed, what is marked at 25 % stays marked at 50 %.

mod label;
mod pixel;

pub use label::LabelNoise;
pub use pixel::PixelNoise;

use crate::Designation;
use crate::random;

/// A share of examples that is no probability.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the share of noise is {0}, expected a number from 0 to 1")]
pub struct ShareError(pub f64);

/// Marks each of `count` examples with probability `p`, from the stream `name`.
fn mark(count: usize, p: f64, seed: u64, name: &str) -> Result<Vec<bool>, ShareError> {
    if !(0.0..=1.0).contains(&p) {
        return Err(ShareError(p));
    }
    let mut rng = random::stream(seed, name);
    Ok((0..count).map(|_| random::unit(&mut rng) < p).collect())
}

/// Corrupt if noise changed it here, otherwise what it was before.
fn designate(changed: bool, before: Designation) -> Designation {
    if changed { Designation::Corrupt } else { before }
}
