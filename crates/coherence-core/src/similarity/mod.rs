//! Peers' measures of how alike per-example gradients are, and attribution to groups of examples.
//!
//! All but gradient diversity and GSNR need O(m² d) time: they look at pairs. A sample is a slice
//! of anything that is a slice of floats: `&[[f32; D]]`, `&[&[f64]]`, `&[Vec<f32>]`. Gradients
//! must be of one length, and finite: NaN gives NaN, an infinity NaN or ∞.
//!
//! m: examples, d: parameters.

mod attribution;
mod confusion;
mod cosine;
mod distance;
mod diversity;
mod gsnr;
mod stiffness;

pub use attribution::{Decrease, permute};
pub use confusion::confusion_bound;
pub use cosine::{cosine, cosine_stiffness, minimum_cosine};
pub use distance::pairwise_distance;
pub use gsnr::CoordinateSums;
pub use stiffness::sign_stiffness;

/// Folds over the pairs i < j of different positions; `None` if there is none.
fn pairs<R, A>(rows: &[R], start: A, mut fold: impl FnMut(A, &R, &R) -> A) -> Option<A> {
    let mut acc = start;
    for (i, a) in rows.iter().enumerate() {
        for b in &rows[..i] {
            acc = fold(acc, a, b);
        }
    }
    (rows.len() > 1).then_some(acc)
}

/// m (m − 1)/2, the number of pairs i < j.
fn pair_count(m: usize) -> f64 {
    let m = m as f64;
    m * (m - 1.0) / 2.0
}
