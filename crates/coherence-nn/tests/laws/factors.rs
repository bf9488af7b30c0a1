//! Factors against the loop over batches of one example.

use crate::common::Case;
use coherence_core::{Coherence, aggregate::Winsorized};
use coherence_cpu::product::Output;
use coherence_nn::{Element, Factors};
use coherence_tests::{cases, naive};
use proptest::prelude::*;

/// The papers' network with fewer neurons.
const WIDTHS: [usize; 5] = [30, 24, 17, 16, 10];

/// ‖S‖² and Q, computed from factors.
fn coherence<T: Element>(case: &Case<T>) -> Coherence {
    let mut norms = vec![0.0; case.m];
    case.factors(|factors| factors.sq_norms(&mut norms));
    let sq_norm_of_sum = case.gradient().iter().map(|g| g.widen().powi(2)).sum();
    Coherence { m: case.m as u64, sq_norm_of_sum, sum_sq_norms: norms.iter().sum() }
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(f64::MIN_POSITIVE)
}

#[test]
fn alpha_from_factors_is_alpha_from_the_loop() {
    for m in [1, 2, 3, 7, 100] {
        let case = Case::<f32>::new(&WIDTHS, m, m as u64).with_biases(1);
        let expected = naive::alpha(&case.per_example());
        let found = coherence(&case).alpha();
        assert!(relative(found, expected) < 1e-6, "m = {m}: {found} {expected}");
    }
}

#[test]
fn alpha_from_factors_is_alpha_from_the_loop_in_f64() {
    for m in [1, 2, 3, 5, 8, 100] {
        let case = Case::<f64>::new(&WIDTHS, m, m as u64).with_biases(2);
        let expected = naive::alpha(&case.per_example());
        let found = coherence(&case).alpha();
        assert!(relative(found, expected) < 1e-12, "m = {m}: {found} {expected}");
    }
}

#[test]
fn winsorized_gradient_is_sort_and_clip_of_the_loop() {
    let case = Case::<f32>::new(&WIDTHS, 100, 3).with_biases(3);
    let rows = case.per_example();
    let largest = rows.iter().flatten().fold(0.0, |max: f64, g| max.max(g.abs()));
    for clip in [0, 1, 2, 8, 49, 50] {
        let mut found = vec![0.0; rows[0].len()];
        case.factors(|factors| {
            factors.robust_mean(Winsorized { clip }, &mut found[factors.range.clone()]);
        });
        for (j, &found) in found.iter().enumerate() {
            let column: Vec<f64> = rows.iter().map(|g| g[j]).collect();
            let expected = naive::aggregate::winsorized(&column, clip);
            let error = (f64::from(found) - expected).abs();
            assert!(error < 1e-6 * largest, "c = {clip}, coordinate {j}: {found} {expected}");
        }
    }
}

/// Compares every result of a [`Factors`] with its materialised gradients.
#[track_caller]
fn answers_agree(factors: &Factors<f64>) {
    let (m, len) = (factors.m, factors.range.len());
    let mut rows = vec![vec![0.0; len]; m];
    rows.iter_mut().enumerate().for_each(|(e, row)| factors.per_example(e, row));
    let v: Vec<f64> = (0..len).map(|j| (j as f64 * 0.7).sin()).collect();

    let (mut norms, mut sum, mut dots) = (vec![0.0; m], vec![9.0; len], vec![0.0; m]);
    factors.sq_norms(&mut norms);
    factors.sum(Output::Overwrite, &mut sum);
    factors.dots(&v, &mut vec![9.0], &mut dots);
    for (e, row) in rows.iter().enumerate() {
        assert!((norms[e] - naive::sq_norm(row)).abs() < 1e-12 * (1.0 + norms[e]));
        assert!((dots[e] - naive::dot(row, &v)).abs() < 1e-11);
    }
    let expected = if m == 0 { vec![0.0; len] } else { naive::sum(&rows) };
    for (found, expected) in sum.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12);
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn norms_sums_and_dots_are_those_of_the_materialised_gradients(
        inputs in 1usize..7, hidden in 1usize..20, classes in 1usize..4, seed: u64,
        m in prop::sample::select(vec![0usize, 1, 2, 3, 5, 8]),
    ) {
        let case = Case::<f64>::new(&[inputs, hidden, classes], m, seed).with_biases(seed);
        case.factors(answers_agree);
    }

    #[test]
    fn materialised_gradients_equal_the_loops(
        m in prop::sample::select(vec![1usize, 2, 3, 5, 8]), seed: u64,
    ) {
        let case = Case::<f64>::new(&[5, 4, 3], m, seed).with_biases(seed);
        for (e, expected) in case.per_example().iter().enumerate() {
            let mut found = vec![0.0; expected.len()];
            case.factors(|factors| factors.per_example(e, &mut found[factors.range.clone()]));
            for (found, expected) in found.iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-14);
            }
        }
    }
}

#[test]
fn gradient_of_a_batch_is_the_sum_of_its_examples() {
    for m in [0, 1, 2, 3, 5, 8] {
        let case = Case::<f64>::new(&WIDTHS, m, 4).with_biases(4);
        let gradient = case.gradient();
        let rows = case.per_example();
        for (j, found) in gradient.iter().enumerate() {
            let expected: f64 = rows.iter().map(|g| g[j]).sum();
            assert!((found - expected).abs() < 1e-13, "m = {m}");
        }
    }
}
