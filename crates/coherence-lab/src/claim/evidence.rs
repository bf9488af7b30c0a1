//! What the seeds say about one measurement, as two p values.

use super::Expect;
use super::value::Value;
use crate::statistics::binomial::Outcomes;
use crate::statistics::student::SampleMoments;

/// Seeds that are needed before a random quantity is decided.
pub(super) const SEEDS_NEEDED: usize = 3;

/// Most seeds that are told to decide.
const MOST_SEEDS: usize = 1000;

/// The values of one measurement, by what they are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Evidence {
    /// Without randomness: the value itself.
    Exact(f64),
    /// Numbers of several seeds.
    Sample(Vec<f64>),
    /// Yes or no.
    Outcomes(Outcomes),
    /// Numbers, some of which are censored.
    Ranges(Vec<Value>),
}

/// One side of an expectation: the quantity must be at or above a bound, strictly or not; of a
/// quantity that must be at or below it, the negative.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Side {
    /// 1, or −1 for an upper bound.
    sign: f64,
    /// The bound, with its sign.
    bound: f64,
    /// Whether the bound itself does not satisfy.
    strict: bool,
}

/// p values of the hypotheses that the expectation is violated and that it is satisfied. Small
/// values let the claim hold or fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PValues {
    pub(super) violated: f64,
    pub(super) satisfied: f64,
}

/// What values that tell nothing say.
const UNKNOWN: PValues = PValues { violated: 1.0, satisfied: 1.0 };

impl Expect {
    fn sides(&self) -> Vec<Side> {
        let side = |sign: f64, bound: f64, strict| Side { sign, bound: sign * bound, strict };
        match *self {
            Self::AtLeast(bound) => vec![side(1.0, bound, false)],
            Self::AtMost(bound) => vec![side(-1.0, bound, false)],
            Self::Between([low, high]) => vec![side(1.0, low, false), side(-1.0, high, false)],
            Self::Equals { value, tolerance } => {
                vec![side(1.0, value - tolerance, false), side(-1.0, value + tolerance, false)]
            }
            Self::RisesAlong(_) => vec![side(1.0, 0.0, true)],
            Self::FallsAlong(_) => vec![side(-1.0, 0.0, true)],
        }
    }
}

impl Evidence {
    /// The p values. All sides must be satisfied, so that the weakest decides; one violated side is
    /// enough, and since each of them may seem violated by chance, the smallest p value counts as often as there
    /// are sides (Bonferroni).
    pub(super) fn p_values(&self, expect: &Expect) -> PValues {
        let sides: Vec<PValues> = expect.sides().into_iter().map(|side| self.test(side)).collect();
        let smallest = sides.iter().map(|p| p.satisfied).fold(1.0, f64::min);
        PValues {
            violated: sides.iter().map(|p| p.violated).fold(0.0, f64::max),
            satisfied: (smallest * sides.len() as f64).min(1.0),
        }
    }

    fn test(&self, side: Side) -> PValues {
        let certain = |yes: bool| PValues {
            violated: f64::from(u8::from(!yes)),
            satisfied: f64::from(u8::from(yes)),
        };
        match self {
            Self::Exact(value) => certain(side.admits(*value)),
            Self::Sample(values) => {
                if values.len() < SEEDS_NEEDED {
                    return UNKNOWN;
                }
                let signed: Vec<f64> = values.iter().map(|value| side.sign * value).collect();
                let sample = SampleMoments::from_values(&signed).expect("three values or more");
                if sample.deviation == 0.0 {
                    // Equal in every seed, such as two accuracies of 1: neither an order nor its reverse is seen.
                    let is_tie = side.bound == 0.0 && values[0] == 0.0;
                    return if is_tie { UNKNOWN } else { certain(side.admits(values[0])) };
                }
                let violated = sample.p_at_most(side.bound);
                PValues { violated, satisfied: 1.0 - violated }
            }
            Self::Outcomes(outcomes) => {
                let share = side.sign * side.bound;
                let (low, high) = (outcomes.p_at_most(share), outcomes.p_at_least(share));
                let (violated, satisfied) = if side.sign > 0.0 { (low, high) } else { (high, low) };
                PValues { violated, satisfied }
            }
            Self::Ranges(values) => side.sign_test(values),
        }
    }

    /// How many seeds would decide at a level, if their mean and their spread stay what they are.
    /// `None` when they would not with a thousand, or when one seed shows no spread.
    pub(super) fn seeds_to_decide(&self, expect: &Expect, level: f64) -> Option<usize> {
        if matches!(self, Self::Sample(values) if values.len() < 2) {
            return None;
        }
        let decides = |n: usize| {
            let p = self.with_seeds(n).p_values(expect);
            p.violated <= level || p.satisfied <= level
        };
        (SEEDS_NEEDED..=MOST_SEEDS).find(|&n| decides(n))
    }

    /// Evidence of n seeds that shows the same.
    fn with_seeds(&self, n: usize) -> Self {
        match self {
            Self::Exact(value) => Self::Exact(*value),
            Self::Sample(values) => {
                let sample = SampleMoments::from_values(values).expect("a value");
                // Two values around the mean have the deviation d · √(n / (n − 1)) when half of n
                // are above it and half below.
                let scale = ((n - 1) as f64 / (n - n % 2) as f64).sqrt() * sample.deviation;
                let value = |i: usize| match (n % 2 == 1 && i == 0, i.is_multiple_of(2)) {
                    (true, _) => sample.mean,
                    (false, true) => sample.mean + scale,
                    (false, false) => sample.mean - scale,
                };
                Self::Sample((0..n).map(value).collect())
            }
            Self::Outcomes(Outcomes { n: of, yes }) => {
                let share = *yes as f64 / *of as f64;
                let yes = (share * n as f64).round() as u64;
                Self::Outcomes(Outcomes { n: n as u64, yes })
            }
            Self::Ranges(values) => {
                let nth = |i: usize| values[i * values.len() / n];
                Self::Ranges((0..n).map(nth).collect())
            }
        }
    }
}

impl Side {
    fn admits(self, value: f64) -> bool {
        let value = self.sign * value;
        if self.strict { self.bound < value } else { self.bound <= value }
    }

    /// The sign test: the probability that a seed satisfies, respectively violates, is at most one
    /// half. A seed whose range does not tell counts for neither.
    fn sign_test(self, values: &[Value]) -> PValues {
        let signed = |value: &Value| if self.sign > 0.0 { *value } else { value.negated() };
        let satisfies = |value: &Value| match self.strict {
            true => signed(value).is_above(self.bound),
            false => signed(value).is_at_least(self.bound),
        };
        let violates = |value: &Value| match self.strict {
            true => signed(value).negated().is_at_least(-self.bound),
            false => signed(value).negated().is_above(-self.bound),
        };
        let p = |yes: usize| Outcomes { n: values.len() as u64, yes: yes as u64 }.p_at_most(0.5);
        PValues {
            violated: p(values.iter().filter(|v| satisfies(v)).count()),
            satisfied: p(values.iter().filter(|v| violates(v)).count()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Censored;
    use super::*;

    #[test]
    fn the_seeds_that_decide_are_those_of_a_sample_with_the_same_mean_and_spread() {
        // Mean 2 and deviation 1 against 1.5: t = 0.5 · √n, and the quantiles of t are
        // 2.120 for n = 17 (t = 2.06) and 2.110 for n = 18 (t = 2.12).
        let evidence = Evidence::Sample(vec![1.0, 2.0, 3.0]);
        assert_eq!(evidence.seeds_to_decide(&Expect::AtLeast(1.5), 0.025), Some(18));
        assert_eq!(evidence.seeds_to_decide(&Expect::AtLeast(2.0), 0.025), None);
        // 5 heads of 5 have the probability 1/32 at 1/2, 6 of 6 have 1/64 < 0.025.
        let heads = Evidence::Outcomes(Outcomes { n: 3, yes: 3 });
        assert_eq!(heads.seeds_to_decide(&Expect::AtLeast(0.5), 0.025), Some(6));
        assert_eq!(Evidence::Sample(vec![9.0]).seeds_to_decide(&Expect::AtLeast(1.0), 0.025), None);
        let late = Evidence::Ranges(vec![Value::Censored(Censored::Above(9.0)); 3]);
        assert_eq!(late.seeds_to_decide(&Expect::AtLeast(1.0), 0.025), Some(6));
    }

    #[test]
    fn both_sides_of_a_range_must_be_satisfied_and_one_is_violated() {
        let p = |mean: f64| {
            let values = vec![mean - 0.1, mean, mean + 0.1];
            Evidence::Sample(values).p_values(&Expect::Between([0.0, 10.0]))
        };
        assert!(p(5.0).violated < 0.01 && 0.99 < p(5.0).satisfied);
        for outside in [-5.0, 15.0] {
            assert!(p(outside).satisfied < 0.01 && 0.99 < p(outside).violated);
        }
    }

    #[test]
    fn an_order_of_values_that_are_equal_in_every_seed_is_undecided() {
        let p = |value: f64, expect: &Expect| Evidence::Sample(vec![value; 3]).p_values(expect);
        let along = |axis: fn(String) -> Expect| axis("clip".to_owned());
        for order in [
            Expect::AtLeast(0.0),
            Expect::AtMost(0.0),
            along(Expect::RisesAlong),
            along(Expect::FallsAlong),
        ] {
            assert_eq!(p(0.0, &order), UNKNOWN);
            assert_eq!(p(-0.0, &order), UNKNOWN);
        }
        assert_eq!(p(1.0, &Expect::AtLeast(1.0)), PValues { violated: 0.0, satisfied: 1.0 });
        assert_eq!(p(0.0, &Expect::AtLeast(0.5)), PValues { violated: 1.0, satisfied: 0.0 });
        let exact = Evidence::Exact(0.0).p_values(&Expect::AtLeast(0.0)); // without randomness
        assert_eq!(exact, PValues { violated: 0.0, satisfied: 1.0 });
    }

    /// A true value on a bound, with a range that is narrow against the spread, is found outside in 2.5 % of samples.
    #[test]
    fn a_true_value_at_the_edge_of_a_narrow_range_is_refused_as_rarely_as_promised() {
        let mut rng = coherence_data::random::stream(1, "samples");
        let mut normal = || coherence_data::random::normal(&mut rng);
        let mut refused = 0;
        for _ in 0..10_000 {
            let sample = Evidence::Sample((0..4).map(|_| normal()).collect());
            let p = sample.p_values(&Expect::Equals { value: 0.0, tolerance: 1e-3 });
            refused += usize::from(p.satisfied <= 0.025);
        }
        // 250 are expected; their deviation is 16.
        assert!((200..300).contains(&refused), "{refused}");
    }

    #[test]
    fn fewer_than_three_seeds_say_nothing() {
        let p = Evidence::Sample(vec![1.0, 1.0]).p_values(&Expect::AtLeast(5.0));
        assert_eq!((p.violated, p.satisfied), (1.0, 1.0));
    }
}
