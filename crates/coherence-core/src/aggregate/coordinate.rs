//! The trait of rules that see one coordinate at a time.

use num_traits::Float;

use super::{AggregateError, Requirements};
use crate::finite::{NonFinite, Policy, first_non_finite};

/// A rule that turns the n values of one coordinate into one value.
///
/// Applied to every coordinate of n gradients of length d it gives one gradient
/// ([`Coordinatewise`](super::Coordinatewise) does that). Every rule of this kind
///
/// - computes sums in `f64` whatever `T` is, and needs no memory but the slice, which it may reorder;
/// - under [`Policy::Propagate`] returns NaN when a value is NaN, and takes −∞ and +∞ as the least and the
///   greatest of all values;
/// - orders −0 before +0, so that the result is a function of the values and not of their order
///   (the plain mean alone rounds in the order given).
///
/// The trait is object-safe.
pub trait CoordinateRule<T: Float>: Requirements {
    /// The aggregate of `values` `[n]`.
    ///
    /// [`Policy::Omit`] leaves out NaN and ±∞, as if the values were not there.
    ///
    /// # Errors
    ///
    /// [`AggregateError::NonFinite`] under [`Policy::Error`]; `values` are then in the order given. A
    /// number of values (under [`Policy::Omit`]: left) for which the rule is not
    /// [defined](Requirements::check), none among them.
    ///
    /// # Example
    ///
    /// ```
    /// use coherence_core::aggregate::{CoordinateRule, Median};
    /// use coherence_core::finite::{NonFinite, Policy};
    ///
    /// let g = [3.0, f64::NAN, 1.0, 2.0];
    /// assert_eq!(Median.aggregate(&mut g.clone(), Policy::Omit), Ok(2.0));
    /// assert_eq!(Median.aggregate(&mut g.clone(), Policy::Error), Err(NonFinite { index: 1 }.into()));
    /// assert!(Median.aggregate(&mut g.clone(), Policy::Propagate).unwrap().is_nan());
    /// ```
    fn aggregate(&self, values: &mut [T], policy: Policy) -> Result<T, AggregateError>;
}

/// What the core's own rules over a coordinate implement; [`CoordinateRule`] adds the policy and the check.
pub trait OverValues: Requirements {
    /// The aggregate of n values for which the rule is defined; NaN if one is NaN.
    fn compute<T: Float>(&self, values: &mut [T]) -> T;
}

impl<T: Float, R: OverValues> CoordinateRule<T> for R {
    fn aggregate(&self, values: &mut [T], policy: Policy) -> Result<T, AggregateError> {
        let taken = match (policy, first_non_finite(values)) {
            (Policy::Error, Some(index)) => return Err(NonFinite { index }.into()),
            (Policy::Omit, Some(_)) => keep_finite(values),
            _ => values.len(),
        };
        self.check(taken)?;
        Ok(self.compute(&mut values[..taken]))
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
