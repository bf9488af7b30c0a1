//! Sums of squares that neither overflow nor underflow.

use num_traits::Float;

/// Values above it are squared after division by 2⁵⁴⁰.
const LARGE: f64 = f64::from_bits((1023 + 486) << 52);
/// Values below it (but not zero) are squared after multiplication by 2⁵⁴⁰.
const SMALL: f64 = f64::from_bits((1023 - 480) << 52);
/// 2⁵⁴⁰ and its inverse: exact, and their squares move either tail into the middle.
const UP: f64 = f64::from_bits((1023 + 540) << 52);
const DOWN: f64 = f64::from_bits((1023 - 540) << 52);

/// Converts to f64, in which all sums run. Exact for every float of at most 64 bits.
pub(crate) fn wide<T: Float>(x: T) -> f64 {
    x.to_f64().unwrap_or(f64::NAN)
}

/// Σ x², kept in three ranges of magnitude.
///
/// # Definition
///
/// Squares of values above 2⁴⁸⁶ and under 2⁻⁴⁸⁰ leave the range or the precision of f64, although
/// ratios such as α stay ordinary numbers. Each value is therefore squared in its own range
/// (large values divided by 2⁵⁴⁰ before, small ones multiplied by it), and the three sums are
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
/// let sum = SquareSum::of(&[3e200, 4e200]);
/// assert_eq!(sum.value(), f64::INFINITY); // 2.5e401 is no f64,
/// let ratio = sum.ratio(SquareSum::of(&[5e200]));
/// assert!((ratio - 1.0).abs() < 1e-15); // but its ratio to 2.5e401 is 1
/// ```
///
/// # Source
///
/// J. L. Blue, *A portable Fortran program to find the Euclidean norm of a vector*, ACM TOMS 4
/// (1978), as in LAPACK 3.10 `dnrm2`; here without the square root, and with our own thresholds,
/// which leave room for 2⁵⁰ values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SquareSum {
    small: f64,
    middle: f64,
    large: f64,
}

impl SquareSum {
    /// Σ x² of a slice.
    pub fn of<T: Float>(values: &[T]) -> Self {
        let mut sum = Self::default();
        for &x in values {
            sum.add(wide(x));
        }
        sum
    }

    /// Adds x².
    pub fn add(&mut self, x: f64) {
        let magnitude = x.abs();
        if magnitude > LARGE {
            self.large += (x * DOWN) * (x * DOWN);
        } else if magnitude < SMALL {
            self.small += (x * UP) * (x * UP);
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
        self.large * UP * UP + (self.middle + self.small * DOWN * DOWN)
    }

    /// This sum divided by another, without overflow or underflow on the way.
    ///
    /// A divisor of 0 gives NaN (for 0) or ∞.
    pub fn ratio(self, divisor: Self) -> f64 {
        let shift = self.shift(divisor);
        self.shifted(shift) / divisor.shifted(shift)
    }

    /// The range in which both sums can be read: that of the larger magnitude present.
    pub(crate) fn shift(self, other: Self) -> Shift {
        if self.large > 0.0 || other.large > 0.0 {
            Shift::Down
        } else if self.middle > 0.0 || other.middle > 0.0 {
            Shift::None
        } else {
            Shift::Up
        }
    }

    /// Σ (x s)², where s is 2⁻⁵⁴⁰, 1 or 2⁵⁴⁰.
    pub(crate) fn shifted(self, shift: Shift) -> f64 {
        match shift {
            Shift::Down => self.large + self.middle * DOWN * DOWN,
            Shift::None => self.value(),
            Shift::Up => self.middle * UP * UP + self.small,
        }
    }
}

/// A power of two by which all values are multiplied before they are squared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shift {
    Down,
    None,
    Up,
}
