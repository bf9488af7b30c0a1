//! Bounds: how far coherent gradients let training on one sample differ from training on another.
//!
//! All are loose and useful only to compare runs, as GM22 §5 says.

/// The upper bound of the expected distance of two gradients, E‖g − g′‖.
///
/// # Definition
///
/// ```text
/// E‖g − g′‖ ≤ √(2 (1 − α) E‖g‖²),    0 ≤ α ≤ 1
/// ```
///
/// The expectation is over independent g and g′, so pairs of an example with itself belong to it;
/// see [`pairwise_distance`](crate::similarity::pairwise_distance).
///
/// # Edge cases
///
/// α above 1: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::bounds::distance_bound;
/// assert_eq!(distance_bound(0.5, 4.0), 2.0);
/// ```
///
/// # Source
///
/// GM22 Lemma 6.
///
/// Law: A11
pub fn distance_bound(alpha: f64, energy: f64) -> f64 {
    libm::sqrt(2.0 * (1.0 - alpha) * energy)
}

/// The constants of a learning problem that the generalisation bound needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Problem {
    /// L: the loss ℓ_z of every example z is L-Lipschitz in the parameters, so ‖g_z(w)‖ ≤ L for all z and w.
    pub lipschitz: f64,
    /// β: the gradient g_z of every example z is β-Lipschitz in the parameters, with one β for all z and w.
    pub smoothness: f64,
    /// m, the number of training examples, at least 1.
    pub m: u64,
}

/// One step of (stochastic) gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// η_t, the step size.
    pub rate: f64,
    /// α(w_{t−1}), the coherence before the step, of the distribution and not of the training set.
    pub alpha: f64,
}

impl Problem {
    /// The bound of the expected generalisation gap after the steps t = 1..T.
    ///
    /// # Definition
    ///
    /// ```text
    /// |gap| ≤ (L²/m) Σ_t [Π_{k=t+1..T} (1 + η_k β)] η_t √(2 (1 − α(w_{t−1})))
    /// ‖g_z(w)‖ ≤ L and ‖g_z(w) − g_z(w′)‖ ≤ β ‖w − w′‖ for all z, w, w′
    /// α(w): the coherence at w of the distribution from which the m examples are drawn
    /// ```
    ///
    /// A sample's α is typically larger than that of the distribution (see
    /// [`expected_sample_alpha`](crate::unbiased::expected_sample_alpha)): with it the bound is an estimate.
    ///
    /// O(T) time, from the last step backwards.
    ///
    /// # Edge cases
    ///
    /// No steps, or α = 1 at all of them: 0.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::bounds::{Problem, Step};
    /// let problem = Problem { lipschitz: 2.0, smoothness: 1.0, m: 8 };
    /// let steps = [Step { rate: 1.0, alpha: 0.5 }, Step { rate: 0.5, alpha: 1.0 }];
    /// assert_eq!(problem.gap_bound(&steps), 0.75); // 4/8 · (1 + 0.5) · 1 · √1
    /// ```
    ///
    /// # Source
    ///
    /// GM22 Theorem 1, (5), which says "certain Lipschitz constants"; that they are uniform is the assumption of
    /// Hardt et al. (2016), whose proof it follows.
    ///
    /// Law: A12
    pub fn gap_bound(&self, steps: &[Step]) -> f64 {
        let mut sum = 0.0;
        let mut expansion = 1.0;
        for step in steps.iter().rev() {
            sum += expansion * step.rate * distance_bound(step.alpha, 1.0);
            expansion *= 1.0 + step.rate * self.smoothness;
        }
        self.scale() * sum
    }

    /// The bound for a constant step size η and the coherences `alphas` `[T]`.
    ///
    /// # Definition
    ///
    /// ```text
    /// |gap| ≤ (L² η / m) Σ_t exp((T − t) η β) √(2 (1 − α(w_{t−1}))),    L, β, α(w) as in Theorem 1
    /// ```
    ///
    /// At least [`gap_bound`](Self::gap_bound) of the same steps.
    ///
    /// # Edge cases
    ///
    /// As for [`gap_bound`](Self::gap_bound).
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::bounds::Problem;
    /// let problem = Problem { lipschitz: 2.0, smoothness: 1.0, m: 8 };
    /// let bound = problem.gap_bound_constant_rate(0.5, &[0.5, 0.5]);
    /// assert!((bound - 0.25 * (0.5f64.exp() + 1.0)).abs() < 1e-15);
    /// ```
    ///
    /// # Source
    ///
    /// GM22 Appendix C, corollary for constant η.
    ///
    /// Law: A12b
    pub fn gap_bound_constant_rate(&self, rate: f64, alphas: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (steps_after, &alpha) in alphas.iter().rev().enumerate() {
            let expansion = libm::exp(steps_after as f64 * rate * self.smoothness);
            sum += expansion * distance_bound(alpha, 1.0);
        }
        self.scale() * rate * sum
    }

    /// The bound for step sizes η_t ≤ η/t and the coherences `alphas` `[T]`.
    ///
    /// # Definition
    ///
    /// ```text
    /// |gap| ≤ (L² η T^{ηβ} / m) Σ_t √(2 (1 − α(w_{t−1}))),    L, β, α(w) as in Theorem 1
    /// ```
    ///
    /// At least [`gap_bound`](Self::gap_bound) of such steps.
    ///
    /// # Edge cases
    ///
    /// As for [`gap_bound`](Self::gap_bound).
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::bounds::Problem;
    /// let problem = Problem { lipschitz: 2.0, smoothness: 2.0, m: 8 };
    /// assert_eq!(problem.gap_bound_decaying_rate(0.5, &[0.5, 0.5, 0.5]), 2.25);
    /// ```
    ///
    /// # Source
    ///
    /// GM22 Appendix C, corollary for η_t ≤ η/t.
    ///
    /// Law: A12b
    pub fn gap_bound_decaying_rate(&self, rate: f64, alphas: &[f64]) -> f64 {
        let sum: f64 = alphas.iter().map(|&alpha| distance_bound(alpha, 1.0)).sum();
        let expansion = libm::pow(alphas.len() as f64, rate * self.smoothness);
        self.scale() * rate * expansion * sum
    }

    /// L²/m.
    fn scale(&self) -> f64 {
        self.lipschitz * self.lipschitz / self.m as f64
    }
}

/// The bound δ_t of how far two runs have diverged, ‖w_t − w_t′‖, when one training example differs.
///
/// # Definition
///
/// ```text
/// δ_t ≤ (1 + η_t β) δ_{t−1} + η_t (I_t / b) ‖g_i − g_i′‖,    E I_t = b/m,    β as in Theorem 1
/// ```
///
/// `hit_share` is I_t/b: 1/b if the differing example is in the batch of b, else 0; 1/m on
/// average. L δ_T bounds the [`stability`], hence the gap.
///
/// # Example
///
/// ```
/// # use coherence_core::bounds::divergence;
/// assert_eq!(divergence(2.0, 0.5, 1.0, 0.25, 8.0), 4.0); // 1.5 · 2 + 0.5 · 0.25 · 8
/// ```
///
/// # Source
///
/// GM22 Appendix C, after Hardt et al. (2016), *Train faster, generalize better*.
///
/// Law: A12b
pub fn divergence(
    previous: f64,
    rate: f64,
    smoothness: f64,
    hit_share: f64,
    gradient_distance: f64,
) -> f64 {
    (1.0 + rate * smoothness) * previous + rate * hit_share * gradient_distance
}

/// The stability of a learner, whose expectation **is** the expected generalisation gap.
///
/// # Definition
///
/// ```text
/// gap = E_S[E_z ℓ(w_S, z) − (1/m) Σ_i ℓ(w_S, z_i)] = E_{S, z_i′}[(1/m) Σ_i (ℓ(w_S^i, z_i) − ℓ(w_S, z_i))]
/// ```
///
/// where S^i is S with z_i replaced by z_i′. `without` `[m]` are the losses ℓ(w_S^i, z_i) of the
/// models that did not see z_i, `with` `[m]` the losses ℓ(w_S, z_i) of the one that saw all; both per
/// example, the result is their mean difference.
///
/// # Edge cases
///
/// No examples: NaN.
///
/// # Panics
///
/// If the lengths differ.
///
/// # Example
///
/// ```
/// # use coherence_core::bounds::stability;
/// assert_eq!(stability(&[1.0, 2.0], &[0.5, 0.5]), 1.0);
/// assert!(stability(&[], &[]).is_nan());
/// ```
///
/// # Source
///
/// GM22 Appendix C; Bousquet and Elisseeff (2002).
///
/// Law: A12b
pub fn stability(without: &[f64], with: &[f64]) -> f64 {
    assert_eq!(without.len(), with.len(), "losses of different numbers of examples");
    if with.is_empty() {
        return f64::NAN;
    }
    let sum: f64 = without.iter().zip(with).map(|(a, b)| a - b).sum();
    sum / with.len() as f64
}
