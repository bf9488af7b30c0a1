//! Peers' measures of how alike per-example gradients are, and attribution to groups of examples.
//!
//! All but gradient diversity and GSNR need O(m² d) time: they look at pairs. A sample is a slice
//! of anything that is a slice of floats: `&[[f32; D]]`, `&[&[f64]]`, `&[Vec<f32>]`.
//!
//! What NaN and ±∞ mean is a [`Policy`]: [`Policy::Error`] names the first as row · d + coordinate;
//! [`Policy::Omit`] leaves out the example and with it its pairs, as if it were not in the sample;
//! under [`Policy::Propagate`] NaN gives NaN, an infinity NaN or ∞. Gradients of different lengths are
//! a bug of the caller and panic.
//!
//! m: examples, d: parameters.

use num_traits::Float;

use crate::finite::{NonFinite, Policy, first_non_finite};

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

/// Folds over the pairs i < j of the examples that the policy admits; the result, and how many
/// examples these are.
fn fold_pairs<T: Float, R: AsRef<[T]>, A>(
    rows: &[R],
    policy: Policy,
    start: A,
    mut fold: impl FnMut(A, &[T], &[T]) -> A,
) -> Result<(A, usize), NonFinite> {
    let takes = |b: &&[T]| policy != Policy::Omit || first_non_finite(b).is_none();
    let (mut acc, mut m) = (start, 0);
    for (i, a) in rows.iter().map(R::as_ref).enumerate() {
        assert_eq!(a.len(), rows[0].as_ref().len(), "gradients differ in length");
        if policy.admit(a).map_err(|error| error.in_row(i, a.len()))? {
            m += 1;
            for b in rows[..i].iter().map(R::as_ref).filter(takes) {
                acc = fold(acc, a, b);
            }
        }
    }
    Ok((acc, m))
}

/// m (m − 1)/2, the number of pairs i < j.
fn pair_count(m: usize) -> f64 {
    let m = m as f64;
    m * (m - 1.0) / 2.0
}
