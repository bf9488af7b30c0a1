//! One example as the sample sees it.

use num_traits::Float;

use crate::{Coherence, number::dot};

/// What the leave-one-out laws need of example i: two dots, from a second pass over the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// S · g_i.
    pub dot_with_sum: f64,
    /// ‖g_i‖².
    pub sq_norm: f64,
}

impl Member {
    /// From the sum S `[d]` over the whole sample and the example's gradient `[d]`. The squares must
    /// fit in f64.
    ///
    /// ```
    /// use coherence_core::Member;
    ///
    /// let member = Member::of(&[2.0, 0.0], &[1.0f32, 1.0]);
    /// assert_eq!(member, Member { dot_with_sum: 2.0, sq_norm: 2.0 });
    /// ```
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn of<T: Float>(sum: &[f64], gradient: &[T]) -> Self {
        assert_eq!(sum.len(), gradient.len(), "sum and gradient differ in length");
        Self { dot_with_sum: dot(sum, gradient), sq_norm: dot(gradient, gradient) }
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
        let sq_norm_of_sum = self.sq_norm_of_sum - 2.0 * member.dot_with_sum + member.sq_norm;
        let sum_sq_norms = self.sum_sq_norms - member.sq_norm;
        Self {
            m: self.m - 1,
            sq_norm_of_sum: if sq_norm_of_sum < 0.0 { 0.0 } else { sq_norm_of_sum },
            sum_sq_norms: if sum_sq_norms < 0.0 { 0.0 } else { sum_sq_norms },
        }
    }
}
