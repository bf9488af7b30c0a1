//! Sums of squares that neither overflow nor underflow.

use num_traits::Float;

use crate::number::wide;

/// 2ᵉ for a normal exponent.
const fn power_of_two(e: i64) -> f64 {
    f64::from_bits(((1023 + e) as u64) << 52)
}

/// Values above it are divided by 2⁶⁰⁰ before they are squared: 2⁵⁰ squares under it fit in f64.
const LARGE: f64 = power_of_two(486);
const LARGE_DOWN: f64 = power_of_two(-600);
const LARGE_UP: f64 = power_of_two(600);

/// Values below it are multiplied by 2⁶⁰⁰ before: squares above it keep all their bits.
const SMALL: f64 = power_of_two(-480);
const SMALL_UP: f64 = power_of_two(600);
const SMALL_DOWN: f64 = power_of_two(-600);

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
pub struct SquareSum {
    small: f64,
    middle: f64,
    large: f64,
}

impl SquareSum {
    /// Σ x² of a slice.
    pub fn from_values<T: Float>(values: &[T]) -> Self {
        let mut sum = Self::default();
        for &x in values {
            sum.add(wide(x));
        }
        sum
    }

    /// The sum whose three ranges are these, from [`to_parts`](Self::to_parts).
    ///
    /// # Panics
    ///
    /// If one is negative, which no sum of squares is.
    pub fn from_parts(parts: [f64; 3]) -> Self {
        assert!(!parts.iter().any(|x| *x < 0.0), "a sum of squares is negative: {parts:?}");
        let [small, middle, large] = parts;
        Self { small, middle, large }
    }

    /// The sums of the three ranges, of values multiplied by 2⁶⁰⁰, as they are, and divided by 2⁶⁰⁰: plain
    /// numbers that travel between machines.
    ///
    /// ```
    /// # use coherence_core::SquareSum;
    /// let sum = SquareSum::from_values(&[3.0, 4e200]);
    /// assert_eq!(SquareSum::from_parts(sum.to_parts()), sum);
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
        self.large * LARGE_UP * LARGE_UP + (self.middle + self.small * SMALL_DOWN * SMALL_DOWN)
    }

    /// √(Σ x²), the Euclidean norm: finite whenever the norm itself is an f64.
    pub fn root(self) -> f64 {
        let scale = self.scale();
        libm::sqrt(self.read(scale)) * scale.inverse()
    }

    /// The scale at which this sum can be read, and with it any that is at most 2⁵⁰ times as large:
    /// that of the largest magnitude in it.
    pub(crate) fn scale(self) -> Scale {
        if self.large > 0.0 {
            Scale::Down
        } else if self.middle > 0.0 {
            Scale::None
        } else {
            Scale::Up
        }
    }

    /// Σ (s x)². What is lost by leaving a range out is too small to be seen beside the largest.
    pub(crate) fn read(self, scale: Scale) -> f64 {
        match scale {
            Scale::Down => self.large + self.middle * LARGE_DOWN * LARGE_DOWN,
            Scale::None => self.value(),
            Scale::Up => self.middle * SMALL_UP * SMALL_UP + self.small,
        }
    }
}

/// A power of two s by which all values are multiplied before they are squared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scale {
    Down,
    None,
    Up,
}

impl Scale {
    fn inverse(self) -> f64 {
        match self {
            Scale::Down => LARGE_UP,
            Scale::None => 1.0,
            Scale::Up => SMALL_DOWN,
        }
    }
}
