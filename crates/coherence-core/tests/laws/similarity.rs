//! A16: the peers' measures.

use coherence_core::similarity::{
    confusion_bound, cosine, cosine_stiffness, minimum_cosine, pairwise_distance, sign_stiffness,
};
use coherence_tests::{
    cases, close, naive,
    strategies::{extreme_sample, sample},
};
use proptest::prelude::*;

fn close_options(actual: Option<f64>, expected: Option<f64>, tolerance: f64) {
    match (actual, expected) {
        (None, None) => {}
        (Some(a), Some(e)) => close(a, e, tolerance),
        other => panic!("{other:?}"),
    }
}

/// Integers: the sign of a product is exact.
fn integers() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec((-4i32..=4).prop_map(f64::from), 3), 1..9)
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a16_sign_stiffness_equals_the_naive_one(rows in integers()) {
        close_options(sign_stiffness(&rows), naive::sign_stiffness(&rows), 1e-15);
    }

    #[test]
    fn a16_cosine_stiffness_equals_the_naive_one(rows in sample(9, 5)) {
        close_options(cosine_stiffness(&rows), naive::cosine_stiffness(&rows), 1e-13);
    }

    #[test]
    fn a16_minimum_cosine_equals_the_naive_one(rows in sample(9, 5)) {
        close_options(minimum_cosine(&rows), naive::minimum_cosine(&rows), 1e-13);
    }

    #[test]
    fn a16_confusion_is_the_least_bound(rows in sample(9, 5)) {
        let zeta = confusion_bound(&rows);
        close_options(zeta, naive::minimum_dot(&rows).map(|least| (-least).max(0.0)), 1e-12);
        prop_assert!(zeta.is_none_or(|zeta| zeta >= 0.0));
    }

    #[test]
    fn a16_pairwise_distance_equals_the_naive_one(rows in sample(9, 5)) {
        close_options(pairwise_distance(&rows), Some(naive::pairwise_distance(&rows)), 1e-12);
    }

    #[test]
    fn a16_cosines_are_scale_free_in_any_range((rows, e) in extreme_sample(6, 5)) {
        let scaled: Vec<Vec<f64>> = rows.iter().map(|g| g.iter().map(|x| x * 2f64.powi(e)).collect()).collect();
        close_options(cosine_stiffness(&scaled), naive::cosine_stiffness(&rows), 1e-12);
        close_options(minimum_cosine(&scaled), naive::minimum_cosine(&rows), 1e-12);
    }

    #[test]
    fn a16_signs_survive_any_range(rows in integers(), e in prop_oneof![Just(-1060), -1000..1000i32]) {
        let scale = |x: &f64| if e < -1000 { x * 2f64.powi(-1000) * 2f64.powi(e + 1000) } else { x * 2f64.powi(e) };
        let scaled: Vec<Vec<f64>> = rows.iter().map(|g| g.iter().map(scale).collect()).collect();
        close_options(sign_stiffness(&scaled), naive::sign_stiffness(&rows), 1e-15);
    }

    #[test]
    fn a16_cosine_is_symmetric_and_bounded(a in prop::array::uniform4(-5.0..5.0f64), k in prop_oneof![-9.0..-0.1, 0.1..9.0f64], b in prop::array::uniform4(-5.0..5.0f64)) {
        prop_assert_eq!(cosine(&a, &b), cosine(&b, &a));
        prop_assert!((-1.0..=1.0).contains(&cosine(&a, &b)));
        let parallel = a.map(|x| k * x);
        prop_assert!((-1.0..=1.0).contains(&cosine(&a, &parallel)));
        close(cosine(&a, &parallel), f64::signum(k), 1e-14);
    }

    /// For gradients of one length, cosine stiffness and α tell the same story.
    #[test]
    fn a16_cosine_stiffness_of_unit_gradients_is_the_unbiased_alpha(angles in prop::collection::vec(0.0..std::f64::consts::TAU, 2..9)) {
        let rows: Vec<Vec<f64>> = angles.iter().map(|t| vec![t.cos(), t.sin()]).collect();
        let unbiased = super::coherence(&rows).alpha_unbiased();
        close_options(cosine_stiffness(&rows), unbiased, 1e-12);
    }

    #[test]
    fn a16_any_container_of_floats_will_do(rows in integers()) {
        let arrays: Vec<[f32; 3]> = rows.iter().map(|g| [g[0] as f32, g[1] as f32, g[2] as f32]).collect();
        let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(sign_stiffness(&arrays), sign_stiffness(&slices));
        prop_assert_eq!(confusion_bound(&arrays), confusion_bound(&slices));
        prop_assert_eq!(pairwise_distance(&arrays), pairwise_distance(&slices));
    }
}

#[test]
fn a16_one_example_has_no_pairs() {
    let one = [[1.0, 2.0]];
    assert_eq!(sign_stiffness(&one), None);
    assert_eq!((cosine_stiffness(&one), minimum_cosine(&one)), (None, None));
    assert_eq!(confusion_bound(&one), None);
    assert_eq!(pairwise_distance(&one), Some(0.0));
    let none: [[f64; 2]; 0] = [];
    assert_eq!((sign_stiffness(&none), pairwise_distance(&none)), (None, None));
}

#[test]
fn a16_zero_gradients_have_cosine_zero() {
    assert_eq!(cosine(&[0.0, -0.0], &[1.0, 2.0]), 0.0);
    assert_eq!(cosine_stiffness(&[[0.0], [1.0]]), Some(0.0));
    assert_eq!(sign_stiffness(&[[0.0], [1.0]]), Some(0.0));
}

#[test]
fn a16_extremes_of_f64_have_cosines() {
    let (max, least) = (f64::MAX, f64::from_bits(1));
    close(cosine(&[max, max], &[least, 0.0]), 0.5f64.sqrt(), 1e-15);
    close(cosine(&[least, -least], &[max, max]), 0.0, 1e-15);
    close(pairwise_distance(&[[1.5e308, 0.0], [0.0, 0.0]]).unwrap() / 7.5e307, 1.0, 1e-14);
}

/// A NaN anywhere in the sample is seen, in whatever order the pairs come.
#[test]
fn a16_nan_is_not_hidden() {
    for position in 0..3 {
        let mut rows = [[1.0], [2.0], [-3.0]];
        rows[position][0] = f64::NAN;
        assert!(sign_stiffness(&rows).unwrap().is_nan());
        assert!(cosine_stiffness(&rows).unwrap().is_nan());
        assert!(minimum_cosine(&rows).unwrap().is_nan());
        assert!(confusion_bound(&rows).unwrap().is_nan());
        assert!(pairwise_distance(&rows).unwrap().is_nan());
    }
    assert!(cosine(&[f64::INFINITY, 1.0], &[1.0, 1.0]).is_nan());
}
