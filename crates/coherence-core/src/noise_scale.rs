//! The gradient noise scale, which α determines and is determined by.

use crate::Coherence;

impl Coherence {
    /// tr Σ, the trace of the covariance of the per-example gradients (divisor m).
    ///
    /// # Definition
    ///
    /// ```text
    /// tr Σ = E‖g − E g‖² = (1 − α) E‖g‖² = Q/m − ‖S‖²/m²
    /// ```
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.trace_of_covariance(), 0.75);
    /// ```
    ///
    /// # Source
    ///
    /// MC20 Theorem 1, proof, (6).
    ///
    /// Law: A15b
    pub fn trace_of_covariance(&self) -> f64 {
        (1.0 - self.alpha()) * self.energy()
    }

    /// B_simple, the simple gradient noise scale.
    ///
    /// # Definition
    ///
    /// ```text
    /// B_simple = tr Σ / ‖E g‖² = 1/α − 1,    hence α = 1/(1 + B_simple)
    /// ```
    ///
    /// In examples: a batch much smaller gives steps that are mostly noise.
    ///
    /// # Edge cases
    ///
    /// No examples: NaN. α = 0 (zero gradients included): ∞. α = 1: 0.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.noise_scale(), 0.6);
    /// ```
    ///
    /// # Source
    ///
    /// McCandlish et al. (2018), *An empirical model of large-batch training*; relation derived.
    ///
    /// Law: A15b
    #[doc(alias = "gradient noise scale")]
    #[doc(alias = "B_simple")]
    #[doc(alias = "critical batch size")]
    #[doc(alias = "GNS")]
    #[doc(alias = "noise scale")]
    pub fn noise_scale(&self) -> f64 {
        (1.0 - self.alpha()) / self.alpha()
    }

    /// GSNR, the gradient signal-to-noise ratio; of one coordinate, if these are its statistics
    /// (see [`CoordinateSums`](crate::similarity::CoordinateSums)).
    ///
    /// # Definition
    ///
    /// ```text
    /// r = (E g)² / Var g = α / (1 − α),    hence α = r/(1 + r)    (variance with divisor m)
    /// ```
    ///
    /// # Edge cases
    ///
    /// No examples: NaN. α = 0: 0. α = 1: ∞.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 2, sq_norm_of_sum: 16.0, sum_sq_norms: 10.0 }; // 1 and 3
    /// assert!((c.gsnr() - 4.0).abs() < 1e-14); // mean 2, variance 1
    /// ```
    ///
    /// # Source
    ///
    /// Liu et al. (2020), *Understanding why neural networks generalize well through GSNR of
    /// parameters*; relation derived.
    ///
    /// Law: A15b, A16
    #[doc(alias = "gradient signal-to-noise ratio")]
    #[doc(alias = "GSNR")]
    pub fn gsnr(&self) -> f64 {
        self.alpha() / (1.0 - self.alpha())
    }
}

/// α from the noise scale: 1/(1 + B_simple). B = ∞ gives 0.
///
/// ```
/// # use coherence_core::noise_scale::alpha_from_noise_scale;
/// assert_eq!(alpha_from_noise_scale(3.0), 0.25);
/// ```
///
/// # Source
///
/// Derived from the definition.
///
/// Law: A15b
pub fn alpha_from_noise_scale(noise_scale: f64) -> f64 {
    1.0 / (1.0 + noise_scale)
}
