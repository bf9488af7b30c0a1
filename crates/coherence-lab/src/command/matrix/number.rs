//! Numbers as text.

use std::fmt;

use serde::{Serialize, Serializer};

/// A value printed with the fewest digits that parse to the same value: `0.1`, `2`, `1e+200`. In JSON a
/// non-finite value is null.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Single(f32),
    Double(f64),
}

impl From<f32> for Number {
    fn from(x: f32) -> Self {
        Self::Single(x)
    }
}

impl From<f64> for Number {
    fn from(x: f64) -> Self {
        Self::Double(x)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = zmij::Buffer::new();
        let text = match *self {
            Self::Single(x) => buffer.format(x),
            Self::Double(x) => buffer.format(x),
        };
        f.write_str(text.strip_suffix(".0").unwrap_or(text))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Single(x) => serializer.serialize_f32(x),
            Self::Double(x) => serializer.serialize_f64(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_as_many_digits_as_it_needs() {
        let text = |x: f64| Number::Double(x).to_string();
        assert_eq!(text(1e200), "1e+200");
        assert_eq!(text(-2.5e-9), "-2.5e-9");
        assert_eq!([0.1, 2.0, -0.0, 1234.5].map(text), ["0.1", "2", "-0", "1234.5"]);
        assert_eq!(Number::Single(0.1).to_string(), "0.1");
        assert_eq!([f64::NAN, f64::INFINITY].map(text), ["NaN", "inf"]);
    }

    #[test]
    fn every_number_parses_to_itself() {
        let mut bits = 1_u64;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (double, single) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
            let same = |x: f64| x == double || double.is_nan();
            assert!(same(Number::Double(double).to_string().parse().unwrap()));
            let read: f32 = Number::Single(single).to_string().parse().unwrap();
            assert!(read == single || single.is_nan());
        }
    }
}
