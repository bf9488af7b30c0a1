//! A1 and A3 for weighted samples.

use coherence_core::{
    WeightedCoherence, WeightedError, WeightedSums,
    finite::{NonFinite, Policy},
};
use coherence_tests::{
    cases, close, naive,
    strategies::{extreme_sample, sample},
};
use proptest::prelude::*;

use super::coherence;

pub(super) fn accumulate(weights: &[f64], rows: &[Vec<f64>]) -> WeightedSums<Vec<f64>> {
    let mut sums = WeightedSums::new(vec![f64::NAN; rows[0].len()]);
    for (&w, row) in weights.iter().zip(rows) {
        sums.add(w, row).unwrap();
    }
    sums
}

pub(super) fn weights() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![4 => 0.01..3.0, 1 => Just(0.0), 1 => Just(1.0)], 12)
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a01_weighted_alpha_is_that_of_the_probabilities(rows in sample(12, 8), w in weights()) {
        let w = &w[..rows.len()];
        prop_assume!(w.iter().sum::<f64>() > 0.0);
        let c = accumulate(w, &rows).coherence();
        close(c.alpha(), naive::weighted_alpha(w, &rows), 1e-12);
        close(c.weight, w.iter().sum(), 1e-14);
        for (j, s) in accumulate(w, &rows).sum().enumerate() {
            close(s, w.iter().zip(&rows).map(|(w, g)| w * g[j]).sum(), 1e-9);
        }
        let energy: f64 = w.iter().zip(&rows).map(|(p, g)| p * naive::sq_norm(g)).sum::<f64>() / c.weight;
        close(c.energy(), energy, 1e-13);
    }

    #[test]
    fn a01_equal_weights_are_no_weights(rows in sample(12, 8), w in 0.1..10.0f64) {
        let weighted = accumulate(&vec![w; rows.len()], &rows).coherence();
        close(weighted.alpha(), coherence(&rows).alpha(), 1e-12);
        close(weighted.energy(), coherence(&rows).energy(), 1e-12);
    }

    #[test]
    fn a01_integer_weights_are_copies(rows in sample(6, 5), counts in prop::collection::vec(0..4u8, 6)) {
        let copies: Vec<Vec<f64>> = rows.iter().zip(&counts)
            .flat_map(|(g, &n)| std::iter::repeat_n(g.clone(), n.into())).collect();
        prop_assume!(!copies.is_empty());
        let w: Vec<f64> = counts.iter().map(|&n| n.into()).collect();
        close(accumulate(&w, &rows).coherence().alpha(), coherence(&copies).alpha(), 1e-12);
    }

    #[test]
    fn a02_weighted_alpha_is_between_zero_and_one(rows in sample(12, 8), w in weights()) {
        let c = accumulate(&w, &rows).coherence();
        prop_assert!((0.0..=1.0).contains(&c.alpha()) || c.m == 0 && c.alpha().is_nan());
    }

    #[test]
    fn a03_weighted_alpha_survives_squares_beyond_f64((rows, e) in extreme_sample(8, 5), w in weights()) {
        let scaled: Vec<Vec<f64>> =
            rows.iter().map(|g| g.iter().map(|x| 2f64.powi(e) * x).collect()).collect();
        let expected = accumulate(&w, &rows).coherence();
        let normalized = accumulate(&w, &scaled).normalized();
        prop_assume!(expected.m > 0);
        close(normalized.alpha(), expected.alpha(), 1e-12);
        close(normalized.effective_sample_size(), expected.effective_sample_size(), 1e-14);
    }

    /// Dyadic weights and integers: nothing rounds.
    #[test]
    fn a01_weighted_merge_equals_concatenation_at_every_split(
        rows in prop::collection::vec((0..64u8, prop::array::uniform3(-100..=100i32)), 1..9)
    ) {
        let w: Vec<f64> = rows.iter().map(|r| f64::from(r.0) / 16.0).collect();
        let g: Vec<Vec<f64>> = rows.iter().map(|r| r.1.map(f64::from).to_vec()).collect();
        let whole = accumulate(&w, &g);
        for split in 1..g.len() {
            let mut left = accumulate(&w[..split], &g[..split]);
            left.add_sums(&accumulate(&w[split..], &g[split..]));
            prop_assert!(left.sum().eq(whole.sum()));
            prop_assert_eq!(left.coherence(), whole.coherence());
        }
    }
}

#[test]
fn a01_weights_must_be_finite_and_not_negative() {
    let mut sums = WeightedSums::new([0.0]);
    for weight in [-1.0, -f64::MIN_POSITIVE, f64::INFINITY] {
        assert_eq!(sums.add(weight, &[1.0]), Err(WeightedError::Weight { weight }));
    }
    assert!(matches!(sums.add(f64::NAN, &[1.0]), Err(WeightedError::Weight { .. })));
    assert_eq!(sums.coherence(), WeightedCoherence::default());
    assert_eq!(sums.add(0.0, &[1.0]), Ok(()));
    assert_eq!(sums.add(-0.0, &[1.0]), Ok(()));
    assert_eq!(sums.add(f64::MAX, &[0.0]), Ok(()));
}

#[test]
fn a01_weighted_sums_obey_the_policy() {
    let bad = [1.0, f64::NAN];
    let mut sums = WeightedSums::new([0.0; 2]);
    let refused = WeightedError::NonFinite(NonFinite { index: 1 });
    assert_eq!(sums.add(1.0, &bad), Err(refused));
    assert_eq!(refused.to_string(), NonFinite { index: 1 }.to_string());
    let weight = WeightedError::Weight { weight: -2.0 };
    assert_eq!(weight.to_string(), "weight -2 is not a finite number of at least 0");
    assert_eq!(sums.coherence(), WeightedCoherence::default());

    let mut omitting = WeightedSums::with_policy([0.0; 2], Policy::Omit);
    omitting.add(3.0, &bad).unwrap();
    assert_eq!(omitting.coherence(), WeightedCoherence::default());
    assert_eq!((omitting.omitted(), omitting.member(&bad)), (1, Ok(None)));
    let mut merged = omitting.clone();
    merged.add_sums(&omitting);
    merged.add_sums(&omitting);
    assert_eq!((merged.omitted(), merged.policy()), (3, Policy::Omit));

    let mut propagating = WeightedSums::with_policy([0.0; 2], Policy::Propagate);
    propagating.add(1.0, &bad).unwrap();
    assert!(propagating.coherence().alpha().is_nan() && propagating.normalized().alpha().is_nan());
}

#[test]
fn a02_weighted_degenerate_samples_are_defined() {
    let nothing = WeightedCoherence::default();
    assert!(nothing.alpha().is_nan() && nothing.energy().is_nan());
    let above = WeightedCoherence {
        weight: 1.0,
        sq_norm_of_sum: 1.1,
        sum_sq_norms: 1.0,
        ..Default::default()
    };
    assert_eq!(above.alpha(), 1.0);
}

#[test]
#[should_panic(expected = "differ in length")]
fn a01_a_weighted_gradient_of_another_length_is_a_bug() {
    let _ = WeightedSums::new([0.0; 2]).add(1.0, &[1.0]);
}

#[test]
#[should_panic(expected = "different dimensions")]
fn a01_merging_weighted_sums_of_another_length_is_a_bug() {
    WeightedSums::new([0.0; 2]).add_sums(&WeightedSums::new([0.0; 3]));
}
