//! A16: the peers' measures.

use coherence_core::finite::{NonFinite, Policy};
use coherence_tests::{
    cases, close, naive,
    strategies::{extreme_sample, non_finite, sample},
};
use proptest::prelude::*;

use crate::defined::{
    Defined, confusion_bound, cosine, cosine_stiffness, minimum_cosine, pairwise_distance,
    sign_stiffness,
};

fn close_options(actual: Option<f64>, expected: Option<f64>, tolerance: f64) {
    match (actual, expected) {
        (None, None) => {}
        (Some(a), Some(e)) => close(a, e, tolerance),
        other => panic!("{other:?}"),
    }
}

/// Of finite gradients.
fn cosine_of(a: &[f64], b: &[f64]) -> f64 {
    cosine(a, b, Policy::Error).unwrap().unwrap()
}

type Measure = fn(&[Vec<f64>], Policy) -> Result<Option<f64>, NonFinite>;

/// Every measure over pairs.
const MEASURES: [Measure; 5] =
    [sign_stiffness, cosine_stiffness, minimum_cosine, confusion_bound, pairwise_distance];

/// A sample with up to three values that are not finite.
fn poisoned() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), non_finite()), 0..4);
    (sample(7, 4), places).prop_map(|(mut rows, places)| {
        for (place, bad) in places {
            let d = rows[0].len();
            let at = place.index(rows.len() * d);
            rows[at / d][at % d] = bad;
        }
        rows
    })
}

/// Equal, NaN to itself.
fn same(a: Result<Option<f64>, NonFinite>, b: Result<Option<f64>, NonFinite>) -> bool {
    a.map(|x| x.map(f64::to_bits)) == b.map(|x| x.map(f64::to_bits))
}

/// Integers: the sign of a product is exact.
fn integers() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec((-4i32..=4).prop_map(f64::from), 3), 1..9)
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a16_sign_stiffness_equals_the_naive_one(rows in integers()) {
        close_options(sign_stiffness(&rows, Policy::Error).unwrap(), naive::sign_stiffness(&rows), 1e-15);
    }

    #[test]
    fn a16_cosine_stiffness_equals_the_naive_one(rows in sample(9, 5)) {
        close_options(cosine_stiffness(&rows, Policy::Error).unwrap(), naive::cosine_stiffness(&rows), 1e-13);
    }

    #[test]
    fn a16_minimum_cosine_equals_the_naive_one(rows in sample(9, 5)) {
        close_options(minimum_cosine(&rows, Policy::Error).unwrap(), naive::minimum_cosine(&rows), 1e-13);
    }

    #[test]
    fn a16_confusion_is_the_least_bound(rows in sample(9, 5)) {
        let zeta = confusion_bound(&rows, Policy::Error).unwrap();
        close_options(zeta, naive::minimum_dot(&rows).map(|least| (-least).max(0.0)), 1e-12);
        prop_assert!(zeta.is_none_or(|zeta| zeta >= 0.0));
    }

    #[test]
    fn a16_pairwise_distance_equals_the_naive_one(rows in sample(9, 5)) {
        close_options(pairwise_distance(&rows, Policy::Error).unwrap(), Some(naive::pairwise_distance(&rows)), 1e-12);
    }

    #[test]
    fn a16_cosines_are_scale_free_in_any_range((rows, e) in extreme_sample(6, 5)) {
        let scaled: Vec<Vec<f64>> = rows.iter().map(|g| g.iter().map(|x| x * 2f64.powi(e)).collect()).collect();
        close_options(cosine_stiffness(&scaled, Policy::Error).unwrap(), naive::cosine_stiffness(&rows), 1e-12);
        close_options(minimum_cosine(&scaled, Policy::Error).unwrap(), naive::minimum_cosine(&rows), 1e-12);
    }

    #[test]
    fn a16_signs_survive_any_range(rows in integers(), e in prop_oneof![Just(-1060), -1000..1000i32]) {
        let scale = |x: &f64| if e < -1000 { x * 2f64.powi(-1000) * 2f64.powi(e + 1000) } else { x * 2f64.powi(e) };
        let scaled: Vec<Vec<f64>> = rows.iter().map(|g| g.iter().map(scale).collect()).collect();
        close_options(sign_stiffness(&scaled, Policy::Error).unwrap(), naive::sign_stiffness(&rows), 1e-15);
    }

    #[test]
    fn a16_cosine_is_symmetric_and_bounded(a in prop::array::uniform4(-5.0..5.0f64), k in prop_oneof![-9.0..-0.1, 0.1..9.0f64], b in prop::array::uniform4(-5.0..5.0f64)) {
        prop_assert_eq!(cosine_of(&a, &b), cosine_of(&b, &a));
        prop_assert!((-1.0..=1.0).contains(&cosine_of(&a, &b)));
        let parallel = a.map(|x| k * x);
        prop_assert!((-1.0..=1.0).contains(&cosine_of(&a, &parallel)));
        close(cosine_of(&a, &parallel), f64::signum(k), 1e-14);
    }

    #[test]
    fn a16_error_names_the_first_value_that_is_not_finite(rows in poisoned()) {
        let first = rows.concat().iter().position(|x| x.is_nan() || x.is_infinite());
        for measure in MEASURES {
            prop_assert_eq!(measure(&rows, Policy::Error).err(), first.map(|index| NonFinite { index }));
        }
    }

    #[test]
    fn a16_omitting_an_example_is_not_having_it(rows in poisoned()) {
        let finite: Vec<Vec<f64>> =
            rows.iter().filter(|g| g.iter().all(|x| x.is_finite())).cloned().collect();
        for measure in MEASURES {
            prop_assert!(same(measure(&rows, Policy::Omit), measure(&finite, Policy::Error)));
        }
    }

    /// Where nothing is amiss no policy does anything; where something is, NaN is not hidden.
    #[test]
    fn a16_propagate_computes_with_what_is_there(rows in poisoned()) {
        let finite = rows.iter().flatten().all(|x| x.is_finite());
        let nan = rows.len() > 1 && rows.iter().flatten().any(|x| x.is_nan());
        for measure in MEASURES {
            let found = measure(&rows, Policy::Propagate);
            prop_assert!(!finite || same(found, measure(&rows, Policy::Error)));
            prop_assert!(!nan || found.unwrap().is_none());
        }
    }

    #[test]
    fn a16_cosine_is_the_stiffness_of_two(rows in poisoned()) {
        let (a, b) = (&rows[0], &rows[rows.len() - 1]);
        for policy in [Policy::Error, Policy::Propagate, Policy::Omit] {
            let of_two = cosine_stiffness(&[a.clone(), b.clone()], policy);
            prop_assert!(same(cosine(a, b, policy), of_two));
        }
    }

    /// For gradients of one length, cosine stiffness and α tell the same story.
    #[test]
    fn a16_cosine_stiffness_of_unit_gradients_is_the_unbiased_alpha(angles in prop::collection::vec(0.0..std::f64::consts::TAU, 2..9)) {
        let rows: Vec<Vec<f64>> = angles.iter().map(|t| vec![t.cos(), t.sin()]).collect();
        let unbiased = super::coherence(&rows).alpha_debiased().defined();
        close_options(cosine_stiffness(&rows, Policy::Error).unwrap(), unbiased, 1e-12);
    }

    #[test]
    fn a16_any_container_of_floats_will_do(rows in integers()) {
        let arrays: Vec<[f32; 3]> = rows.iter().map(|g| [g[0] as f32, g[1] as f32, g[2] as f32]).collect();
        let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(sign_stiffness(&arrays, Policy::Error), sign_stiffness(&slices, Policy::Error));
        prop_assert_eq!(confusion_bound(&arrays, Policy::Error), confusion_bound(&slices, Policy::Error));
        prop_assert_eq!(pairwise_distance(&arrays, Policy::Error), pairwise_distance(&slices, Policy::Error));
    }
}

#[test]
fn a16_one_example_has_no_pairs() {
    let one = [vec![1.0, 2.0]];
    assert_eq!(MEASURES.map(|f| f(&[], Policy::Error)), [Ok(None); 5]);
    let [of_pairs @ .., distance] = MEASURES.map(|f| f(&one, Policy::Error));
    assert_eq!((of_pairs, distance), ([Ok(None); 4], Ok(Some(0.0))));
}

#[test]
fn a16_zero_gradients_have_cosine_zero() {
    assert_eq!(cosine_of(&[0.0, -0.0], &[1.0, 2.0]), 0.0);
    assert_eq!(cosine_stiffness(&[[0.0], [1.0]], Policy::Error), Ok(Some(0.0)));
    assert_eq!(sign_stiffness(&[[0.0], [1.0]], Policy::Error), Ok(Some(0.0)));
}

#[test]
fn a16_extremes_of_f64_have_cosines() {
    let (max, least) = (f64::MAX, f64::from_bits(1));
    close(cosine_of(&[max, max], &[least, 0.0]), 0.5f64.sqrt(), 1e-15);
    close(cosine_of(&[least, -least], &[max, max]), 0.0, 1e-15);
    let distance = pairwise_distance(&[[1.5e308, 0.0], [0.0, 0.0]], Policy::Error);
    close(distance.unwrap().unwrap() / 7.5e307, 1.0, 1e-14);
}

/// A NaN anywhere in the sample is seen, in whatever order the pairs come.
#[test]
fn a16_nan_is_not_hidden() {
    for position in 0..3 {
        let mut rows = [[1.0], [2.0], [-3.0]].map(Vec::from);
        rows[position][0] = f64::NAN;
        for measure in MEASURES {
            assert!(measure(&rows, Policy::Propagate).unwrap().is_none());
        }
    }
    let infinite = cosine(&[f64::INFINITY, 1.0], &[1.0, 1.0], Policy::Propagate);
    assert!(infinite.unwrap().is_none());
}

#[test]
fn a16_each_policy_on_two_gradients() {
    let (good, bad) = ([3.0, 4.0], [1.0, f64::INFINITY]);
    assert_eq!(cosine(&good, &bad, Policy::Error), Err(NonFinite { index: 3 }));
    assert_eq!(cosine(&bad, &good, Policy::Error), Err(NonFinite { index: 1 }));
    assert_eq!(cosine(&good, &bad, Policy::Omit), Ok(None));
    assert_eq!(confusion_bound(&[good, bad], Policy::Propagate), Ok(Some(0.0)));
    assert_eq!(pairwise_distance(&[good, bad], Policy::Propagate), Ok(Some(f64::INFINITY)));
    assert_eq!(pairwise_distance(&[good, bad], Policy::Omit), Ok(Some(0.0)));
    assert_eq!(pairwise_distance(&[bad], Policy::Omit), Ok(None));
}

#[test]
#[should_panic(expected = "gradients differ in length")]
fn a16_gradients_of_different_lengths_are_a_bug() {
    let _ = cosine(&[1.0], &[1.0, 2.0], Policy::Error);
}
