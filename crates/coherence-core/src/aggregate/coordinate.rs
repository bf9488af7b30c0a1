//! The trait of rules that see one coordinate at a time.

use num_traits::Float;

use super::Requirements;
use crate::finite::{NonFinite, Policy, first_non_finite};

/// A rule that turns the n values of one coordinate into one value.
///
/// Applied to every coordinate of n gradients of length d it gives one gradient
/// ([`Coordinatewise`](super::Coordinatewise) does that).
/// Every rule of this kind
///
/// - computes sums in `f64` whatever `T` is, and needs no memory but the slice, which it may reorder;
/// - returns NaN for no values at all, and when a value is NaN;
/// - takes −∞ and +∞ as the least and the greatest of all values;
/// - orders −0 before +0, so that the result is a function of the values and not of their order
///   (the plain mean alone rounds in the order given).
pub trait CoordinateRule: Requirements {
    /// The aggregate of `values` `[n]`, under [`Policy::Propagate`].
    fn aggregate<T: Float>(&self, values: &mut [T]) -> T;

    /// The aggregate of `values` `[n]` with a choice of what NaN and ±∞ mean.
    ///
    /// [`Policy::Omit`] leaves such values out of this coordinate only; NaN if none is left.
    ///
    /// # Errors
    ///
    /// [`NonFinite`] under [`Policy::Error`]; `values` are then in the order given.
    ///
    /// # Example
    ///
    /// ```
    /// use coherence_core::aggregate::{CoordinateRule, Median};
    /// use coherence_core::finite::{NonFinite, Policy};
    ///
    /// let g = [3.0, f64::NAN, 1.0, 2.0];
    /// assert_eq!(Median.aggregate_with(&mut g.clone(), Policy::Omit), Ok(2.0));
    /// assert_eq!(Median.aggregate_with(&mut g.clone(), Policy::Error), Err(NonFinite { index: 1 }));
    /// assert!(Median.aggregate_with(&mut g.clone(), Policy::Propagate).unwrap().is_nan());
    /// ```
    fn aggregate_with<T: Float>(&self, values: &mut [T], policy: Policy) -> Result<T, NonFinite> {
        match (policy, first_non_finite(values)) {
            (Policy::Error, Some(index)) => Err(NonFinite { index }),
            (Policy::Omit, Some(_)) => {
                let kept = keep_finite(values);
                Ok(self.aggregate(&mut values[..kept]))
            }
            _ => Ok(self.aggregate(values)),
        }
    }
}

/// Moves the finite values to the front, in their order, and returns how many they are.
fn keep_finite<T: Float>(values: &mut [T]) -> usize {
    let mut kept = 0;
    for i in 0..values.len() {
        if values[i].is_finite() {
            values[kept] = values[i];
            kept += 1;
        }
    }
    kept
}
