//! Scaling of values whose squares would overflow or underflow.

use std::fmt;

use coherence_core::aggregate::distance_scale;
use coherence_cpu::Element;
use serde::Serialize;

use super::number::Number;

/// A power of two by which all values are multiplied before their products are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PowerOfTwo(f64);

/// A sum of squares that `f64` may not hold. In JSON it is null then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(into = "Option<f64>")]
pub(crate) enum Square {
    Within(f64),
    /// It overflows.
    Above,
    /// It underflows, or would lose digits.
    Below,
}

impl Square {
    /// Whether no product of significant size has overflowed or underflowed in its sum.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self, Self::Within(square) if (1e-250..1e250).contains(&square))
    }
}

impl From<Square> for Option<f64> {
    fn from(square: Square) -> Self {
        match square {
            Square::Within(square) => Some(square),
            Square::Above | Square::Below => None,
        }
    }
}

impl fmt::Display for Square {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Within(square) => Number::Double(square).fmt(f),
            Self::Above => f.write_str("exceeds f64"),
            Self::Below => f.write_str("below f64"),
        }
    }
}

/// Sums of squares of magnitudes between 2⁻³⁰⁰ and 2³⁰⁰ neither overflow nor underflow.
const SAFE: i32 = 300;

impl PowerOfTwo {
    /// Leaves values unchanged.
    pub(crate) const ONE: Self = Self(1.0);

    /// The power for values whose greatest magnitude is `largest`.
    pub(crate) fn from_largest(largest: f64) -> Self {
        let safe = 2_f64.powi(-SAFE)..2_f64.powi(SAFE);
        if largest == 0.0 || !largest.is_finite() || safe.contains(&largest) {
            return Self::ONE;
        }
        // Both this power and its inverse are finite.
        Self(2_f64.powi((-largest.log2().floor() as i32).clamp(-1000, 1000)))
    }

    /// The scale at which squares of distances between rows stay in range, from the largest magnitude
    /// of each row: the core's.
    pub(crate) fn for_distances(magnitudes: &mut [f64]) -> Self {
        Self(distance_scale(magnitudes))
    }

    /// The sum of squares of the original values, given that of the scaled ones.
    pub(crate) fn undo_square(self, square: f64) -> Square {
        match square / self.0 / self.0 {
            f64::INFINITY => Square::Above,
            x if square != 0.0 && x < f64::MIN_POSITIVE => Square::Below,
            x => Square::Within(x),
        }
    }

    pub(crate) fn apply<T: Element>(self, values: &mut [T]) {
        if self != Self::ONE {
            values.iter_mut().for_each(|x| *x = T::narrow(x.widen() * self.0));
        }
    }
}

/// The greatest magnitude among the finite values, 0 if there are none.
pub(crate) fn largest<T: Element>(values: &[T]) -> f64 {
    let magnitude = |x: &T| if x.is_finite() { x.abs() } else { T::zero() };
    values.iter().map(magnitude).fold(T::zero(), |a, b| if a > b { a } else { b }).widen()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_values_have_squares() {
        for x in [1e200, -1.7e308, 1e-200, f64::from_bits(1), 3.5] {
            let (mut values, scale) = ([x, x / 2.0], PowerOfTwo::from_largest(largest(&[x])));
            scale.apply(&mut values);
            assert!((values[0] * values[0]).is_normal(), "{x}");
        }
        assert_eq!(PowerOfTwo::from_largest(0.0), PowerOfTwo::ONE);
        assert_eq!(largest(&[1.0, f64::NAN, -3.0, f64::INFINITY]), 3.0);
    }
}
