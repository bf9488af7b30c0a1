//! Helpfulness: how much the others' gradients help one example.

use crate::{Coherence, Member};

/// h_i, the helpfulness of example i.
///
/// # Definition
///
/// ```text
/// h_i = g_i · (S − g_i) / ((m − 1) Q/m)
/// ```
///
/// The mean product with another example's gradient, in units of the mean energy. The mean of h_i
/// over the sample is α̂, [`Coherence::alpha_debiased`]. At 0 or below, no other example
/// helps this one: it has a wrong label, is an outlier, or will be memorised.
///
/// # Edge cases
///
/// Fewer than two examples: NaN. Zero gradients only: 0.
///
/// # Example
///
/// ```
/// # use coherence_core::{Coherence, Member, helpfulness::helpfulness};
/// // (1, 0), (1, 0), (-1, 0): S = (1, 0), Q = 3.
/// let sample = Coherence { m: 3, sq_norm_of_sum: 1.0, sum_sq_norms: 3.0 };
/// let odd_one_out = Member { dot_with_sum: -1.0, sq_norm: 1.0 };
/// assert_eq!(helpfulness(sample, odd_one_out), -1.0);
/// ```
///
/// # Source
///
/// Derived from MC20 §3.
///
/// Law: A15d
#[doc(alias = "TracIn")]
#[doc(alias = "influence")]
pub fn helpfulness(sample: Coherence, member: Member) -> f64 {
    if sample.m < 2 {
        return f64::NAN;
    }
    let with_others = member.dot_with_sum - member.sq_norm;
    if sample.sum_sq_norms == 0.0 {
        return 0.0;
    }
    with_others / ((sample.m - 1) as f64 * sample.energy())
}
