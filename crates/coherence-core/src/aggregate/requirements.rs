//! For which n a rule is defined, and how many Byzantine vectors it tolerates.

use super::{AggregateError, ScratchLen};

/// For which numbers of vectors a rule is defined, and how many of them may be arbitrary.
///
/// For a rule over one coordinate the vectors are its values.
pub trait Requirements {
    /// Whether the rule is defined for n vectors.
    ///
    /// No rule is defined for n = 0, and none replaces its parameters by others that would fit.
    ///
    /// # Errors
    ///
    /// [`AggregateError::TooFew`], [`AggregateError::TooMany`] or [`AggregateError::Zero`], with the rule,
    /// the numbers and the remedy.
    ///
    /// # Example
    ///
    /// ```
    /// use coherence_core::aggregate::{Krum, Requirements};
    ///
    /// assert!(Krum { f: 1 }.check(5).is_ok());
    /// let error = Krum { f: 1 }.check(4).unwrap_err();
    /// assert_eq!(error.to_string(), "krum needs at least 5 vectors for its f, found 4 (lower f, or add vectors)");
    /// ```
    fn check(&self, n: usize) -> Result<(), AggregateError>;

    /// The number f of arbitrary (Byzantine) vectors among n that cannot drive the result beyond the rule's
    /// bound (for most rules the range of the other n − f); 0 where the rule is not defined.
    ///
    /// f/n for large n is the breakdown point.
    #[doc(alias = "breakdown point")]
    #[doc(alias = "Byzantine")]
    fn tolerates(&self, n: usize) -> usize;

    /// The scratch that n vectors of length d need under every policy; none for a rule over one coordinate,
    /// which reorders its values in place.
    fn scratch_len(&self, _n: usize, _d: usize) -> ScratchLen {
        ScratchLen::default()
    }
}

/// ⌊(n−1)/2⌋, the largest number of n values that is less than half.
pub(super) fn minority(n: usize) -> usize {
    n.saturating_sub(1) / 2
}
