//! Sums of squares in three ranges.

use coherence_core::SquareSum;
use coherence_tests::{cases, close};
use proptest::prelude::*;

/// The ends of the middle range.
const LARGE: i32 = 486;
const SMALL: i32 = -480;

/// x and its exponent, such that the value meant is x · 2ᵉ; x in ±[1, 2).
fn value() -> impl Strategy<Value = (f64, i32)> {
    let exponent = prop_oneof![
        -1020..=1023i32,
        Just(LARGE - 1),
        Just(LARGE),
        Just(LARGE + 1),
        Just(SMALL - 1),
        Just(SMALL),
    ];
    (prop_oneof![3 => 1.0..2.0, 1 => Just(1.0)], exponent)
}

proptest! {
    #![proptest_config(cases(1000))]

    /// ‖v‖ = 2ᵉ ‖v / 2ᵉ‖ with the greatest e, where plain squares are ordinary numbers.
    #[test]
    fn a01_root_is_the_norm_in_any_range(values in prop::collection::vec(value(), 1..8)) {
        let top = values.iter().map(|v| v.1).max().unwrap();
        let plain: f64 = values.iter().map(|&(x, e)| (x * 2f64.powi((e - top).max(-1000))).powi(2)).sum();
        let natural: Vec<f64> = values.iter().map(|&(x, e)| x * 2f64.powi(e)).collect();
        let root = SquareSum::from_values(&natural).root();
        if plain.sqrt().log2() + f64::from(top) < 1023.9 {
            let scaled = root / 2f64.powi(top); // both finite
            close(scaled / plain.sqrt(), 1.0, 1e-14);
        }
    }

    #[test]
    fn a01_middle_range_is_bit_for_bit_the_plain_sum(values in prop::collection::vec(-1e30..1e30f64, 0..20)) {
        let plain = values.iter().fold(0.0, |sum, x| sum + x * x);
        prop_assert_eq!(SquareSum::from_values(&values).value().to_bits(), plain.to_bits());
    }

    #[test]
    fn a01_squares_add_over_sets(
        values in prop::collection::vec(value(), 1..8),
        split in any::<prop::sample::Index>(),
    ) {
        // Exponents kept low enough that the sum itself is an f64.
        let natural: Vec<f64> = values.iter().map(|&(x, e)| x * 2f64.powi(e.min(500))).collect();
        let at = split.index(natural.len());
        let mut sum = SquareSum::from_values(&natural[..at]);
        sum.add_scaled(1.0, SquareSum::from_values(&natural[at..]));
        let whole = SquareSum::from_values(&natural).value();
        prop_assert!((sum.value() - whole).abs() <= 1e-14 * whole);
    }

    /// The weight reaches every range: 4 Σ x² = Σ (2x)², away from the ends of the ranges.
    #[test]
    fn a01_weights_reach_every_range(x in 1.0..2.0f64, e in prop_oneof![Just(-900), Just(-530), Just(0), Just(505)]) {
        let v = x * 2f64.powi(e);
        let mut four_times = SquareSum::default();
        four_times.add_scaled(4.0, SquareSum::from_values(&[v]));
        prop_assert_eq!(four_times.value(), SquareSum::from_values(&[2.0 * v]).value());
        prop_assert!((four_times.root() / (2.0 * v) - 1.0).abs() < 1e-15);
    }
}

/// Values at the ends lose no bit, one step inside and one step outside.
#[test]
fn a01_ends_of_the_ranges_are_seamless() {
    for e in [LARGE, SMALL] {
        let end = 2f64.powi(e);
        for x in [f64::from_bits(end.to_bits() - 1), end, f64::from_bits(end.to_bits() + 1)] {
            assert_eq!(SquareSum::from_values(&[x]).value(), x * x);
            assert_eq!(SquareSum::from_values(&[-x]).root(), x);
        }
    }
}

/// 2⁵⁰ squares just under the upper end do not overflow; the lower end squares to a normal number.
#[test]
fn a01_middle_range_has_room() {
    let mut many = SquareSum::default();
    many.add_scaled(2f64.powi(50), SquareSum::from_values(&[2f64.powi(LARGE)]));
    assert_eq!(many.value(), 2f64.powi(2 * LARGE + 50));
    let low = 2f64.powi(SMALL) * (1.0 + f64::EPSILON);
    close(
        SquareSum::from_values(&[low]).value() / 2f64.powi(2 * SMALL),
        1.0 + 2.0 * f64::EPSILON,
        1e-17,
    );
}

#[test]
fn a01_extremes_of_f64_are_exact() {
    assert_eq!(SquareSum::from_values(&[f64::MAX]).root(), f64::MAX);
    assert_eq!(SquareSum::from_values(&[f64::MAX]).value(), f64::INFINITY);
    assert_eq!(SquareSum::from_values(&[f64::from_bits(1)]).root(), f64::from_bits(1));
    assert_eq!(SquareSum::from_values(&[f64::from_bits(1)]).value(), 0.0);
    assert_eq!(SquareSum::from_values(&[0.0, -0.0]).root(), 0.0);
    assert_eq!(SquareSum::from_values::<f32>(&[]).value(), 0.0);
    assert_eq!(SquareSum::from_values(&[f64::NEG_INFINITY, 1.0]).root(), f64::INFINITY);
    assert!(SquareSum::from_values(&[f64::NAN]).value().is_nan());
    assert!(SquareSum::from_values(&[f64::NAN, 1e300]).root().is_nan());
    assert!(SquareSum::from_values(&[f64::NAN, 1e-300]).root().is_nan());
}
