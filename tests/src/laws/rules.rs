//! The laws of aggregation rules: one table of settings that every implementation is tested with.
//!
//! An implementation is a function from a rule's text (`"krum:1"`, as `coherence_core`'s `Rule`
//! reads it) and rows \[n\]\[d\] to a vector \[d\], or an error's text. It names the rules of [`TABLE`]
//! that it implements; [`rule_laws`](crate::rule_laws) generates the tests. All rows are
//! representable in `f32`.

use num_traits::Float;
use proptest::prelude::*;

use crate::naive::{aggregate as column, rules as naive};

/// A function from a rule's text and rows \[n\]\[d\] to a vector \[d\] or an error.
pub type Implementation<'a> = &'a dyn Fn(&str, &[Vec<f64>]) -> Result<Vec<f64>, String>;

/// Points \[n\]\[d\].
pub type Points = Vec<Vec<f64>>;

/// The terms 2 g and −g, which add up to g exactly, of each row g of `width` values: \[n\]\[2\]\[width\].
pub fn two_terms<T: Float>(rows: &[T], width: usize) -> Vec<T> {
    let twice = |g: &T| *g + *g;
    let of = |g: &[T]| g.iter().map(twice).chain(g.iter().map(|g| -*g)).collect::<Vec<T>>();
    rows.chunks_exact(width).flat_map(of).collect()
}

/// The definition that a result is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Definition {
    /// Selected values or rows: must be equal, bit for bit except for the sign of zero.
    Selection(fn(&[Vec<f64>], usize) -> Vec<f64>),
    /// Sums: must agree within the tolerance times the greatest magnitude.
    Mean(fn(&[Vec<f64>], usize) -> Vec<f64>),
    /// The sum of distances from these points must be minimal, within a millionth.
    LeastDistances(fn(&[Vec<f64>], usize) -> Points),
}

use Definition::{LeastDistances, Mean, Selection};

/// A rule with parameter p, its domain and its definition.
#[derive(Clone, Copy, Debug)]
pub struct RuleSetting {
    /// The rule's name, by which implementations select it.
    pub name: &'static str,
    /// The rule's text.
    pub text: fn(p: usize) -> String,
    /// The least n for which it is defined.
    pub least: fn(p: usize) -> usize,
    /// The largest n for which the naive rule is fast enough.
    pub most: usize,
    /// The rule's definition.
    pub definition: Definition,
}

const fn setting(
    name: &'static str,
    text: fn(usize) -> String,
    least: fn(usize) -> usize,
    most: usize,
    definition: Definition,
) -> RuleSetting {
    RuleSetting { name, text, least, most, definition }
}

/// Any number of rows.
const ANY: usize = usize::MAX;

/// Every rule, with p = 0, 1, 2, … in its parameter's place.
pub const TABLE: &[RuleSetting] = &[
    setting("mean", |_| "mean".into(), |_| 1, ANY, Mean(|x, _| naive::by_column(x, column::mean))),
    setting(
        "median",
        |_| "median".into(),
        |_| 1,
        ANY,
        Mean(|x, _| naive::by_column(x, column::median)),
    ),
    setting(
        "median (odd n)",
        |_| "median".into(),
        |_| 1,
        ANY,
        Selection(|x, _| naive::by_column(x, column::median)),
    ),
    setting(
        "winsorized",
        |p| format!("winsorized:{p}"),
        |p| (2 * p).max(1),
        ANY,
        Mean(|x, p| naive::by_column(x, |v| column::winsorized(v, p))),
    ),
    setting(
        "winsorized%",
        |p| format!("winsorized:{}%", 10 * (p % 6)),
        |_| 1,
        ANY,
        Mean(|x, p| naive::by_column(x, |v| naive::winsorized_percent(v, 10 * (p % 6)))),
    ),
    setting(
        "trimmed",
        |p| format!("trimmed:{p}"),
        |p| 2 * p + 1,
        ANY,
        Mean(|x, p| naive::by_column(x, |v| column::trimmed(v, p))),
    ),
    setting(
        "median-of-means",
        |p| format!("median-of-means:{}", p + 1),
        |p| p + 1,
        ANY,
        Mean(|x, p| naive::by_column(x, |v| column::median_of_means(v, p + 1))),
    ),
    setting(
        "mean-around-median",
        |p| format!("mean-around-median:{p}"),
        |p| 2 * p + 1,
        ANY,
        Mean(|x, p| naive::by_column(x, |v| column::mean_around_median(v, p))),
    ),
    setting(
        "sign-majority",
        |_| "sign-majority".into(),
        |_| 1,
        ANY,
        Selection(|x, _| naive::by_column(x, column::sign_majority)),
    ),
    setting(
        "geometric-median",
        |_| "geometric-median".into(),
        |_| 1,
        40,
        LeastDistances(|x, _| x.to_vec()),
    ),
    setting(
        "geometric-median-of-means",
        |p| format!("geometric-median-of-means:{}", p + 1),
        |p| p + 1,
        40,
        LeastDistances(|x, p| naive::group_means(x, p + 1)),
    ),
    setting("krum", |p| format!("krum:{p}"), |p| 2 * p + 3, 40, Selection(naive::krum)),
    setting(
        "multi-krum",
        |p| format!("multi-krum:{p}:{}", p + 2),
        |p| 2 * p + 3,
        40,
        Mean(|x, p| naive::multi_krum(x, p, p + 2)),
    ),
    setting("bulyan", |p| format!("bulyan:{p}"), |p| 4 * p + 3, 24, Mean(naive::bulyan)),
    setting(
        "minimum-diameter",
        |p| format!("minimum-diameter:{p}"),
        |p| 2 * p + 1,
        9,
        Mean(naive::minimum_diameter),
    ),
    setting(
        "centered-clipping",
        |p| format!("centered-clipping:{}:2", p + 1),
        |_| 1,
        ANY,
        Mean(|x, p| naive::centered_clipping(x, (p + 1) as f64, 2)),
    ),
    setting(
        "norm-clipping",
        |p| format!("norm-clipping:{p}"),
        |_| 1,
        ANY,
        Mean(|x, p| naive::norm_clipping(x, p as f64)),
    ),
];

/// The names of the rules by coordinate.
pub const BY_COORDINATE: [&str; 8] = [
    "mean",
    "median",
    "winsorized",
    "winsorized%",
    "trimmed",
    "median-of-means",
    "mean-around-median",
    "sign-majority",
];

/// The names of the rules over whole rows.
pub const BY_ROWS: [&str; 8] = [
    "geometric-median",
    "geometric-median-of-means",
    "krum",
    "multi-krum",
    "bulyan",
    "minimum-diameter",
    "centered-clipping",
    "norm-clipping",
];

/// The names of all rules of [`TABLE`].
pub const EVERY: [&str; 16] = {
    let mut names = [""; 16];
    let (by_coordinate, by_rows) = names.split_at_mut(BY_COORDINATE.len());
    by_coordinate.copy_from_slice(&BY_COORDINATE);
    by_rows.copy_from_slice(&BY_ROWS);
    names
};

/// The settings of a rule.
///
/// # Panics
///
/// If the table has no rule of this name.
pub fn settings(name: &str) -> impl Iterator<Item = &'static RuleSetting> {
    let is_named = move |s: &&RuleSetting| s.name.split(' ').next() == Some(name);
    let found: Vec<&RuleSetting> = TABLE.iter().filter(is_named).collect();
    assert!(!found.is_empty(), "no rule is called {name}");
    found.into_iter()
}

impl RuleSetting {
    /// Whether the rule is defined for n rows and the naive rule is fast enough.
    fn applies_to(&self, p: usize, n: usize) -> bool {
        let odd = !self.name.ends_with("(odd n)") || n % 2 == 1;
        (self.least)(p) <= n && n <= self.most && odd
    }
}

/// An implementation's result agrees with the definition, wherever the rule is defined.
#[track_caller]
pub fn agrees(rule: Implementation<'_>, name: &str, p: usize, rows: &[Vec<f64>], tolerance: f64) {
    for setting in settings(name).filter(|setting| setting.applies_to(p, rows.len())) {
        let text = (setting.text)(p);
        let found = rule(&text, rows)
            .unwrap_or_else(|error| panic!("{text} of {} rows: {error}", rows.len()));
        let check = |expected: Vec<f64>, slack: f64| {
            let is_close = |(x, y): (&f64, &f64)| x == y || (x - y).abs() <= slack;
            assert!(
                found.len() == expected.len() && found.iter().zip(&expected).all(is_close),
                "{text} of {rows:?}: {found:?}, by definition {expected:?}"
            );
        };
        match setting.definition {
            Selection(definition) => check(definition(rows, p), 0.0),
            Mean(definition) => {
                let magnitude = rows.iter().flatten().fold(0.0, |most, x| x.abs().max(most));
                check(definition(rows, p), tolerance * magnitude);
            }
            LeastDistances(points) => {
                let points = points(rows, p);
                let [least, sum] = [&naive::near_geometric_median(&points), &found]
                    .map(|y| column::sum_of_distances(&points, y));
                let magnitude = points.iter().flatten().fold(0.0, |most, x| x.abs().max(most));
                let slack = 1e-6 * least + tolerance * magnitude * points.len() as f64;
                assert!(sum <= least + slack, "{text} of {rows:?}: {found:?}, {sum} > {least}");
            }
        }
    }
}

/// Fewer rows than the rule needs, and no rows, are an error.
#[track_caller]
pub fn refuses(rule: Implementation<'_>, name: &str, p: usize) {
    for setting in settings(name) {
        let text = (setting.text)(p);
        for n in [((setting.least)(p) - 1).min(50), 0] {
            let rows = vec![vec![1.0, 2.0]; n];
            let found = rule(&text, &rows);
            assert!(found.is_err(), "{text} of {n} rows: {found:?}");
        }
    }
}

/// Rows \[n\]\[d\] whose sums of squares are exact in `f32`, with ties and zeros of both signs.
pub fn rows(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let value = prop_oneof![6 => (-12i8..=12).prop_map(|x| f64::from(x) / 4.0), 1 => Just(-0.0)];
    (n, 1..5usize).prop_flat_map(move |(n, d)| {
        prop::collection::vec(prop::collection::vec(value.clone(), d), n)
    })
}

/// Fixed rows \[n\]\[d\] of small multiples of 1/8, from a sequence with a long period.
pub fn fixed_rows(n: usize, d: usize) -> Vec<Vec<f64>> {
    let value = |i: usize, j: usize| ((i * i * 31 + j * 17 + i * j * 7) % 67) as f64 / 8.0 - 4.0;
    (0..n).map(|i| (0..d).map(|j| value(i + 1, j + 1)).collect()).collect()
}

/// The laws of the rules `$rules` (an array of names of [`TABLE`](crate::laws::rules::TABLE), such as
/// [`EVERY`](crate::laws::rules::EVERY)) for an implementation
/// `$rule: Fn(&str, &[Vec<f64>]) -> Result<Vec<f64>, String>`, means within `$tolerance` times the
/// greatest magnitude.
///
/// ```
/// coherence_tests::rule_laws!(naive_krum, ["krum"], 0.0, |rule: &str, rows: &[Vec<f64>]| {
///     let f: usize = rule.trim_start_matches("krum:").parse().unwrap();
///     if rows.len() < 2 * f + 3 { return Err("too few".into()) }
///     Ok(coherence_tests::naive::rules::krum(rows, f))
/// });
/// ```
#[macro_export]
macro_rules! rule_laws {
    ($name:ident, $rules:expr, $tolerance:expr, $rule:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::laws::rules as law;
            use $crate::proptest::prelude::*;

            const RULES: &[&str] = &$rules;

            fn rule(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
                ($rule)(text, rows)
            }

            proptest! {
                #![proptest_config($crate::cases(300))]

                #[test]
                fn every_rule_matches_its_definition(rows in law::rows(1..20), p in 0..6usize) {
                    RULES.iter().for_each(|name| law::agrees(&rule, name, p, &rows, $tolerance));
                }
            }

            #[test]
            fn sizes_not_divisible_by_a_parameter_agree() {
                for (n, d) in
                    [(3, 1), (7, 3), (9, 33), (16, 2), (31, 5), (33, 17), (65, 3), (100, 9)]
                {
                    for name in RULES {
                        (0..9).for_each(|p| {
                            law::agrees(&rule, name, p, &law::fixed_rows(n, d), $tolerance)
                        });
                    }
                }
            }

            #[test]
            fn the_least_number_of_rows_is_enough() {
                for name in RULES {
                    for (setting, p) in
                        law::settings(name).flat_map(|s| (0..6).map(move |p| (s, p)))
                    {
                        let rows = law::fixed_rows((setting.least)(p), 4);
                        law::agrees(&rule, name, p, &rows, $tolerance);
                    }
                }
            }

            #[test]
            fn fewer_rows_are_an_error() {
                for name in RULES {
                    [0, 1, 2, 9, 1 << 40].iter().for_each(|&p| law::refuses(&rule, name, p));
                }
            }

            #[test]
            fn equal_rows_and_zeros_agree() {
                for row in [[0.0, -0.0], [1.5, -0.25]] {
                    for (name, n) in RULES.iter().flat_map(|name| (1..12).map(move |n| (name, n))) {
                        (0..4).for_each(|p| {
                            law::agrees(&rule, name, p, &vec![row.to_vec(); n], $tolerance)
                        });
                    }
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::{BY_COORDINATE, BY_ROWS, EVERY, TABLE};
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_of_the_table_is_listed_and_those_by_coordinate_come_first() {
        let known = TABLE.iter().map(|setting| setting.name.split(' ').next().unwrap());
        assert_eq!(known.collect::<BTreeSet<_>>(), EVERY.into_iter().collect());
        assert_eq!(EVERY[..].to_vec(), [BY_COORDINATE, BY_ROWS].concat());
    }
}
