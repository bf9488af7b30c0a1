//! α and m-coherence, as queries of two sums over the per-example gradients.

/// The sufficient statistics of a sample of per-example gradients.
///
/// Everything that the two sums determine is a method here or takes this struct. Gradients are
/// those of the **sum** loss, g_i = ∇ℓ_i: for a mean loss multiply them by m first (α itself is
/// scale-invariant, see [`Coherence::alpha`]). Get it from [`Sums`](crate::Sums), or fill it in from your
/// own reductions: the fields are additive over blocks of coordinates, for the same m.
///
/// # Example
///
/// ```
/// use coherence_core::Coherence;
///
/// // g_1 = (1, 1), g_2 = (1, -1): S = (2, 0), Q = 2 + 2.
/// let orthogonal = Coherence { m: 2, sq_norm_of_sum: 4.0, sum_sq_norms: 4.0 };
/// assert_eq!(orthogonal.alpha(), 0.5);
/// assert_eq!(orthogonal.m_coherence(), 1.0);
/// assert_eq!(orthogonal.energy(), 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Coherence {
    /// m, the number of examples.
    pub m: u64,
    /// ‖S‖², the squared norm of S = Σ g_i.
    pub sq_norm_of_sum: f64,
    /// Q = Σ ‖g_i‖².
    pub sum_sq_norms: f64,
}

impl Coherence {
    /// The coherence α (alpha) of the sample.
    ///
    /// # Definition
    ///
    /// ```text
    /// α = ‖E g‖² / E‖g‖² = E[g · g′] / E[g · g] = ‖S‖² / (m Q),    0 ≤ α ≤ 1
    /// α = 0 ⇔ E g = 0,    α = 1 ⇔ all gradients are equal and not 0
    /// ```
    ///
    /// The share of the best possible first-order decrease of the loss that a step along the mean
    /// gradient achieves. α = 0 if and only if the mean gradient is 0; α = 1 if and only if all
    /// gradients are equal and not all zero; α(k g) = α(g) for k ≠ 0.
    ///
    /// # Edge cases
    ///
    /// No examples: NaN. Zero gradients only: 0. One example that is not zero: 1. Rounding that
    /// would lift α above 1 is cut off. NaN in the sums gives NaN.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// // Four gradients that share one component of length 1 and own another each.
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.alpha(), 5.0 / 8.0);
    /// ```
    ///
    /// # Source
    ///
    /// MC20 (3), (4), Theorem 1, Lemma 2; GM22 (3), Theorem 2 and note 11 (all zeros).
    ///
    /// Law: A1, A2, A3
    #[doc(alias = "gradient coherence")]
    #[doc(alias = "gradient alignment")]
    pub fn alpha(&self) -> f64 {
        self.m_coherence() / self.m as f64
    }

    /// m-coherence: how many examples, itself included, one example helps on average.
    ///
    /// # Definition
    ///
    /// ```text
    /// m α = α / α⊥ = ‖S‖² / Q,    0 ≤ m α ≤ m,    α⊥ = 1/m
    /// ```
    ///
    /// Pairwise orthogonal gradients have m-coherence 1, equal ones m.
    ///
    /// # Edge cases
    ///
    /// As for [`alpha`](Self::alpha): NaN for no examples, 0 for zeros only, cut off at m.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.m_coherence(), 2.5);
    /// ```
    ///
    /// # Source
    ///
    /// MC20 §3; GM22 §4, Example 3 (there written α_m/α_m⊥).
    ///
    /// Law: A7
    pub fn m_coherence(&self) -> f64 {
        if self.m == 0 {
            return f64::NAN;
        }
        if self.sum_sq_norms == 0.0 {
            return 0.0;
        }
        let ratio = self.sq_norm_of_sum / self.sum_sq_norms;
        if ratio > self.m as f64 { self.m as f64 } else { ratio }
    }

    /// The energy E‖g‖² = Q/m, a mean over examples. No examples: NaN.
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.energy(), 2.0);
    /// assert!(Coherence::default().energy().is_nan());
    /// ```
    pub fn energy(&self) -> f64 {
        if self.m == 0 { f64::NAN } else { self.sum_sq_norms / self.m as f64 }
    }

    /// ‖E g‖² = ‖S‖²/m², the squared norm of the mean gradient. No examples: NaN.
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.sq_norm_of_mean(), 1.25);
    /// assert!(Coherence::default().sq_norm_of_mean().is_nan());
    /// ```
    pub fn sq_norm_of_mean(&self) -> f64 {
        let m = self.m as f64;
        if self.m == 0 { f64::NAN } else { self.sq_norm_of_sum / m / m }
    }
}
