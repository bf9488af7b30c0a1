//! The dots of one example with its sample.

use num_traits::Float;

use crate::{
    Coherence, Sums, WeightedCoherence, WeightedSums,
    finite::{NonFinite, Policy},
    number::dot,
};

/// The two dots of example i that the leave-one-out laws need, from a second pass over the sample
/// ([`Sums::member`], [`WeightedSums::member`]), or filled in from your own reductions.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member {
    /// S · g_i; of a weighted sample S = Σ w_j g_j.
    pub dot_with_sum: f64,
    /// ‖g_i‖².
    pub sq_norm: f64,
}

impl Member {
    /// Of the gradient and S = 2^`exponent` · `sum`.
    fn new<T: Float>(
        (sum, exponent): (&[f64], i32),
        gradient: &[T],
        policy: Policy,
    ) -> Result<Option<Self>, NonFinite> {
        assert_eq!(sum.len(), gradient.len(), "sum and gradient differ in length");
        let member = || Self {
            dot_with_sum: libm::scalbn(dot(sum, gradient), exponent),
            sq_norm: dot(gradient, gradient),
        };
        Ok(policy.admit(gradient)?.then(member))
    }
}

impl<B: AsRef<[f64]> + AsMut<[f64]>> Sums<B> {
    /// One of the examples that were added, by its gradient `[d]`; `None` if the policy omits it, as it
    /// did then. The squares must fit in f64.
    ///
    /// ```
    /// use coherence_core::{Member, Sums};
    ///
    /// let mut sums = Sums::new([0.0; 2]);
    /// sums.add(&[1.0, 1.0])?;
    /// sums.add(&[1.0, -1.0])?;
    /// assert_eq!(sums.member(&[1.0, 1.0])?, Some(Member { dot_with_sum: 2.0, sq_norm: 2.0 }));
    /// # Ok::<(), coherence_core::finite::NonFinite>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NonFinite`] with the coordinate's index, under [`Policy::Error`].
    ///
    /// # Panics
    ///
    /// If the gradient's length is not d.
    pub fn member<T: Float>(&self, gradient: &[T]) -> Result<Option<Member>, NonFinite> {
        Member::new(self.scaled_sum(), gradient, self.policy())
    }
}

impl<B: AsRef<[f64]> + AsMut<[f64]>> WeightedSums<B> {
    /// One of the examples that were added, as [`Sums::member`]; its weight plays no part.
    ///
    /// # Errors
    ///
    /// [`NonFinite`] with the coordinate's index, under [`Policy::Error`].
    ///
    /// # Panics
    ///
    /// If the gradient's length is not d.
    pub fn member<T: Float>(&self, gradient: &[T]) -> Result<Option<Member>, NonFinite> {
        Member::new(self.scaled_sum(), gradient, self.policy())
    }
}

impl Coherence {
    /// The statistics of the sample without one of its members.
    ///
    /// # Definition
    ///
    /// ```text
    /// ‖S − g_i‖² = ‖S‖² − 2 S·g_i + ‖g_i‖²,    Q − ‖g_i‖²,    m − 1
    /// ```
    ///
    /// # Edge cases
    ///
    /// Rounding that would make a sum negative is cut off at 0.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::{Coherence, Member};
    /// let pair = Coherence { m: 2, sq_norm_of_sum: 4.0, sum_sq_norms: 4.0 };
    /// let rest = pair.without(Member { dot_with_sum: 2.0, sq_norm: 2.0 });
    /// assert_eq!(rest, Coherence { m: 1, sq_norm_of_sum: 2.0, sum_sq_norms: 2.0 });
    /// ```
    ///
    /// # Panics
    ///
    /// If the sample is empty.
    pub fn without(&self, member: Member) -> Self {
        assert!(self.m > 0, "an empty sample has no members");
        let own = 2.0 * member.dot_with_sum - member.sq_norm;
        Self {
            m: self.m - 1,
            sq_norm_of_sum: less(self.sq_norm_of_sum, own),
            sum_sq_norms: less(self.sum_sq_norms, member.sq_norm),
        }
    }
}

impl WeightedCoherence {
    /// The statistics of the sample without one of its members, which has this weight.
    ///
    /// # Definition
    ///
    /// ```text
    /// ‖S − w_i g_i‖² = ‖S‖² − 2 w_i S·g_i + w_i² ‖g_i‖²,    S = Σ w_j g_j
    /// ```
    ///
    /// and each of the other sums less the member's term; m − 1.
    ///
    /// # Edge cases
    ///
    /// A member of weight 0 leaves all as it is: it does not count in m. Rounding that would make a
    /// sum negative is cut off at 0.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::WeightedSums;
    /// let mut sums = WeightedSums::new([0.0; 2]);
    /// sums.add(1.0, &[1.0, 1.0])?;
    /// let before = sums.coherence();
    /// sums.add(3.0, &[1.0, -1.0])?;
    /// let last = sums.member(&[1.0, -1.0])?.unwrap();
    /// assert_eq!(sums.coherence().without(3.0, last), before);
    /// # Ok::<(), coherence_core::WeightedError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the weight is above 0 and the sample is empty.
    pub fn without(&self, weight: f64, member: Member) -> Self {
        let counts = weight > 0.0;
        assert!(self.m > 0 || !counts, "an empty sample has no members");
        let sq_weighted_norm = weight * weight * member.sq_norm;
        let twice_dot = 2.0 * weight * member.dot_with_sum;
        Self {
            m: self.m - u64::from(counts),
            weight: less(self.weight, weight),
            sum_sq_weights: less(self.sum_sq_weights, weight * weight),
            sq_norm_of_sum: less(self.sq_norm_of_sum, twice_dot - sq_weighted_norm),
            sum_sq_norms: less(self.sum_sq_norms, weight * member.sq_norm),
            sum_sq_weighted_norms: less(self.sum_sq_weighted_norms, sq_weighted_norm),
        }
    }
}

/// max(a − b, 0); NaN if either is NaN.
fn less(a: f64, b: f64) -> f64 {
    let rest = a - b;
    if rest < 0.0 { 0.0 } else { rest }
}
