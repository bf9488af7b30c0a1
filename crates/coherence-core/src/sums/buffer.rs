//! A buffer of sums that shares one binary exponent, so that sums beyond f64 are kept.

use num_traits::Float;

use super::parts::PartsError;
use crate::{number::wide, squares::SquareSum};

/// The exponents of a gradient: −600 if all values are below 2⁻⁴⁸⁰, 64 if one is above 2⁹⁶⁰ (divided by 2⁶⁴,
/// 2⁶⁴ of them can be added in f64), else 0.
const GRADIENT_EXPONENTS: [i32; 3] = [-600, 0, 64];

/// 2⁹⁶⁰ in the range of large squares, where values are divided by 2⁶⁰⁰.
const SQ_NORM_NEAR_THE_END: f64 = f64::from_bits((1023 + 720) << 52);

/// The exponent of a gradient with these squares; `None` if it is zero.
pub(super) fn gradient_exponent(squares: SquareSum) -> Option<i32> {
    let [small, middle, large] = squares.to_parts();
    let [low, ordinary, high] = GRADIENT_EXPONENTS;
    if large >= SQ_NORM_NEAR_THE_END {
        Some(high)
    } else if large != 0.0 || middle != 0.0 {
        Some(ordinary)
    } else {
        (small != 0.0).then_some(low)
    }
}

/// Sums `[d]` = 2^exponent · values. The exponent only grows, with the largest summand: multiplication
/// by a power of two is exact, so ordinary sums are bit for bit what they would be without it.
#[derive(Clone, Debug)]
pub(super) struct ScaledBuffer<B> {
    pub(super) values: B,
    pub(super) exponent: i32,
}

impl<B: AsRef<[f64]> + AsMut<[f64]>> ScaledBuffer<B> {
    /// All sums 0, for gradients times weights in units of 2^`unit`.
    pub(super) fn zeros(values: B, unit: i32) -> Self {
        let mut zeros = Self { values, exponent: 0 };
        zeros.clear(unit);
        zeros
    }

    /// Sets all sums to zero, and the exponent to the least.
    pub(super) fn clear(&mut self, unit: i32) {
        self.values.as_mut().fill(0.0);
        self.exponent = unit + GRADIENT_EXPONENTS[0];
    }

    /// The buffer from values and an exponent that came from another program.
    pub(super) fn from_parts(values: B, exponent: i32, unit: i32) -> Result<Self, PartsError> {
        let known = exponent.checked_sub(unit).is_some_and(|e| GRADIENT_EXPONENTS.contains(&e));
        if known { Ok(Self { values, exponent }) } else { Err(PartsError::Exponent { exponent }) }
    }

    /// Raises the exponent to this one if it is lower.
    pub(super) fn raise_to(&mut self, exponent: i32) {
        if exponent > self.exponent {
            let scale = libm::scalbn(1.0, self.exponent - exponent);
            self.values.as_mut().iter_mut().for_each(|s| *s *= scale);
            self.exponent = exponent;
        }
    }

    /// Adds a gradient `[d]` times a factor in units of 2^exponent.
    pub(super) fn add<T: Float>(&mut self, factor: f64, gradient: impl Iterator<Item = T>) {
        for (s, g) in self.values.as_mut().iter_mut().zip(gradient) {
            *s += factor * wide(g);
        }
    }

    /// Adds other sums; the exponent becomes at least theirs.
    pub(super) fn add_buffer<C: AsRef<[f64]> + AsMut<[f64]>>(&mut self, other: &ScaledBuffer<C>) {
        assert_eq!(other.len(), self.len(), "sums over different dimensions");
        self.raise_to(other.exponent);
        self.add(
            libm::scalbn(1.0, other.exponent - self.exponent),
            other.values.as_ref().iter().copied(),
        );
    }

    pub(super) fn len(&self) -> usize {
        self.values.as_ref().len()
    }

    /// ‖S‖² times 2^(2 `exponent`).
    pub(super) fn sq_norm(&self, exponent: i32) -> f64 {
        SquareSum::from_values(self.values.as_ref()).read(2 * (self.exponent + exponent))
    }

    /// The sums in their own units.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = f64> + Clone {
        let unit = Unit::new(self.exponent);
        self.values.as_ref().iter().map(move |&s| unit.apply(s))
    }

    /// The buffer with the sums in their own units.
    pub(super) fn into_values(mut self) -> B {
        let unit = Unit::new(self.exponent);
        self.values.as_mut().iter_mut().for_each(|s| *s = unit.apply(*s));
        self.values
    }
}

/// 2ᵉ as two factors: e may lie beyond the exponents of f64.
#[derive(Clone, Copy)]
struct Unit([f64; 2]);

impl Unit {
    fn new(exponent: i32) -> Self {
        let half = exponent / 2;
        Self([half, exponent - half].map(|e| libm::scalbn(1.0, e)))
    }

    fn apply(self, x: f64) -> f64 {
        x * self.0[0] * self.0[1]
    }
}
