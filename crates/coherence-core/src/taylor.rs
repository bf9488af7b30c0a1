//! The Taylor link: α as a ratio of two first-order decreases of the loss.

use crate::Coherence;

impl Coherence {
    /// The first-order change of the mean loss after a step −η E g.
    ///
    /// # Definition
    ///
    /// ```text
    /// ℓ(w − η E g) − ℓ(w) ≈ −η ‖E g‖²    (ℓ: the MEAN loss, whose gradient is E g)
    /// ```
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.loss_change(0.5), -0.625);
    /// ```
    ///
    /// # Source
    ///
    /// MC20 (1).
    ///
    /// Law: A14
    pub fn loss_change(&self, rate: f64) -> f64 {
        -rate * self.sq_norm_of_mean()
    }

    /// The same if each example's loss could be optimised on its own, ℓ_z by a step −η g_z.
    ///
    /// # Definition
    ///
    /// ```text
    /// E[ℓ_z(w − η g_z) − ℓ_z(w)] ≈ −η E‖g_z‖²
    /// ```
    ///
    /// The greatest decrease there can be; α = [`loss_change`](Self::loss_change) / this.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
    /// assert_eq!(c.ideal_loss_change(0.5), -1.0);
    /// assert_eq!(c.loss_change(0.5) / c.ideal_loss_change(0.5), c.alpha());
    /// ```
    ///
    /// # Source
    ///
    /// MC20 (2), (3).
    ///
    /// Law: A14
    pub fn ideal_loss_change(&self, rate: f64) -> f64 {
        -rate * self.energy()
    }
}
