//! A17: shares of the decrease, and null worlds.

use coherence_core::{
    finite::{NonFinite, Policy},
    similarity::{Decrease, permute},
};
use coherence_tests::{
    cases, close, naive,
    strategies::{non_finite, sample},
};
use proptest::prelude::*;

/// S_p and S_c for the given designations.
fn group_sums(rows: &[Vec<f64>], corrupt: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let group = |wanted: bool| -> Vec<f64> {
        let mut members: Vec<Vec<f64>> = vec![vec![0.0; rows[0].len()]];
        members.extend(
            rows.iter().zip(corrupt).filter(|(_, c)| **c == wanted).map(|(g, _)| g.clone()),
        );
        naive::sum(&members)
    };
    (group(false), group(true))
}

fn decrease(rows: &[Vec<f64>], corrupt: &[bool]) -> Decrease {
    let (pristine, corrupt) = group_sums(rows, corrupt);
    finite(&pristine, &corrupt)
}

fn finite(pristine_sum: &[f64], corrupt_sum: &[f64]) -> Decrease {
    Decrease::from_sums(pristine_sum, corrupt_sum, Policy::Error).unwrap()
}

/// Small integers, some of them replaced by what is not finite.
fn poisoned() -> impl Strategy<Value = [f64; 6]> {
    let value = prop_oneof![5 => (-5i32..5).prop_map(f64::from), 1 => non_finite()];
    prop::collection::vec(value, 6).prop_map(|v| v.try_into().unwrap())
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a17_decreases_are_products_with_the_whole(rows in sample(9, 5), corrupt in prop::collection::vec(any::<bool>(), 9)) {
        let (pristine_sum, corrupt_sum) = group_sums(&rows, &corrupt);
        let whole = naive::sum(&rows);
        let step = decrease(&rows, &corrupt);
        let scale = 1e-11 * naive::sum_sq_norms(&rows).max(1.0);
        prop_assert!((step.pristine - naive::dot(&pristine_sum, &whole)).abs() <= scale);
        prop_assert!((step.corrupt - naive::dot(&corrupt_sum, &whole)).abs() <= scale);
        prop_assert!((step.pristine + step.corrupt - naive::sq_norm(&whole)).abs() <= scale);
    }

    #[test]
    fn a17_shares_sum_to_one(rows in sample(9, 5), corrupt in prop::collection::vec(any::<bool>(), 9)) {
        let sq_norm = naive::sq_norm(&naive::sum(&rows));
        prop_assume!(sq_norm > 1e-6 * naive::sum_sq_norms(&rows));
        let (p, c) = decrease(&rows, &corrupt).shares();
        close(p + c, 1.0, 1e-9 * p.abs().max(1.0));
        let (pristine_sum, _) = group_sums(&rows, &corrupt);
        close(p, naive::dot(&pristine_sum, &naive::sum(&rows)) / sq_norm, 1e-7);
    }

    #[test]
    fn a17_exchanging_the_groups_mirrors_the_shares(a in prop::array::uniform3(-5.0..5.0f64), b in prop::array::uniform3(-5.0..5.0f64)) {
        let (there, back) = (finite(&a, &b), finite(&b, &a));
        prop_assert_eq!((there.pristine, there.corrupt), (back.corrupt, back.pristine));
    }

    #[test]
    fn a17_decreases_add_over_steps_and_blocks(a in prop::array::uniform6(-5i32..5), b in prop::array::uniform6(-5i32..5), cut in 0..=6usize) {
        let (a, b) = (a.map(f64::from), b.map(f64::from));
        let mut blocks = finite(&a[..cut], &b[..cut]);
        blocks += finite(&a[cut..], &b[cut..]);
        prop_assert_eq!(blocks, finite(&a, &b));
    }

    #[test]
    fn a17_error_names_the_first_value_of_either_sum(a in poisoned(), b in poisoned()) {
        let first = a.iter().chain(&b).position(|x| x.is_nan() || x.is_infinite());
        let refused = first.map(|index| NonFinite { index });
        prop_assert_eq!(Decrease::from_sums(&a, &b, Policy::Error).err(), refused);
    }

    /// Each coordinate contributes on its own, so what is left of the blocks adds up too.
    #[test]
    fn a17_omitting_leaves_out_coordinates(a in poisoned(), b in poisoned(), cut in 0..=6usize) {
        let kept: Vec<usize> = (0..6).filter(|&j| a[j].is_finite() && b[j].is_finite()).collect();
        let of_kept = |v: &[f64; 6]| -> Vec<f64> { kept.iter().map(|&j| v[j]).collect() };
        let omitting = Decrease::from_sums(&a, &b, Policy::Omit).unwrap();
        prop_assert_eq!(omitting, finite(&of_kept(&a), &of_kept(&b)));
        let mut blocks = Decrease::from_sums(&a[..cut], &b[..cut], Policy::Omit).unwrap();
        blocks += Decrease::from_sums(&a[cut..], &b[cut..], Policy::Omit).unwrap();
        prop_assert_eq!(blocks, omitting);
    }

    #[test]
    fn a17_contributions_are_means_per_example(pristine in -5.0..5.0f64, corrupt in -5.0..5.0f64, p in 1..100u64, c in 1..100u64) {
        let (i_p, i_c) = Decrease { pristine, corrupt }.per_example(p, c);
        close(i_p * p as f64, pristine, 1e-14);
        close(i_c * c as f64, corrupt, 1e-14);
    }

    #[test]
    fn a17_null_worlds_keep_the_numbers(corrupt in prop::collection::vec(any::<bool>(), 0..20), lots in prop::collection::vec(any::<prop::sample::Index>(), 20)) {
        let mut null = corrupt.clone();
        let mut lots = lots.iter();
        permute(&mut null, |n| lots.next().unwrap().index(n));
        let count = |d: &[bool]| d.iter().filter(|c| **c).count();
        prop_assert_eq!((null.len(), count(&null)), (corrupt.len(), count(&corrupt)));
    }
}

/// Each of the n! sequences of lots gives another order, so uniform lots give uniform orders.
#[test]
fn a17_null_worlds_are_uniform() {
    for m in 0..=5usize {
        let mut orders = std::collections::BTreeSet::new();
        let sequences: usize = (1..=m).product();
        for sequence in 0..sequences {
            let mut rest = sequence;
            let mut asked = Vec::new();
            let mut order: Vec<usize> = (0..m).collect();
            permute(&mut order, |n| {
                asked.push(n);
                let lot = rest % n;
                rest /= n;
                lot
            });
            assert_eq!(asked, (2..=m).rev().collect::<Vec<_>>());
            orders.insert(order);
        }
        assert_eq!(orders.len(), sequences);
    }
}

#[test]
fn a17_edges_are_defined() {
    assert!(finite(&[1.0], &[-1.0]).shares().0.is_nan());
    assert!(Decrease::default().shares().1.is_nan());
    assert_eq!(Decrease { pristine: 3.0, corrupt: -1.0 }.shares(), (1.5, -0.5));
    let step = Decrease { pristine: 3.0, corrupt: 1.0 };
    assert_eq!(step.per_example(2, 1), (1.5, 1.0));
    assert!(step.per_example(2, 0).1.is_nan() && step.per_example(0, 2).0.is_nan());
}

#[test]
fn a17_propagate_carries_nan_to_both_groups() {
    let step = Decrease::from_sums(&[f64::NAN, 1.0], &[1.0, 1.0], Policy::Propagate).unwrap();
    assert!(step.pristine.is_nan() && step.corrupt.is_nan());
    let infinite = Decrease::from_sums(&[f64::INFINITY], &[1.0], Policy::Propagate).unwrap();
    assert_eq!(infinite, Decrease { pristine: f64::INFINITY, corrupt: f64::INFINITY });
}

#[test]
#[should_panic(expected = "below(3) returned 3")]
fn a17_a_lot_out_of_range_is_a_bug() {
    permute(&mut [1, 2, 3], |n| n);
}

#[test]
#[should_panic(expected = "differ in length")]
fn a17_sums_of_different_lengths_are_a_bug() {
    finite(&[1.0], &[1.0, 2.0]);
}
