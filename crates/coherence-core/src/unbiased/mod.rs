//! The bias of a sample's α, its removal, and standard errors.

use crate::{Coherence, Member, moments::Moments};

mod weighted;

pub use weighted::weighted_jackknife;

/// The expected α of a sample of m drawn independently, for gradients of equal norm.
///
/// # Definition
///
/// ```text
/// E_S[α_S] = α + (1 − α)/m,    m ≥ 1
/// ```
///
/// Each example is perfectly coherent with itself: a sample of one has α = 1, if its gradient is not 0. For
/// gradients of different norms a sample's α is a ratio of two means, and no sign of its bias is proved.
///
/// # Edge cases
///
/// m = 0: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::unbiased::expected_sample_alpha;
/// assert_eq!(expected_sample_alpha(0.5, 1), 1.0);
/// assert_eq!(expected_sample_alpha(0.5, 50), 0.51);
/// ```
///
/// # Source
///
/// GM22 note 12: "Typically, α_S overestimates α", and `E_S[α_S] ≥ α` for gradients of equal norm; the equality
/// is derived.
///
/// Law: A13
pub fn expected_sample_alpha(alpha: f64, m: u64) -> f64 {
    if m == 0 { f64::NAN } else { alpha + (1.0 - alpha) / m as f64 }
}

/// A value with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error, in the same units.
    pub standard_error: f64,
}

impl Coherence {
    /// α − 1/m: α without the pairs of an example with itself, for gradients of equal norm.
    ///
    /// # Edge cases
    ///
    /// No examples: NaN.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.alpha_without_self(), 0.375);
    /// ```
    ///
    /// # Source
    ///
    /// MC20 §3, "mathematical simplicity", 2. It is (m − 1)/m times
    /// [`alpha_debiased`](Self::alpha_debiased).
    ///
    /// Law: A13
    pub fn alpha_without_self(&self) -> f64 {
        self.alpha() - 1.0 / self.m as f64
    }

    /// U, the unbiased estimate of ‖E g‖² from this sample.
    ///
    /// # Definition
    ///
    /// ```text
    /// U = (‖S‖² − Q) / (m (m − 1))
    /// ```
    ///
    /// The mean of g_i · g_j over i ≠ j. Unlike [`sq_norm_of_mean`](Self::sq_norm_of_mean) it may be
    /// negative.
    ///
    /// # Edge cases
    ///
    /// Fewer than two examples: NaN.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.sq_norm_of_mean_unbiased(), 1.0); // where ‖S‖²/m² = 1.25
    /// ```
    ///
    /// # Source
    ///
    /// Derived from GM22 note 12; a U-statistic.
    ///
    /// Law: A15c
    pub fn sq_norm_of_mean_unbiased(&self) -> f64 {
        if self.m < 2 {
            return f64::NAN;
        }
        let m = self.m as f64;
        (self.sq_norm_of_sum - self.sum_sq_norms) / (m * (m - 1.0))
    }

    /// α̂, the de-biased estimate of the distribution's α from this sample.
    ///
    /// # Definition
    ///
    /// ```text
    /// α̂ = U / (Q/m),    U = (‖S‖² − Q) / (m (m − 1)),    −1/(m − 1) ≤ α̂ ≤ 1
    /// ```
    ///
    /// With [`U`](Self::sq_norm_of_mean_unbiased) in place of ‖S‖²/m². Unlike α it may be negative. A ratio
    /// of two unbiased estimates keeps a bias of order 1/m: *de-biased*, not unbiased.
    ///
    /// # Edge cases
    ///
    /// Fewer than two examples: NaN. Zero gradients only: 0.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let orthogonal = Coherence { m: 2, sq_norm_of_sum: 4.0, sum_sq_norms: 4.0 };
    /// assert_eq!(orthogonal.alpha_debiased(), 0.0); // where α = 1/2
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.alpha_debiased(), 0.5);
    /// ```
    ///
    /// # Source
    ///
    /// Derived from MC20 §3 and GM22 note 12.
    ///
    /// Law: A15c
    #[doc(alias = "alpha_unbiased")]
    pub fn alpha_debiased(&self) -> f64 {
        if self.m < 2 {
            return f64::NAN;
        }
        if self.sum_sq_norms == 0.0 {
            return 0.0;
        }
        (self.m_coherence() - 1.0) / (self.m as f64 - 1.0)
    }
}

/// α̂ with the jackknife's standard error, from a second pass over the sample's members.
///
/// # Definition
///
/// ```text
/// se² = (m − 1)/m Σ_i (α̂₍ᵢ₎ − mean α̂₍·₎)²
/// ```
///
/// where α̂₍ᵢ₎ is α̂ of the sample without example i. O(m) time after the dots, O(1) memory. The
/// value is α̂ of the whole sample, not the jackknife's own correction of it.
///
/// # Edge cases
///
/// Fewer than two examples: both NaN; fewer than three, or another number of members than m: the error
/// is NaN. Where g · E g is the same
/// for all examples, as at a stationary point, the error is too large by a factor of about √2 (the
/// variance is that of a degenerate U-statistic): the jackknife then overestimates.
///
/// # Example
///
/// ```
/// # use coherence_core::{Sums, unbiased::jackknife};
/// let sample = [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
/// let mut sums = Sums::new([0.0; 2]);
/// for g in &sample {
///     sums.add(g)?;
/// }
/// let members = sample.iter().flat_map(|g| sums.member(g)).flatten();
/// let estimate = jackknife(sums.coherence(), members);
/// assert!((estimate.value - 0.5).abs() < 1e-15); // leaving one out: 2/3, 0, 2/3
/// assert!((estimate.standard_error - (16.0f64 / 81.0).sqrt()).abs() < 1e-15);
/// # Ok::<(), coherence_core::finite::NonFinite>(())
/// ```
///
/// # Source
///
/// Derived; the jackknife is Quenouille's and Tukey's (1958).
///
/// Law: A15c
pub fn jackknife(sample: Coherence, members: impl IntoIterator<Item = Member>) -> Estimate {
    let value = sample.alpha_debiased();
    if sample.m < 3 {
        return Estimate { value, standard_error: f64::NAN };
    }
    let mut left_out = Moments::default();
    members.into_iter().for_each(|member| left_out.add(sample.without(member).alpha_debiased()));
    let m = sample.m as f64;
    let variance = (m - 1.0) / m * left_out.sum_sq_deviations();
    let is_whole = left_out.len() == sample.m;
    Estimate { value, standard_error: if is_whole { libm::sqrt(variance) } else { f64::NAN } }
}

/// The mean of α̂ over independent batches, with its standard error.
///
/// # Definition
///
/// ```text
/// mean = (1/K) Σ_b α̂_b,    se = sd(α̂_b)/√K    (sd with divisor K − 1)
/// ```
///
/// For streams that cannot be read twice. The ratio α̂_b has a bias of order 1/m_b: let batches be
/// large.
///
/// # Edge cases
///
/// No batches, or one with fewer than two examples: both NaN. One batch: the error is NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::{Coherence, unbiased::batch_means};
/// let orthogonal = Coherence { m: 2, sq_norm_of_sum: 4.0, sum_sq_norms: 4.0 };
/// let equal = Coherence { m: 2, sq_norm_of_sum: 8.0, sum_sq_norms: 4.0 };
/// let estimate = batch_means([orthogonal, equal]);
/// assert_eq!((estimate.value, estimate.standard_error), (0.5, 0.5));
/// ```
///
/// # Source
///
/// Derived; batch means are usual in simulation.
///
/// Law: A15c
pub fn batch_means(batches: impl IntoIterator<Item = Coherence>) -> Estimate {
    let mut values = Moments::default();
    batches.into_iter().for_each(|batch| values.add(batch.alpha_debiased()));
    let k = values.len() as f64;
    let value = if values.len() == 0 { f64::NAN } else { values.mean() };
    let variance = values.sum_sq_deviations() / (k - 1.0) / k; // 0/0 for one batch
    Estimate { value, standard_error: libm::sqrt(variance) }
}
