//! De-biased α of a weighted sample, and its standard error.
//!
//! All is for probability weights, see [`WeightedCoherence`].

use super::Estimate;
use crate::{Member, WeightedCoherence, moments::Moments};

impl WeightedCoherence {
    /// n_eff, the number of equally weighted examples whose mean varies as much as this one's.
    ///
    /// # Definition
    ///
    /// ```text
    /// n_eff = W² / Σ w_i² = 1 / Σ p_i²,    1 ≤ n_eff ≤ m
    /// ```
    ///
    /// It takes the place of m in the bias: for gradients of equal norm
    /// E\[α\] = α + (1 − α)/n_eff.
    ///
    /// # Edge cases
    ///
    /// Total weight 0: NaN.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::WeightedCoherence;
    /// let c = WeightedCoherence { m: 3, weight: 4.0, sum_sq_weights: 6.0, ..Default::default() };
    /// assert_eq!(c.effective_sample_size(), 16.0 / 6.0); // weights 1, 1, 2
    /// ```
    ///
    /// # Source
    ///
    /// Kish (1965), *Survey sampling*; the bias is derived.
    ///
    /// Law: A13
    pub fn effective_sample_size(&self) -> f64 {
        self.weight * self.weight / self.sum_sq_weights
    }

    /// U, the unbiased estimate of ‖E g‖² from a weighted sample.
    ///
    /// # Definition
    ///
    /// ```text
    /// U = (‖S‖² − P) / (W² − Σ w_i²),    S = Σ w_i g_i, P = Σ w_i² ‖g_i‖²
    /// ```
    ///
    /// The mean of g_i · g_j over i ≠ j with weights w_i w_j. Unbiased for draws from one distribution
    /// with weights that do not depend on them; with weights that do, as in importance sampling, it is
    /// consistent. With equal weights it is
    /// [`Coherence::sq_norm_of_mean_unbiased`](crate::Coherence::sq_norm_of_mean_unbiased).
    ///
    /// # Edge cases
    ///
    /// Fewer than two examples of weight above 0, or one whose weight is so large that the others' are lost to
    /// rounding: NaN.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::WeightedSums;
    /// let mut sums = WeightedSums::new([0.0]);
    /// sums.add(1.0, &[2.0])?;
    /// sums.add(3.0, &[5.0])?;
    /// assert_eq!(sums.coherence().sq_norm_of_mean_unbiased(), 10.0); // one pair: 2 · 5
    /// # Ok::<(), coherence_core::WeightedError>(())
    /// ```
    ///
    /// # Source
    ///
    /// Derived; a weighted U-statistic.
    ///
    /// Law: A15c
    pub fn sq_norm_of_mean_unbiased(&self) -> f64 {
        let pairs = self.weight * self.weight - self.sum_sq_weights;
        self.over_pairs(pairs)
    }

    /// α̂, the de-biased estimate of the distribution's α from a weighted sample.
    ///
    /// # Definition
    ///
    /// ```text
    /// α̂ = (‖S‖² − P) / (W Q − P),    Q = Σ w_i ‖g_i‖²,    −1 ≤ α̂ ≤ 1
    /// ```
    ///
    /// Numerator and denominator are means over the same pairs i ≠ j with weights w_i w_j: of
    /// g_i · g_j (this is [`U`](Self::sq_norm_of_mean_unbiased), but for a factor) and of
    /// (‖g_i‖² + ‖g_j‖²)/2, unbiased for E‖g‖². With Q/W in its place α̂ could exceed 1. With equal
    /// weights it is [`Coherence::alpha_debiased`](crate::Coherence::alpha_debiased); a factor common to
    /// all weights does not matter.
    ///
    /// # Edge cases
    ///
    /// Fewer than two examples of weight above 0, or one beside which the others are lost to rounding:
    /// NaN. Zero gradients only: 0. Rounding beyond ±1 is cut off.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::WeightedSums;
    /// let mut sums = WeightedSums::new([0.0; 2]);
    /// for (w, g) in [(1.0, [2.0, 0.0]), (1.0, [2.0, 0.0]), (2.0, [0.0, 2.0])] {
    ///     sums.add(w, &g)?;
    /// }
    /// // Of the weights of pairs, 1 + 2 + 2, the one of the equal two counts.
    /// assert!((sums.coherence().alpha_debiased() - 0.2).abs() < 1e-15);
    /// # Ok::<(), coherence_core::WeightedError>(())
    /// ```
    ///
    /// # Source
    ///
    /// Derived from MC20 §3 and GM22 note 12.
    ///
    /// Law: A15c
    pub fn alpha_debiased(&self) -> f64 {
        if self.m > 1 && self.sum_sq_norms == 0.0 {
            return 0.0;
        }
        let pairs = self.weight * self.sum_sq_norms - self.sum_sq_weighted_norms;
        self.over_pairs(pairs).clamp(-1.0, 1.0)
    }

    /// The sum of w_i w_j g_i · g_j over i ≠ j, divided by another sum over these pairs.
    fn over_pairs(&self, pairs: f64) -> f64 {
        let none = self.m < 2 || pairs <= 0.0;
        if none { f64::NAN } else { (self.sq_norm_of_sum - self.sum_sq_weighted_norms) / pairs }
    }
}

/// α̂ of a weighted sample with the jackknife's standard error, from a second pass over the weights and
/// members.
///
/// # Definition
///
/// ```text
/// se² = Σ_i p_i² (t_i − t̄)² / (1 − 2 p_i + Σ p_j²),    p_i = w_i/W
/// t_i = (1 − p_i) (α̂ − α̂₍ᵢ₎) / p_i,    t̄ = Σ p_i t_i
/// ```
///
/// where α̂₍ᵢ₎ is α̂ of the sample without example i, the other weights unchanged. t_i estimates the
/// influence of example i; were α̂ a weighted mean, t_i would be the deviation of example i from it, and
/// se² unbiased for its variance. With equal weights it is [`jackknife`](super::jackknife); examples of
/// weight 0 change nothing, nor does a factor common to all weights. O(m) time after the dots, O(1)
/// memory.
///
/// # Edge cases
///
/// Fewer than two examples of weight above 0: both NaN; fewer than three, or another number of such
/// members than m: the error is NaN. Where
/// g · E g is the same for all examples, too large by a factor of about √2, as without weights.
///
/// # Example
///
/// ```
/// use coherence_core::{WeightedSums, unbiased::weighted_jackknife};
///
/// let sample = [(1.0, [1.0, 0.0]), (2.0, [1.0, 1.0]), (1.0, [0.0, 1.0])];
/// let mut sums = WeightedSums::new([0.0; 2]);
/// for (w, g) in &sample {
///     sums.add(*w, g)?;
/// }
/// let members = sample.iter().filter_map(|(w, g)| Some((*w, sums.member(g).ok()??)));
/// let estimate = weighted_jackknife(sums.coherence(), members);
/// println!("{:.3} ± {:.3}", estimate.value, estimate.standard_error);
/// # assert!((estimate.value - 4.0 / 7.0).abs() < 1e-15);
/// # Ok::<(), coherence_core::WeightedError>(())
/// ```
///
/// # Source
///
/// Derived; the t_i are the weighted pseudo-values of Hinkley, *Jackknifing in unbalanced situations*,
/// Technometrics 19 (1977), the divisors those that make a weighted mean's variance unbiased.
///
/// Law: A15c
pub fn weighted_jackknife(
    sample: WeightedCoherence,
    members: impl IntoIterator<Item = (f64, Member)>,
) -> Estimate {
    let value = sample.alpha_debiased();
    if sample.m < 3 {
        return Estimate { value, standard_error: f64::NAN };
    }
    let sum_sq_p = sample.sum_sq_weights / (sample.weight * sample.weight);
    let mut influences = Moments::default();
    let mut mean = 0.0;
    for (weight, member) in members.into_iter().filter(|(weight, _)| *weight > 0.0) {
        let p = weight / sample.weight;
        let influence = (1.0 - p) / p * (value - sample.without(weight, member).alpha_debiased());
        mean += p * influence;
        influences.add_weighted(p * p / (1.0 - 2.0 * p + sum_sq_p), influence);
    }
    let variance = influences.sum_sq_deviations_from(mean);
    let is_whole = influences.len() == sample.m;
    Estimate { value, standard_error: if is_whole { libm::sqrt(variance) } else { f64::NAN } }
}
