//! Measured values, of which a run may show a bound only.

use serde::{Deserialize, Serialize};

use super::formula::Operator;

/// What one run shows of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Its value; of an outcome 1 for yes and 0 for no.
    Exact(f64),
    /// A bound of it: a level was not reached before the run ended.
    Censored(Censored),
}

/// A bound that a run shows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Censored {
    /// The value is above this number.
    Above(f64),
    /// The value is below this number.
    Below(f64),
    /// Nothing is known about the value.
    Unknown,
}

impl Value {
    /// The ends of the range in which the value lies; −∞ and ∞ where there is none.
    fn ends(self) -> [f64; 2] {
        match self {
            Self::Exact(value) => [value, value],
            Self::Censored(Censored::Above(low)) => [low, f64::INFINITY],
            Self::Censored(Censored::Below(high)) => [f64::NEG_INFINITY, high],
            Self::Censored(Censored::Unknown) => [f64::NEG_INFINITY, f64::INFINITY],
        }
    }

    /// A range with at most one finite end: operations on exact values do not come here.
    fn from_ends([low, high]: [f64; 2]) -> Self {
        match (low.is_finite(), high.is_finite()) {
            (true, true) => unreachable!("a range from {low} to {high}"),
            (true, false) => Self::Censored(Censored::Above(low)),
            (false, true) => Self::Censored(Censored::Below(high)),
            (false, false) => Self::Censored(Censored::Unknown),
        }
    }

    /// The value, unless a bound is all that is known.
    pub fn exact(self) -> Option<f64> {
        match self {
            Self::Exact(value) => Some(value),
            Self::Censored(_) => None,
        }
    }

    /// Whether the value is certainly at least `bound`.
    pub(super) fn is_at_least(self, bound: f64) -> bool {
        bound <= self.ends()[0]
    }

    /// Whether the value is certainly above `bound`.
    pub(super) fn is_above(self, bound: f64) -> bool {
        match self {
            Self::Exact(value) => bound < value,
            Self::Censored(_) => bound <= self.ends()[0],
        }
    }

    /// The value with its sign changed.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Exact(value) => Self::Exact(-value),
            Self::Censored(_) => {
                let [low, high] = self.ends();
                Self::from_ends([-high, -low])
            }
        }
    }

    /// The operation on values of which both may be censored. A product or a quotient with a
    /// censored value is unknown, unless the other is an exact factor or divisor other than 0, or the
    /// divisor is above a positive number.
    pub(super) fn combine(self, operator: Operator, other: Self) -> Self {
        if let (Self::Exact(a), Self::Exact(b)) = (self, other) {
            return Self::Exact(operator.apply(a, b));
        }
        match (operator, self, other) {
            (Operator::Plus, ..) => {
                let ([a, b], [c, d]) = (self.ends(), other.ends());
                Self::from_ends([a + c, b + d])
            }
            (Operator::Minus, ..) => self.combine(Operator::Plus, other.negated()),
            (Operator::Times, Self::Exact(factor), _) => other.scaled(factor),
            (Operator::Times, _, Self::Exact(factor)) => self.scaled(factor),
            (Operator::Over, _, Self::Exact(divisor)) => self.scaled(1.0 / divisor),
            (Operator::Over, Self::Exact(0.0), Self::Censored(Censored::Above(low)))
                if 0.0 < low =>
            {
                Self::Exact(0.0)
            }
            // 0 < a / b < a / 10 where b is above 10.
            (Operator::Over, Self::Exact(a), Self::Censored(Censored::Above(low))) if 0.0 < low => {
                let end = if a < 0.0 { Censored::Above(a / low) } else { Censored::Below(a / low) };
                Self::Censored(end)
            }
            _ => Self::Censored(Censored::Unknown),
        }
    }

    /// A censored value times a number.
    fn scaled(self, factor: f64) -> Self {
        let [low, high] = self.ends();
        if factor == 0.0 || !factor.is_finite() {
            Self::Censored(Censored::Unknown)
        } else if 0.0 < factor {
            Self::from_ends([low * factor, high * factor])
        } else {
            Self::from_ends([high * factor, low * factor])
        }
    }
}

impl Operator {
    /// The operation on numbers.
    pub(crate) fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Plus => a + b,
            Self::Minus => a - b,
            Self::Times => a * b,
            Self::Over => a / b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOVE: Value = Value::Censored(Censored::Above(10.0));
    const BELOW: Value = Value::Censored(Censored::Below(10.0));
    const UNKNOWN: Value = Value::Censored(Censored::Unknown);

    /// Every operation on a range has in it the operation on every number of the range.
    #[test]
    fn a_range_covers_every_number_in_it() {
        let members = |value: Value| match value {
            Value::Exact(x) => vec![x],
            Value::Censored(Censored::Above(x)) => vec![x + 0.5, x + 7.0, x + 1e6],
            Value::Censored(Censored::Below(x)) => vec![x - 0.5, x - 7.0, x - 1e6],
            Value::Censored(Censored::Unknown) => vec![-1e6, -3.0, 0.5, 1e6],
        };
        let values =
            [ABOVE, BELOW, UNKNOWN, Value::Exact(3.0), Value::Exact(-3.0), Value::Exact(0.0)];
        for a in values {
            for b in values {
                for operator in [Operator::Plus, Operator::Minus, Operator::Times, Operator::Over] {
                    let [low, high] = a.combine(operator, b).ends();
                    for (x, y) in
                        members(a).iter().flat_map(|x| members(b).into_iter().map(move |y| (x, y)))
                    {
                        let z = operator.apply(*x, y);
                        let exact = a.exact().and(b.exact()).is_some();
                        assert!(exact || (low <= z && z <= high), "{a:?} {operator:?} {b:?}: {z}");
                    }
                }
            }
        }
    }

    #[test]
    fn differences_of_censored_values_keep_what_is_known() {
        let two = Value::Exact(2.0);
        assert_eq!(ABOVE.combine(Operator::Minus, two), Value::Censored(Censored::Above(8.0)));
        assert_eq!(two.combine(Operator::Minus, ABOVE), Value::Censored(Censored::Below(-8.0)));
        assert_eq!(ABOVE.combine(Operator::Minus, ABOVE), UNKNOWN);
        assert_eq!(ABOVE.combine(Operator::Over, two), Value::Censored(Censored::Above(5.0)));
        assert!(ABOVE.is_above(10.0) && !ABOVE.is_above(11.0) && !BELOW.is_at_least(-1e9));
    }
}
