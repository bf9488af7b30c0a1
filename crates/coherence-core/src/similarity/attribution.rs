//! Attribution: how much of a step is due to pristine examples, how much to corrupt ones.

use core::ops::AddAssign;

use num_traits::Float;

use crate::{
    finite::{NonFinite, Policy},
    number::wide,
};

/// The first-order decrease of the loss due to pristine and to corrupt examples, per unit of step
/// size; the cross term is split equally.
///
/// # Definition
///
/// ```text
/// ‖S‖² = (S_p·S_p + S_p·S_c) + (S_c·S_c + S_p·S_c) = S_p·S + S_c·S
/// ```
///
/// S_p and S_c are the **sums** of the gradients of the pristine and of the corrupt examples,
/// S = S_p + S_c. Decreases add up over blocks of coordinates and over steps (`+=`).
///
/// # Example
///
/// ```
/// use coherence_core::{finite::Policy, similarity::Decrease};
///
/// let step = Decrease::from_sums(&[2.0, 1.0], &[0.0, 1.0], Policy::Error)?;
/// assert_eq!(step, Decrease { pristine: 6.0, corrupt: 2.0 });
/// assert_eq!(step.shares(), (0.75, 0.25));
///
/// let mut so_far = step;
/// so_far += Decrease::from_sums(&[0.0, 0.0], &[0.0, 2.0], Policy::Error)?;
/// assert_eq!(so_far.per_example(3, 1), (2.0, 6.0));
/// # Ok::<(), coherence_core::finite::NonFinite>(())
/// ```
///
/// # Source
///
/// CG20 §2.4 (its formulas are lost in our copy and follow from its text).
///
/// Law: A17
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decrease {
    /// S_p · S.
    pub pristine: f64,
    /// S_c · S.
    pub corrupt: f64,
}

impl Decrease {
    /// From the sums S_p `[d]` and S_c `[d]` of one step.
    ///
    /// [`Policy::Omit`] leaves out the coordinates at which either sum is not finite: each coordinate
    /// contributes on its own, so decreases still add up over blocks.
    ///
    /// # Errors
    ///
    /// [`NonFinite`] under [`Policy::Error`], with the index counted through S_p, then S_c.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    ///
    /// Law: A17
    pub fn from_sums<T: Float>(
        pristine_sum: &[T],
        corrupt_sum: &[T],
        policy: Policy,
    ) -> Result<Self, NonFinite> {
        let d = pristine_sum.len();
        assert_eq!(d, corrupt_sum.len(), "the two sums differ in length");
        policy.admit(pristine_sum)?;
        policy.admit(corrupt_sum).map_err(|error| error.in_row(1, d))?;
        let pairs = pristine_sum.iter().zip(corrupt_sum).map(|(&p, &c)| (wide(p), wide(c)));
        let taken = pairs.filter(|(p, c)| policy != Policy::Omit || p.is_finite() && c.is_finite());
        let (mut own, mut cross) = (Self::default(), 0.0);
        for (p, c) in taken {
            own += Self { pristine: p * p, corrupt: c * c };
            cross += p * c;
        }
        Ok(Self { pristine: own.pristine + cross, corrupt: own.corrupt + cross })
    }

    /// (f^p, f^c), the shares of ‖S‖²; f^p + f^c = 1. One may be negative, the other above 1.
    ///
    /// # Edge cases
    ///
    /// S = 0: NaN, there is no decrease to share.
    ///
    /// # Source
    ///
    /// CG20 §2.4, Figure 2.
    ///
    /// Law: A17
    pub fn shares(&self) -> (f64, f64) {
        let whole = self.pristine + self.corrupt;
        if whole == 0.0 {
            return (f64::NAN, f64::NAN);
        }
        (self.pristine / whole, self.corrupt / whole)
    }

    /// (i^p, i^c): the mean contribution of one pristine, of one corrupt example. Of a running
    /// total over steps it is the paper's cumulative contribution.
    ///
    /// # Definition
    ///
    /// ```text
    /// i^p(t) = (1/|p|) Σ_{s ≤ t} S_p(s)·S(s),    i^c(t) = (1/|c|) Σ_{s ≤ t} S_c(s)·S(s)
    /// ```
    ///
    /// # Edge cases
    ///
    /// An empty group: NaN.
    ///
    /// # Source
    ///
    /// CG20 §2.4, Figure 3.
    ///
    /// Law: A17
    pub fn per_example(&self, pristine: u64, corrupt: u64) -> (f64, f64) {
        let mean = |sum: f64, n: u64| if n == 0 { f64::NAN } else { sum / n as f64 };
        (mean(self.pristine, pristine), mean(self.corrupt, corrupt))
    }
}

impl AddAssign for Decrease {
    fn add_assign(&mut self, other: Self) {
        self.pristine += other.pristine;
        self.corrupt += other.corrupt;
    }
}

/// Permutes designations among the examples: a null world, in which pristine and corrupt mean
/// nothing, but their numbers stay.
///
/// # Definition
///
/// Fisher and Yates' shuffle. `below(n)` must return a uniform number of 0..n from the caller's
/// generator; it is called with n = m, m − 1, …, 2. Then all m! orders are equally likely.
///
/// # Panics
///
/// If `below(n)` is n or more.
///
/// # Example
///
/// ```
/// use coherence_core::similarity::permute;
///
/// let mut corrupt = [true, false, false, false];
/// permute(&mut corrupt, |_| 0); // a caller's generator goes here
/// assert_eq!(corrupt, [false, false, false, true]);
/// ```
///
/// # Source
///
/// CG20 §2.4, "null world".
///
/// Law: A17
pub fn permute<D>(designations: &mut [D], mut below: impl FnMut(usize) -> usize) {
    for n in (2..=designations.len()).rev() {
        let chosen = below(n);
        assert!(chosen < n, "below({n}) returned {chosen}");
        designations.swap(n - 1, chosen);
    }
}
