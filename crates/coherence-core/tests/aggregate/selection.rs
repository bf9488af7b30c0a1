//! Selections equal a sort to the bit: every ordering of up to seven values, every size up to 64.

use coherence_core::aggregate::{Mean, Median, Trimmed, Winsorized};
use coherence_tests::naive::aggregate as naive;
use proptest::prelude::*;

use crate::support::value;

/// Equal to the bit, where any NaN is as good as another.
#[track_caller]
fn check_bits(found: f64, expected: f64, values: &[f64]) {
    let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
    assert!(same, "{found:?} is not {expected:?} for {values:?}");
}

/// The median, and the winsorised and the trimmed mean of every count, against the sort.
fn check(values: &[f64]) {
    let sorted = naive::sorted(values);
    check_bits(value(&Median, &values), naive::median(values), values);
    for count in 1..=values.len() / 2 {
        let inner = count.min((values.len() - 1) / 2);
        // The naive mean may round out of the values kept; ours may not.
        let within = |mean: f64| mean.clamp(sorted[inner], sorted[values.len() - 1 - inner]);
        let found = value(&Winsorized { clip: count }, &values);
        check_bits(found, within(naive::winsorized(values, count)), values);
        if 2 * count < values.len() {
            let found = value(&Trimmed { trim: count }, &values);
            check_bits(found, within(naive::trimmed(values, count)), values);
        }
    }
}

/// Every sequence of `n` letters.
fn check_words(alphabet: &[f64], n: usize) {
    let mut word = vec![alphabet[0]; n];
    for code in 0..alphabet.len().pow(n as u32) {
        let mut rest = code;
        for letter in &mut word {
            *letter = alphabet[rest % alphabet.len()];
            rest /= alphabet.len();
        }
        check(&word);
    }
}

#[test]
fn a18_selections_equal_a_sort_for_every_ordering_of_seven_with_ties() {
    for n in 1..=7u8 {
        let alphabet: Vec<f64> = (0..n).map(|i| f64::from(i) * 0.3 - 0.7).collect();
        check_words(&alphabet, n.into());
    }
}

#[test]
fn a18_selections_equal_a_sort_for_zeros_subnormals_and_infinities() {
    let alphabet = [f64::NEG_INFINITY, -5e-324, -0.0, 0.0, 5e-324, 1e300, f64::INFINITY];
    for n in 1..=6 {
        check_words(&alphabet, n);
    }
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn a18_clipping_or_trimming_none_is_the_mean_to_the_bit(values in prop::collection::vec(-9.0..9.0f64, 1..65)) {
        let mean = value(&Mean, &values);
        check_bits(value(&Winsorized { clip: 0 }, &values), mean, &values);
        check_bits(value(&Trimmed { trim: 0 }, &values), mean, &values);
    }

    #[test]
    fn a18_selections_equal_a_sort_for_all_sizes_up_to_64(values in coherence_tests::strategies::values(64)) {
        check(&values);
    }
}

#[test]
fn selections_equal_a_sort_at_each_size_up_to_64() {
    for n in 1..=64u64 {
        // A permutation of 0..p for a prime p > n, then ties by halving.
        let values: Vec<f64> = (1..=n).map(|i| ((i * i * 31 % 67) / 2) as f64 / 7.0).collect();
        check(&values);
    }
}

#[test]
fn thresholds_of_single_precision_are_values_themselves() {
    let values = [0.1f32, -0.0, 0.0, 1e-45, -3.0, 0.1, 7.5];
    for bits in values.map(f32::to_bits) {
        let copies = [f32::from_bits(bits); 3];
        assert_eq!(value(&Median, &copies).to_bits(), bits);
    }
}
