//! Properties of every aggregator of one coordinate's values.
//!
//! A law takes a rule `r(values, count)`, where `count` is its clip, trim or f (ignored by mean and
//! median) and is reduced so that 2·`count` < n. Inputs are representable in `f32`, so that `f32`
//! kernels must obey the same laws; `tolerance` is relative to the greatest magnitude among the
//! inputs.

use proptest::{prelude::*, test_runner::TestCaseResult};

use crate::naive::aggregate as naive;

/// A coordinate-wise rule as a function from the values of one coordinate and a count to one value.
pub type CoordinateFn<'a> = &'a dyn Fn(&[f64], usize) -> f64;

/// Reduces a count to the domain of every rule for n values, 2·count < n.
pub fn within(count: usize, n: usize) -> usize {
    count % (n.saturating_sub(1) / 2 + 1)
}

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

/// The spacing of subnormals in `f32`, below which values cannot be distinguished.
const SUBNORMAL: f64 = 1.5e-45;

fn close(found: f64, expected: f64, tolerance: f64) -> TestCaseResult {
    let (off, tolerance) = ((found - expected).abs(), tolerance + SUBNORMAL);
    prop_assert!(
        off <= tolerance,
        "found {found:e}, expected {expected:e}, off by {off:e} > {tolerance:e}"
    );
    Ok(())
}

/// r agrees with the naive implementation.
pub fn agrees(
    rule: CoordinateFn<'_>,
    naive: CoordinateFn<'_>,
    values: &[f64],
    count: usize,
    tolerance: f64,
) -> TestCaseResult {
    close(rule(values, count), naive(values, count), tolerance * magnitude(values))
}

/// The order of the values does not matter.
pub fn permutes(
    rule: CoordinateFn<'_>,
    values: &[f64],
    shuffled: &[f64],
    count: usize,
    tolerance: f64,
) -> TestCaseResult {
    close(rule(shuffled, count), rule(values, count), tolerance * magnitude(values))
}

/// r(x + t) = r(x) + t, in `f64` where x + t may round.
pub fn translates(
    rule: CoordinateFn<'_>,
    values: &[f64],
    t: f64,
    count: usize,
    tolerance: f64,
) -> TestCaseResult {
    let moved: Vec<f64> = values.iter().map(|x| f64::from((x + t) as f32)).collect();
    let rounding = 2.0f64.powi(-23) * (magnitude(values) + t.abs());
    close(rule(&moved, count), rule(values, count) + t, tolerance * magnitude(&moved) + rounding)
}

/// r(2^k x) = 2^k r(x) and r(−x) = −r(x).
pub fn scales(
    rule: CoordinateFn<'_>,
    values: &[f64],
    exponent: i32,
    count: usize,
    tolerance: f64,
) -> TestCaseResult {
    for factor in [2.0f64.powi(exponent), -(2.0f64.powi(exponent))] {
        let scaled: Vec<f64> = values.iter().map(|x| f64::from((x * factor) as f32)).collect();
        let rounding = SUBNORMAL * (1.0 + factor.abs()); // rounding of the inputs, and of the result scaled up
        close(
            rule(&scaled, count),
            factor * rule(values, count),
            tolerance * magnitude(&scaled) + rounding,
        )?;
    }
    Ok(())
}

/// The result is neither below the least value nor above the greatest.
pub fn stays_in_range(
    rule: CoordinateFn<'_>,
    values: &[f64],
    count: usize,
    tolerance: f64,
) -> TestCaseResult {
    let (sorted, result) = (naive::sorted(values), rule(values, count));
    let slack = tolerance * magnitude(values);
    prop_assert!(sorted[0] - slack <= result && result <= sorted[sorted.len() - 1] + slack);
    Ok(())
}

/// Raising one value does not lower the result.
pub fn is_monotone(
    rule: CoordinateFn<'_>,
    values: &[f64],
    i: usize,
    by: f64,
    count: usize,
    tolerance: f64,
) -> TestCaseResult {
    let mut raised = values.to_vec();
    raised[i % values.len()] = f64::from((values[i % values.len()] + by) as f32);
    let slack = tolerance * magnitude(values).max(magnitude(&raised));
    prop_assert!(rule(&raised, count) + slack >= rule(values, count));
    Ok(())
}

/// n copies of x aggregate to x.
pub fn keeps_copies(
    rule: CoordinateFn<'_>,
    x: f64,
    n: usize,
    count: usize,
    tolerance: f64,
) -> TestCaseResult {
    close(rule(&vec![x; n], count), x, tolerance * x.abs())
}

/// With as many `byzantine` values as the count (limited to a minority), the result stays in the
/// range of the honest values.
pub fn tolerates_byzantine_values(
    rule: CoordinateFn<'_>,
    honest: &[f64],
    byzantine: &[f64],
    tolerance: f64,
) -> TestCaseResult {
    let range = naive::sorted(honest);
    let slack = tolerance * magnitude(honest);
    let count = byzantine.len().min(honest.len() - 1);
    for attack in
        [byzantine[..count].to_vec(), vec![f64::MAX; count], vec![f64::NEG_INFINITY; count]]
    {
        let result = rule(&[honest, &attack].concat(), count);
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
            fn a18_winsorized_mean_tolerates_as_many_byzantine_values_as_it_clips(
                honest in prop::collection::vec((-100i8..100).prop_map(f64::from), 1..30),
                byzantine in prop::collection::vec(prop_oneof![Just(1e30), Just(-1e30), -9.0..9.0f64], 1..30),
            ) {
                law::tolerates_byzantine_values(&$rule, &honest, &byzantine, $tolerance)?;
            }
        }
    };
}
