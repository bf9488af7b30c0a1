//! Sums of squares that neither overflow nor underflow.

use num_traits::Float;

use crate::{PartsError, number::wide};

/// 2ᵉ for a normal exponent.
const fn power_of_two(e: i64) -> f64 {
    f64::from_bits(((1023 + e) as u64) << 52)
}

/// Values beyond the middle range are multiplied by 2 to this power, or divided by it, before they are
/// squared.
const RANGE: i32 = 600;
const LARGE_DOWN: f64 = power_of_two(-RANGE as i64);
const SMALL_UP: f64 = power_of_two(RANGE as i64);

/// The upper end of the middle range: 2⁵⁰ squares under it fit in f64.
const LARGE: f64 = power_of_two(486);

/// The lower end of the middle range: squares above it keep all their bits.
const SMALL: f64 = power_of_two(-480);

/// The sum of squares under which its terms may have lost bits to underflow.
const LEAST_EXACT: f64 = 1e-290;

/// Σ x², kept in three ranges of magnitude.
///
/// # Definition
///
/// Squares of values above 2⁴⁸⁶ and under 2⁻⁴⁸⁰ leave the range or the precision of f64, although
/// ratios such as α stay ordinary numbers. Each value is therefore squared in its own range
/// (large values divided by 2⁶⁰⁰ before, small ones multiplied by 2⁶⁰⁰), and the three sums are
/// brought together only when they are read. For values in the middle range the result is bit for
/// bit the plain sum.
///
/// # Edge cases
///
/// No values, or zeros only: 0. A NaN gives NaN, an infinity gives ∞.
///
/// # Example
///
/// ```
/// use coherence_core::SquareSum;
///
/// let sum = SquareSum::from_values(&[3e200, 4e200]);
/// assert_eq!(sum.value(), f64::INFINITY); // 2.5e401 is no f64,
/// assert!((sum.root() / 5e200 - 1.0).abs() < 1e-15); // its root is
/// ```
///
/// # Source
///
/// J. L. Blue, *A portable Fortran program to find the Euclidean norm of a vector*, ACM TOMS 4
/// (1978), as in LAPACK 3.10 `dnrm2`. Deviation: our own thresholds, wide enough for 2⁵⁰ values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "[f64; 3]", try_from = "[f64; 3]"))]
pub struct SquareSum {
    small: f64,
    middle: f64,
    large: f64,
}

impl SquareSum {
    /// Σ x² of a slice.
    pub fn from_values<T: Float>(values: &[T]) -> Self {
        values.iter().copied().map(wide).collect()
    }

    /// √`square` of a plain sum of squares; `None` where the sum has overflowed or its terms may have lost bits to
    /// underflow, so that it is to be added again as a `SquareSum`.
    ///
    /// ```
    /// # use coherence_core::SquareSum;
    /// assert_eq!(SquareSum::exact_root(9.0), Some(3.0));
    /// assert_eq!([0.0, 1e-300, f64::INFINITY].map(SquareSum::exact_root), [None; 3]);
    /// ```
    pub fn exact_root(square: f64) -> Option<f64> {
        (LEAST_EXACT..=f64::MAX).contains(&square).then(|| libm::sqrt(square))
    }

    /// The sum whose three ranges are these, from [`to_parts`](Self::to_parts).
    ///
    /// # Errors
    ///
    /// [`PartsError::Negative`] if one is negative, which no sum of squares is. NaN and ∞ are kept, as
    /// [`add`](Self::add) keeps them.
    pub fn from_parts(parts: [f64; 3]) -> Result<Self, PartsError> {
        if let Some(&value) = parts.iter().find(|x| **x < 0.0) {
            return Err(PartsError::Negative { value });
        }
        let [small, middle, large] = parts;
        Ok(Self { small, middle, large })
    }

    /// The sums of the three ranges, of values multiplied by 2⁶⁰⁰, as they are, and divided by 2⁶⁰⁰: plain
    /// numbers that travel between machines.
    ///
    /// ```
    /// # use coherence_core::SquareSum;
    /// let sum = SquareSum::from_values(&[3.0, 4e200]);
    /// assert_eq!(SquareSum::from_parts(sum.to_parts()), Ok(sum));
    /// ```
    pub fn to_parts(self) -> [f64; 3] {
        [self.small, self.middle, self.large]
    }

    /// Adds x².
    pub fn add(&mut self, x: f64) {
        let magnitude = x.abs();
        if magnitude > LARGE {
            self.large += (x * LARGE_DOWN) * (x * LARGE_DOWN);
        } else if (magnitude < SMALL) & (magnitude != 0.0) {
            // One branch, never taken in practice: zeros are common and would mislead two.
            self.small += (x * SMALL_UP) * (x * SMALL_UP);
        } else {
            self.middle += x * x;
        }
    }

    /// Adds `weight` times another sum. With weight 1 this is the sum over both sets of values.
    pub fn add_scaled(&mut self, weight: f64, other: Self) {
        self.small += weight * other.small;
        self.middle += weight * other.middle;
        self.large += weight * other.large;
    }

    /// Σ x² as one number: ∞ if it exceeds f64, 0 if it is under the least subnormal.
    pub fn value(self) -> f64 {
        self.read(0)
    }

    /// √(Σ x²), the Euclidean norm: finite whenever the norm itself is an f64.
    pub fn root(self) -> f64 {
        let exponent = self.exponent();
        libm::scalbn(libm::sqrt(self.read(2 * exponent)), -exponent)
    }

    /// The exponent e for which [`read`](Self::read) of 2 e is an ordinary number, of this sum and of any
    /// that is at most 2⁵⁰ times as large: that of the largest magnitude in it.
    pub(crate) fn exponent(self) -> i32 {
        if self.large > 0.0 {
            -RANGE
        } else if self.middle > 0.0 {
            0
        } else {
            RANGE
        }
    }

    /// 2ᵉ Σ x².
    pub(crate) fn read(self, e: i32) -> f64 {
        libm::scalbn(self.large, e + 2 * RANGE)
            + (libm::scalbn(self.middle, e) + libm::scalbn(self.small, e - 2 * RANGE))
    }

    /// Multiplies the sum by 2ᵉ.
    pub(crate) fn scale(&mut self, e: i32) {
        for part in [&mut self.small, &mut self.middle, &mut self.large] {
            *part = libm::scalbn(*part, e);
        }
    }
}

/// Σ x² of the values.
impl FromIterator<f64> for SquareSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::default();
        values.into_iter().for_each(|x| sum.add(x));
        sum
    }
}

impl From<SquareSum> for [f64; 3] {
    fn from(sum: SquareSum) -> Self {
        sum.to_parts()
    }
}

impl TryFrom<[f64; 3]> for SquareSum {
    type Error = PartsError;

    fn try_from(parts: [f64; 3]) -> Result<Self, PartsError> {
        Self::from_parts(parts)
    }
}
