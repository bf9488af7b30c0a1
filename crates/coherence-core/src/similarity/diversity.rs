//! Gradient diversity.

use crate::Coherence;

impl Coherence {
    /// Gradient diversity in the normalisation of the coherence papers.
    ///
    /// # Definition
    ///
    /// ```text
    /// 1/α = m Q / ‖S‖² = E‖g‖² / ‖E g‖²,    at least 1
    /// ```
    ///
    /// # Edge cases
    ///
    /// No examples: NaN. α = 0 (zero gradients included): ∞. MC20 prefers α for this reason.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.gradient_diversity(), 1.6);
    /// ```
    ///
    /// # Source
    ///
    /// MC20 §3, "prior work on gradient diversity". Yin et al. (2018) themselves divide by m: see
    /// [`gradient_diversity_yin`](Self::gradient_diversity_yin).
    ///
    /// Law: A15
    #[doc(alias = "gradient diversity")]
    pub fn gradient_diversity(&self) -> f64 {
        1.0 / self.alpha()
    }

    /// Gradient diversity as its authors define it.
    ///
    /// # Definition
    ///
    /// ```text
    /// Δ = Σ ‖g_i‖² / ‖Σ g_i‖² = Q / ‖S‖² = 1/(m α),    at least 1/m
    /// ```
    ///
    /// # Edge cases
    ///
    /// No examples: NaN. S = 0: ∞.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.gradient_diversity_yin(), 0.4);
    /// ```
    ///
    /// # Source
    ///
    /// Yin et al. (2018), *Gradient diversity: a key ingredient for scalable distributed
    /// learning*, definition 1.
    ///
    /// Law: A15
    #[doc(alias = "gradient diversity")]
    pub fn gradient_diversity_yin(&self) -> f64 {
        1.0 / self.m_coherence()
    }
}
