//! Non-finite values (NaN, ±∞): what to do with them, as a typed argument.
//!
//! Everything that takes gradients takes a [`Policy`], or is built with one. An error names the index
//! in what was given: of a sample of rows, row · d + coordinate. What is left out under
//! [`Policy::Omit`]:
//!
//! | of | is left out |
//! |---|---|
//! | accumulators: [`Sums`](crate::Sums), [`WeightedSums`](crate::WeightedSums), [`CoordinateSums`](crate::similarity::CoordinateSums), and their members | the example, counted by `omitted` |
//! | measures over pairs: [`similarity`](crate::similarity) | the example, and with it its pairs |
//! | shares of a step: [`Decrease`](crate::similarity::Decrease) | the coordinate, in both groups |
//! | rules over vectors: [`VectorRule`](crate::aggregate::VectorRule), [`Rows::admit`](crate::aggregate::Rows::admit) | the vector |
//! | rules over a coordinate: [`CoordinateRule`](crate::aggregate::CoordinateRule) | the value |
//! | rules over time: [`OverTime`](crate::aggregate::OverTime) | the step |
//!
//! Formulas of numbers already computed (statistics, α, losses) and the arithmetic below everything
//! ([`SquareSum`](crate::SquareSum), [`median_of_three`](crate::aggregate::median_of_three)) have no
//! choice to offer: they carry NaN on.

use core::fmt;

use num_traits::Float;

/// What a function does when it meets a NaN or an infinity among its inputs.
///
/// # Example
///
/// ```
/// use coherence_core::finite::{NonFinite, Policy};
///
/// let g = [1.0, f64::NAN, 3.0];
/// assert_eq!(Policy::Error.admit(&g), Err(NonFinite { index: 1 }));
/// assert_eq!(Policy::Propagate.admit(&g), Ok(true));
/// assert_eq!(Policy::Omit.admit(&g), Ok(false));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Policy {
    /// Refuse with the index of the first such value; nothing is changed.
    #[default]
    Error,
    /// Compute with it: IEEE arithmetic carries NaN and ±∞ to the result.
    Propagate,
    /// Compute as if the example did not exist. The table above lists where only a value or a pair is left out.
    Omit,
}

impl Policy {
    /// Whether a vector of values takes part: `Ok(true)` use it, `Ok(false)` leave it out.
    ///
    /// # Errors
    ///
    /// [`NonFinite`] under [`Policy::Error`] if a value is NaN or ±∞.
    pub fn admit<T: Float>(self, values: &[T]) -> Result<bool, NonFinite> {
        self.admit_iter(values.iter().copied())
    }

    /// [`admit`](Self::admit) for values that are not contiguous.
    pub(crate) fn admit_iter<T: Float>(
        self,
        mut values: impl Iterator<Item = T>,
    ) -> Result<bool, NonFinite> {
        if self == Policy::Propagate {
            return Ok(true);
        }
        match values.position(|x| !x.is_finite()) {
            None => Ok(true),
            Some(_) if self == Policy::Omit => Ok(false),
            Some(index) => Err(NonFinite { index }),
        }
    }
}

/// The index of the first NaN or ±∞, or `None` if all values are finite.
///
/// # Example
///
/// ```
/// # use coherence_core::finite::first_non_finite;
/// assert_eq!(first_non_finite(&[0.0, -0.0, f32::MAX]), None);
/// assert_eq!(first_non_finite(&[0.0, f32::NEG_INFINITY, f32::NAN]), Some(1));
/// ```
pub fn first_non_finite<T: Float>(values: &[T]) -> Option<usize> {
    values.iter().position(|x| !x.is_finite())
}

/// A value was NaN or ±∞ where the policy is to refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonFinite {
    /// Where it was: the position in the slice given.
    pub index: usize,
}

impl NonFinite {
    /// The same value, of row `row` `[d]` of a sample: counted through all rows.
    pub(crate) fn in_row(self, row: usize, d: usize) -> Self {
        Self { index: row * d + self.index }
    }
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "value {} is not finite (choose the policy `Propagate` or `Omit` to go on)",
            self.index
        )
    }
}

impl core::error::Error for NonFinite {}
