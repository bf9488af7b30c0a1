//! Properties of every aggregator of one coordinate's values.
//!
//! A law takes a rule `r(values, count)`, where `count` is its clip, trim or f (ignored by mean and median),
//! brought within 2·`count` < n.
//! Inputs are representable in `f32`, so that `f32` kernels are held to the same laws;
//! `tolerance` is relative to the greatest magnitude among the inputs.

use proptest::prelude::*;

use crate::naive::aggregate as naive;

/// A rule of one coordinate: values and count to one value.
pub type Rule<'a> = &'a dyn Fn(&[f64], usize) -> f64;

/// A count within the domain of every rule for n values, 2·count < n.
pub fn within(count: usize, n: usize) -> usize {
    count % (n.saturating_sub(1) / 2 + 1)
}

type Verdict = Result<(), TestCaseError>;

/// Values for a rule, 1 ≤ n ≤ 65, representable in `f32`: ties, ±0, subnormals, outliers.
pub fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        6 => -100.0f32..100.0,
        3 => (-2i8..=2).prop_map(f32::from),
        1 => Just(0.0), 1 => Just(-0.0),
        1 => Just(1e-45), 1 => Just(-1e-45), 1 => Just(f32::MIN_POSITIVE),
        1 => Just(1e30), 1 => Just(-1e30),
    ];
    prop_oneof![1 => 1..=7usize, 1 => 1..=65usize]
        .prop_flat_map(move |n| prop::collection::vec(value.clone().prop_map(f64::from), n))
}

fn magnitude(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, x| x.abs().max(most))
}

/// The spacing of subnormals in `f32`: below it nothing can be told apart there.
const SUBNORMAL: f64 = 1.5e-45;

fn close(found: f64, expected: f64, tolerance: f64) -> Verdict {
    let (off, tolerance) = ((found - expected).abs(), tolerance + SUBNORMAL);
    prop_assert!(
        off <= tolerance,
        "found {found:e}, expected {expected:e}, off by {off:e} > {tolerance:e}"
    );
    Ok(())
}

/// r agrees with obviously right code.
pub fn agrees(
    rule: Rule<'_>,
    naive: Rule<'_>,
    values: &[f64],
    count: usize,
    tolerance: f64,
) -> Verdict {
    close(rule(values, count), naive(values, count), tolerance * magnitude(values))
}

/// The order of the values does not matter.
pub fn permutes(
    rule: Rule<'_>,
    values: &[f64],
    shuffled: &[f64],
    count: usize,
    tolerance: f64,
) -> Verdict {
    close(rule(shuffled, count), rule(values, count), tolerance * magnitude(values))
}

/// r(x + t) = r(x) + t, in `f64` where x + t may round.
pub fn translates(rule: Rule<'_>, values: &[f64], t: f64, count: usize, tolerance: f64) -> Verdict {
    let moved: Vec<f64> = values.iter().map(|x| f64::from((x + t) as f32)).collect();
    let rounding = 2.0f64.powi(-23) * (magnitude(values) + t.abs());
    close(rule(&moved, count), rule(values, count) + t, tolerance * magnitude(&moved) + rounding)
}

/// r(2^k x) = 2^k r(x) and r(−x) = −r(x).
pub fn scales(
    rule: Rule<'_>,
    values: &[f64],
    exponent: i32,
    count: usize,
    tolerance: f64,
) -> Verdict {
    for factor in [2.0f64.powi(exponent), -(2.0f64.powi(exponent))] {
        let scaled: Vec<f64> = values.iter().map(|x| f64::from((x * factor) as f32)).collect();
        let rounding = SUBNORMAL * (1.0 + factor.abs()); // of the inputs, and of the result scaled up
        close(
            rule(&scaled, count),
            factor * rule(values, count),
            tolerance * magnitude(&scaled) + rounding,
        )?;
    }
    Ok(())
}

/// The result is neither below the least value nor above the greatest.
pub fn stays_in_range(rule: Rule<'_>, values: &[f64], count: usize, tolerance: f64) -> Verdict {
    let (sorted, result) = (naive::sorted(values), rule(values, count));
    let slack = tolerance * magnitude(values);
    prop_assert!(sorted[0] - slack <= result && result <= sorted[sorted.len() - 1] + slack);
    Ok(())
}

/// Raising one value does not lower the result.
pub fn is_monotone(
    rule: Rule<'_>,
    values: &[f64],
    i: usize,
    by: f64,
    count: usize,
    tolerance: f64,
) -> Verdict {
    let mut raised = values.to_vec();
    raised[i % values.len()] = f64::from((values[i % values.len()] + by) as f32);
    let slack = tolerance * magnitude(values).max(magnitude(&raised));
    prop_assert!(rule(&raised, count) + slack >= rule(values, count));
    Ok(())
}

/// n copies of x aggregate to x.
pub fn keeps_copies(rule: Rule<'_>, x: f64, n: usize, count: usize, tolerance: f64) -> Verdict {
    close(rule(&vec![x; n], count), x, tolerance * x.abs())
}

/// As many `bad` values as the count (cut to a minority) leave the result in the range of the others.
pub fn bears_bad_values(rule: Rule<'_>, honest: &[f64], bad: &[f64], tolerance: f64) -> Verdict {
    let range = naive::sorted(honest);
    let slack = tolerance * magnitude(honest);
    let bad = &bad[..bad.len().min(honest.len() - 1)];
    for attack in [bad.to_vec(), vec![f64::MAX; bad.len()], vec![f64::NEG_INFINITY; bad.len()]] {
        let result = rule(&[honest, &attack].concat(), bad.len());
        prop_assert!(
            range[0] - slack <= result && result <= range[range.len() - 1] + slack,
            "{attack:?}: {result}"
        );
    }
    Ok(())
}

/// The laws of every rule between the mean and the median: agreement with `$naive`, permutation,
/// translation and scale, range, monotonicity, copies.
///
/// `$rule` and `$naive` are `Fn(&[f64], usize) -> f64`.
#[macro_export]
macro_rules! coordinate_rule_laws {
    ($rule:expr, $naive:expr, $tolerance:expr) => {
        use proptest::prelude::*;
        use $crate::laws::aggregate as law;

        proptest! {
            #![proptest_config($crate::cases(1000))]

            #[test]
            fn agrees_with_the_naive_rule(values in law::values(), count in 0..35usize) {
                law::agrees(&$rule, &$naive, &values, law::within(count, values.len()), $tolerance)?;
            }

            #[test]
            fn is_permutation_invariant(
                (values, shuffled) in law::values().prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
                count in 0..35usize,
            ) {
                law::permutes(&$rule, &values, &shuffled, law::within(count, values.len()), $tolerance)?;
            }

            #[test]
            fn is_translation_equivariant(values in law::values(), t in -50i8..50, count in 0..35usize) {
                law::translates(&$rule, &values, f64::from(t), law::within(count, values.len()), $tolerance)?;
            }

            #[test]
            fn is_scale_equivariant(values in law::values(), exponent in -20..20i32, count in 0..35usize) {
                law::scales(&$rule, &values, exponent, law::within(count, values.len()), $tolerance)?;
            }

            #[test]
            fn stays_in_the_range_of_the_values(values in law::values(), count in 0..35usize) {
                law::stays_in_range(&$rule, &values, law::within(count, values.len()), $tolerance)?;
            }

            #[test]
            fn is_monotone_in_each_value(
                values in law::values(), i in 0..65usize, by in prop_oneof![0.0f64..10.0, Just(1e30)], count in 0..35usize,
            ) {
                law::is_monotone(&$rule, &values, i, by, law::within(count, values.len()), $tolerance)?;
            }

            #[test]
            fn copies_aggregate_to_themselves(x in -1e30f32..1e30, n in 1..65usize, count in 0..35usize) {
                law::keeps_copies(&$rule, f64::from(x), n, law::within(count, n), $tolerance)?;
            }
        }
    };
}

/// The laws of catalogue row A18 for a winsorised mean `$rule`: `Fn(&[f64], clip: usize) -> f64`.
#[macro_export]
macro_rules! winsorized_laws {
    ($rule:expr, $tolerance:expr) => {
        $crate::coordinate_rule_laws!($rule, $crate::naive::aggregate::winsorized, $tolerance);

        proptest! {
            #![proptest_config($crate::cases(1000))]

            #[test]
            fn a18_winsorized_mean_at_zero_is_the_mean(values in law::values()) {
                let mean = |v: &[f64], _| $crate::naive::aggregate::mean(v);
                law::agrees(&$rule, &mean, &values, 0, $tolerance)?;
            }

            #[test]
            fn a18_winsorized_mean_at_half_is_the_median(values in law::values()) {
                let median = |v: &[f64], _| $crate::naive::aggregate::median(v);
                law::agrees(&$rule, &median, &values, values.len() / 2, $tolerance)?;
            }

            #[test]
            fn a18_winsorized_mean_bears_as_many_bad_values_as_it_clips(
                honest in prop::collection::vec((-100i8..100).prop_map(f64::from), 1..30),
                bad in prop::collection::vec(prop_oneof![Just(1e30), Just(-1e30), -9.0..9.0f64], 1..30),
            ) {
                law::bears_bad_values(&$rule, &honest, &bad, $tolerance)?;
            }
        }
    };
}
