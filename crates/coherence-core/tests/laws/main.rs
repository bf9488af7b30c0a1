//! Every law of the catalogue, section A, but the aggregators' (see `tests/aggregate`).
//!
//! A test's name begins with the row it checks: `docs/laws.md` is made from these names.

mod alpha;
mod attribution;
mod bounds;
mod combination;
mod defined;
mod empty;
mod extremes;
mod finite;
mod minibatch;
mod noise;
mod parts;
mod similarity;
mod simulation;
mod squares;
mod sums;
mod unbiased;
mod weighted;
mod weighted_unbiased;

use coherence_core::{Coherence, Sums};

/// The statistics of a sample, by the accumulator.
fn coherence(rows: &[Vec<f64>]) -> Coherence {
    accumulate(rows).coherence()
}

/// An empty accumulator; `Sums::zeros` would need the feature `alloc`.
fn zeros(dim: usize) -> Sums<Vec<f64>> {
    Sums::new(vec![f64::NAN; dim]) // a buffer may hold anything before
}

fn accumulate(rows: &[Vec<f64>]) -> Sums<Vec<f64>> {
    let mut sums = zeros(rows[0].len());
    for row in rows {
        sums.add(row).unwrap();
    }
    sums
}
