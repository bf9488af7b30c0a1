//! What a percentile is: the definitions, and how they turn into counts.

use coherence_core::aggregate::*;
use coherence_tests::laws::aggregate::values;
use coherence_tests::naive::aggregate as naive;
use proptest::prelude::*;

use crate::support::value;

const DEFINITIONS: [Percentile; 4] =
    [Percentile::NearestRank, Percentile::Rounded, Percentile::Truncated, Percentile::Interpolated];

fn rule(percent: f64, definition: Percentile) -> WinsorizedPercent {
    WinsorizedPercent::new(percent, definition).expect("at most 50")
}

#[test]
fn a18_definitions_give_these_counts() {
    use Percentile::*;
    for (n, p, nearest_rank, rounded, truncated) in [
        (100, 0.01, 1, 1, 1),
        (100, 0.02, 2, 2, 2),
        (100, 0.08, 8, 8, 8),
        (100, 0.50, 50, 50, 50),
        (16, 0.15, 2, 2, 2),
        (32, 0.05, 2, 2, 1),
        (11, 0.25, 3, 3, 2),
        (10, 0.05, 0, 1, 0),
        (5, 0.50, 2, 2, 2),
        (1, 0.50, 0, 0, 0),
        (0, 0.50, 0, 0, 0),
    ] {
        let counts = [NearestRank, Rounded, Truncated].map(|definition| definition.count(p, n));
        assert_eq!(counts, [nearest_rank, rounded, truncated], "n = {n}, p = {p}");
    }
    assert_eq!(Interpolated.count(0.25, 10), 2);
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn a18_percentile_form_is_the_count_form_of_its_definition(values in values(), percent in 0.0..=50.0f64) {
        for definition in &DEFINITIONS[..3] {
            let rule = rule(percent, *definition);
            let count = rule.by_count(values.len());
            prop_assert_eq!(
                value(&rule, &values).to_bits(),
                value(&count, &values).to_bits()
            );
            prop_assert_eq!(rule.tolerates(values.len()), count.tolerates(values.len()));
        }
    }

    #[test]
    fn a18_interpolated_form_lies_between_the_counts_around_it(values in values(), percent in 0.0..=50.0f64) {
        // At a rank that is whole, it is the count form of that rank.
        let last = values.len() - 1;
        let rank = (percent / 100.0 * last as f64) as usize;
        let whole = if last == 0 { 0.0 } else { 100.0 * rank as f64 / last as f64 };
        let found = value(&rule(whole.min(50.0), Percentile::Interpolated), &values);
        let expected = naive::winsorized(&values, rank);
        let magnitude = values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        prop_assert!((found - expected).abs() <= 1e-13 * magnitude, "{found} is not {expected}");
    }

    #[test]
    fn a18_percent_0_is_the_mean_and_50_the_median_in_every_definition(values in values()) {
        for definition in DEFINITIONS {
            let magnitude = values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            let mean = value(&rule(0.0, definition), &values);
            let median = value(&rule(50.0, definition), &values);
            prop_assert!((mean - naive::mean(&values)).abs() <= 1e-13 * magnitude);
            prop_assert!((median - naive::median(&values)).abs() <= 1e-13 * magnitude);
        }
    }
}

#[test]
fn a18_interpolated_thresholds_by_hand() {
    // Ranks 0.5 and 3.5 of 0, 1, 4, 9, 16: thresholds 0.5 and 12.5.
    let found = value(&rule(12.5, Percentile::Interpolated), &[16.0, 0.0, 9.0, 1.0, 4.0]);
    assert_eq!(found, (0.5 + 1.0 + 4.0 + 9.0 + 12.5) / 5.0);
}

#[test]
fn interpolation_at_a_value_does_not_see_an_infinite_neighbour() {
    let values = [f64::NEG_INFINITY, 1.0, 2.0, 3.0, f64::INFINITY];
    assert_eq!(value(&rule(25.0, Percentile::Interpolated), &values), 2.0);
    assert!(value(&rule(12.5, Percentile::Interpolated), &values).is_nan());
    let high = [0.0, 1.0, 2.0, 3.0, f64::INFINITY];
    assert_eq!(value(&rule(12.5, Percentile::Interpolated), &high), f64::INFINITY);
}
