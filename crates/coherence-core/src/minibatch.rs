//! Mini-batches: α of means of k gradients from α of examples, and the inverse.
//!
//! Two models, which are often confused: batches drawn **independently** from the distribution
//! ([`amplify`], [`deamplify`]), and one fixed **sample** of m cut into disjoint batches
//! ([`amplify_partition`], [`deamplify_partition`]), as in an epoch.

use crate::unbiased::Estimate;

/// α_W of means (or sums) of k gradients drawn independently.
///
/// # Definition
///
/// ```text
/// α_W = k α / (1 + (k − 1) α),    k ≥ 1, 0 ≤ α ≤ 1
/// ```
///
/// α_W ≥ α, with equality only at k = 1, α = 0 or α = 1: coherence of mini-batch gradients is not
/// coherence of examples.
///
/// # Edge cases
///
/// k = 0 is no batch: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::minibatch::amplify;
/// assert_eq!(amplify(0.25, 4), 1.0 / 1.75);
/// assert_eq!(amplify(1.0, 4), 1.0);
/// ```
///
/// # Source
///
/// MC20 Theorem 3 and Corollary 3.1.
///
/// Law: A4
pub fn amplify(alpha: f64, k: u64) -> f64 {
    if k == 0 {
        return f64::NAN;
    }
    let k = k as f64;
    k * alpha / (1.0 + (k - 1.0) * alpha)
}

/// α imputed from the coherence α_W of mini-batch gradients of size k: inverse of [`amplify`].
///
/// # Definition
///
/// ```text
/// α = α_W / (k − (k − 1) α_W),    k ≥ 1, 0 ≤ α_W ≤ 1
/// ```
///
/// For networks with batch normalisation, which have no per-example gradients.
///
/// # Edge cases
///
/// k = 0: NaN. If the batches partition one sample, use [`deamplify_partition`]: for orthogonal
/// gradients, m = 60 and k = 6, this form reports m α = 60/55 = 1.09.
///
/// # Example
///
/// ```
/// # use coherence_core::minibatch::deamplify;
/// assert_eq!(deamplify(0.5, 4), 0.2);
/// ```
///
/// # Source
///
/// GM22 §6.
///
/// Law: A5
pub fn deamplify(alpha_w: f64, k: u64) -> f64 {
    if k == 0 {
        return f64::NAN;
    }
    let k = k as f64;
    alpha_w / (k - (k - 1.0) * alpha_w)
}

/// α_W when one sample of m gradients is cut into m/k disjoint batches of k, averaged over the
/// partitions (the mean squared norm of a batch is averaged, then the ratio taken).
///
/// # Definition
///
/// ```text
/// α_W = k α / (1 + (k − 1)(m α − 1)/(m − 1)),    1 ≤ k ≤ m, k divides m
/// ```
///
/// Two gradients of one batch are never the same example, so their expected product is the
/// de-biased one. As m grows this becomes [`amplify`].
///
/// # Edge cases
///
/// k = 1: α itself (m = 1 included). k = m: one batch, α_W = 1 unless α = 0. k = 0 or k > m: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::minibatch::amplify_partition;
/// // 60 orthogonal gradients in 10 batches of 6: ten orthogonal batches.
/// assert!((amplify_partition(1.0 / 60.0, 60, 6) - 0.1).abs() < 1e-15);
/// ```
///
/// # Source
///
/// Derived: E‖Σ_batch g‖² = (k/m)(Q + (‖S‖² − Q)(k − 1)/(m − 1)) for a random batch of a fixed
/// sample. Not in the papers, which have only the independent form.
///
/// Law: A5b
pub fn amplify_partition(alpha: f64, m: u64, k: u64) -> f64 {
    match k {
        0 => f64::NAN,
        _ if k > m => f64::NAN,
        1 => alpha,
        _ if alpha == 0.0 => 0.0, // also where k = m makes it 0/0
        _ => {
            let (m, k) = (m as f64, k as f64);
            k * alpha / (1.0 + (k - 1.0) * (m * alpha - 1.0) / (m - 1.0))
        }
    }
}

/// α of a sample of m from the coherence α_W of its partition into batches of k: inverse of
/// [`amplify_partition`].
///
/// # Definition
///
/// ```text
/// α = α_W (m − k) / (k (m − 1) − (k − 1) m α_W),    1 ≤ k < m
/// ```
///
/// # Edge cases
///
/// k = 1: α_W itself. k = m: one batch says nothing but whether S is 0, so α_W = 1 gives NaN.
/// k = 0 or k > m: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::minibatch::deamplify_partition;
/// // Ten orthogonal batches of 6: m α = 1, where `deamplify` reports 1.09.
/// assert!((60.0 * deamplify_partition(0.1, 60, 6) - 1.0).abs() < 1e-14);
/// ```
///
/// # Source
///
/// Derived, see [`amplify_partition`].
///
/// Law: A5b
pub fn deamplify_partition(alpha_w: f64, m: u64, k: u64) -> f64 {
    match k {
        0 => f64::NAN,
        _ if k > m => f64::NAN,
        1 => alpha_w,
        _ => {
            let (m, k) = (m as f64, k as f64);
            alpha_w * (m - k) / (k * (m - 1.0) - (k - 1.0) * m * alpha_w)
        }
    }
}

/// α̂ of single examples imputed from the de-biased coherence α̂_W of mini-batch gradients of size k, with its
/// standard error.
///
/// # Definition
///
/// ```text
/// α̂ = α̂_W / (k − (k − 1) α̂_W),    se = se_W · k / (k − (k − 1) α̂_W)²
/// ```
///
/// α̂_W is [`Coherence::alpha_debiased`](crate::Coherence::alpha_debiased) over K mini-batches, and se_W its
/// [`jackknife`](crate::unbiased::jackknife) error; the second formula is the delta method for
/// [`deamplify`]. If the mini-batches partition a sample of m = K k examples, this α̂ is the de-biased
/// form (m α − 1)/(m − 1) of the α that [`deamplify_partition`] gives.
///
/// # Edge cases
///
/// k = 0: both NaN. k = 1: the estimate itself. α̂_W may be negative.
///
/// # Example
///
/// ```
/// use coherence_core::{minibatch::deamplify_estimate, unbiased::Estimate};
/// let of_batches = Estimate { value: 0.5, standard_error: 0.125 };
/// let imputed = deamplify_estimate(of_batches, 4);
/// assert_eq!(imputed.value, 0.2);
/// assert!((imputed.standard_error - 0.125 * 4.0 / 6.25).abs() < 1e-15);
/// ```
///
/// # Source
///
/// GM22 §6 for the value; the error is derived.
///
/// Law: A5, A15c
pub fn deamplify_estimate(alpha_w: Estimate, k: u64) -> Estimate {
    let value = deamplify(alpha_w.value, k);
    if k == 0 {
        return Estimate { value, standard_error: f64::NAN };
    }
    let k = k as f64;
    let divisor = k - (k - 1.0) * alpha_w.value;
    Estimate { value, standard_error: alpha_w.standard_error * k / (divisor * divisor) }
}
