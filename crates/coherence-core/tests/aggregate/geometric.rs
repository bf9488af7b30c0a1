//! The geometric median: certificate, vertices, closed forms, equivariance.

use coherence_core::aggregate::*;
use coherence_core::finite::Policy;
use coherence_tests::naive::{self, aggregate::sum_of_distances};
use proptest::prelude::*;

use crate::support::{aggregate, assert_close, of, with_rows};

fn solve(rule: GeometricMedian, rows: &[Vec<f64>]) -> (Vec<f64>, Certificate) {
    with_rows(rows, |view| {
        let needed = rule.scratch_len(view.len(), view.dim());
        let mut values = vec![f64::NAN; needed.values];
        let scratch = Scratch { values: &mut values, indices: &mut [] };
        let mut out = vec![0.0; view.dim()];
        let certificate = rule.solve(view, scratch, &mut out).expect("it converges");
        (out, certificate)
    })
}

/// Vectors of ordinary size; small integers among them give ties, lines and vertices.
fn sample() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let value = prop_oneof![-10.0..10.0f64, (-2i8..=2).prop_map(f64::from)];
    (1..12usize, 1..4usize).prop_flat_map(move |(n, d)| {
        prop::collection::vec(prop::collection::vec(value.clone(), d), n)
    })
}

/// Slack for the rounding of a sum of n distances.
const ROUNDING: f64 = 1e-12;

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn a19_geometric_median_is_certified(rows in sample()) {
        let rule = GeometricMedian { tolerance: 1e-8, max_iterations: 300 };
        let (y, proof) = solve(rule, &rows);
        let f = sum_of_distances(&rows, &y);
        prop_assert!((proof.sum_of_distances - f).abs() <= ROUNDING * (1.0 + f));
        prop_assert!(proof.lower_bound <= proof.sum_of_distances);
        prop_assert!(f - proof.lower_bound <= 2e-8 * f + ROUNDING, "{proof:?}");
        prop_assert!(proof.residual <= 1e-8);
    }

    #[test]
    fn a19_no_point_is_below_the_certificate(rows in sample(), at in prop::collection::vec(-12.0..12.0f64, 3)) {
        // A loose tolerance, so that the bound is not the minimum itself.
        let (y, proof) = solve(GeometricMedian { tolerance: 0.05, max_iterations: 1000 }, &rows);
        let mut others = rows.clone();
        others.push(at[..y.len()].to_vec());
        others.push(naive::mean(&rows));
        others.push(solve(GeometricMedian { tolerance: 1e-9, max_iterations: 300 }, &rows).0);
        for z in others {
            prop_assert!(proof.lower_bound <= sum_of_distances(&rows, &z) + ROUNDING * (1.0 + proof.lower_bound));
        }
        let f = proof.sum_of_distances;
        prop_assert!(f - proof.lower_bound <= 0.1 * f + ROUNDING);
    }

    #[test]
    fn a19_residual_and_lower_bound_are_those_of_their_definitions(rows in sample(), tolerance in 0.01..0.6f64) {
        let (y, proof) = solve(GeometricMedian { tolerance, max_iterations: 1000 }, &rows);
        let n = rows.len() as f64;
        // The unit vectors u_i towards the vectors elsewhere, and these vectors seen from y.
        let seen: Vec<Vec<f64>> = rows.iter().filter(|x| **x != y)
            .map(|x| x.iter().zip(&y).map(|(x, y)| x - y).collect()).collect();
        let norm = |v: &[f64]| naive::sq_norm(v).sqrt();
        let unit = |v: &Vec<f64>| v.iter().map(|x| x / norm(v)).collect::<Vec<f64>>();
        let pull = (0..y.len()).map(|j| seen.iter().map(|v| unit(v)[j]).sum()).collect::<Vec<f64>>();
        let residual = (norm(&pull) - (n - seen.len() as f64)).max(0.0) / n;
        prop_assert!((proof.residual - residual).abs() <= ROUNDING);
        prop_assert!(residual <= tolerance + ROUNDING);
        // L = Σ ⟨v_i, x_i − y⟩ for the dual point v_i = (u_i − r/n)/(1 + ρ), ‖r‖ = nρ.
        let share = if residual > 0.0 { residual / norm(&pull) } else { 0.0 };
        let dual: f64 = seen.iter().map(|v| {
            let v_i = unit(v).iter().zip(&pull).map(|(u, r)| (u - share * r) / (1.0 + residual)).collect::<Vec<f64>>();
            naive::dot(&v_i, v)
        }).sum();
        prop_assert!((proof.lower_bound - dual.min(proof.sum_of_distances)).abs() <= 10.0 * ROUNDING * (1.0 + dual.abs()));
    }

    #[test]
    fn a19_geometric_median_on_a_line_is_the_median(values in prop::collection::vec(-9.0..9.0f64, 0..10)) {
        let mut odd = values.clone();
        odd.extend(values.iter().map(|x| x / 2.0));
        odd.push(0.5);
        let rows: Vec<Vec<f64>> = odd.iter().map(|&x| vec![x]).collect();
        prop_assert_eq!(solve(GeometricMedian::default(), &rows).0, [naive::aggregate::median(&odd)]);
    }

    #[test]
    fn a19_geometric_median_is_translation_and_scale_equivariant(rows in sample(), exponent in -30..30i32) {
        let rule = GeometricMedian { tolerance: 1e-9, max_iterations: 300 };
        let (y, scale) = (solve(rule, &rows).0, 2.0f64.powi(exponent));
        let map = |x: &[f64]| x.iter().map(|x| (x - 3.0) * scale).collect::<Vec<f64>>();
        let (z, proof) = solve(rule, &rows.iter().map(|x| map(x)).collect::<Vec<_>>());
        // Where the minimum is flat (vectors on a line) points may differ, sums of distances may not.
        let f = sum_of_distances(&rows, &y);
        prop_assert!((proof.sum_of_distances / scale - f).abs() <= 3e-9 * f + ROUNDING);
        prop_assert_eq!(z.len(), y.len());
    }

    #[test]
    fn a19_median_of_means_geometric_is_the_geometric_median_of_the_means(rows in sample(), groups in 1..12usize) {
        let groups = groups.min(rows.len());
        let means: Vec<Vec<f64>> =
            naive::aggregate::groups(&rows, groups).iter().map(|group| naive::mean(group)).collect();
        let rule = GeometricMedian { tolerance: 1e-8, max_iterations: 300 };
        let found = of(&GeometricMedianOfMeans { groups, median: rule }, &rows);
        let least = solve(rule, &means).1.lower_bound;
        let f = sum_of_distances(&means, &found);
        prop_assert!(f <= least * (1.0 + 4e-8) + ROUNDING, "{f} > {least}");
    }
}

#[test]
fn a19_fermat_point_of_a_triangle_sees_its_sides_at_120_degrees() {
    // Isosceles: (±1, 0) and (0, 3); the Fermat point is (0, 1/√3).
    let rows = [vec![-1.0, 0.0], vec![1.0, 0.0], vec![0.0, 3.0]];
    let (y, proof) = solve(GeometricMedian::default(), &rows);
    assert_close(&y, &[0.0, 1.0 / 3.0f64.sqrt()], 1e-9);
    assert!((proof.sum_of_distances - (3.0 + 3.0f64.sqrt())).abs() < 1e-12);
    assert!(proof.iterations > 1);
}

#[test]
fn a19_obtuse_triangle_has_its_median_at_the_vertex_bit_for_bit() {
    // The angle at (0.1, 0.3) is above 120°, and the coordinate-wise median is not a vertex.
    let rows = [vec![-5.0, 0.7], vec![0.1, 0.3], vec![4.0, -0.9]];
    let rows = [rows[0].clone(), rows[1].clone(), vec![4.0, 0.9]];
    let (y, proof) = solve(GeometricMedian::default(), &rows);
    assert_eq!(y, rows[1]);
    assert_eq!(proof.residual, 0.0);
    assert_eq!(proof.lower_bound, proof.sum_of_distances);
}

#[test]
fn a19_iteration_leaves_a_vertex_that_is_not_the_median() {
    // The coordinate-wise median (0, 0) is a vector, but the others pull it away.
    let rows = [
        vec![0.0, 0.0],
        vec![-1.0, 5.0],
        vec![1.0, 5.0],
        vec![-3.0, 0.0],
        vec![3.0, 0.0],
        vec![0.0, -0.1],
        vec![-0.1, 5.0],
    ];
    let start: Vec<f64> = of(&Coordinatewise(Median), &rows);
    assert_eq!(start, [0.0, 0.0]);
    let (y, proof) = solve(GeometricMedian::default(), &rows);
    assert!(y[1] > 0.1, "{y:?}");
    assert!(proof.sum_of_distances < sum_of_distances(&rows, &start));
}

#[test]
fn copies_hold_the_median_by_their_number() {
    // Two copies against three others in one direction: w = 2 < 3; three against three: held.
    let far = [vec![9.0, 0.0], vec![9.0, 1.0], vec![9.0, -1.0]];
    let at = |copies: usize| {
        let mut rows = vec![vec![0.0, 0.0]; copies];
        rows.extend(far.clone());
        solve(GeometricMedian::default(), &rows).0
    };
    assert_eq!(at(3), [0.0, 0.0]);
    assert!(at(2)[0] > 1.0);
}

#[test]
fn an_iteration_cut_short_is_an_error_with_its_residual() {
    let data = [-1.0, 0.0, 1.0, 0.0, 0.0, 3.0];
    let rule = GeometricMedian { tolerance: 1e-12, max_iterations: 2 };
    let error = aggregate(&rule, Rows::matrix(&data, 2).unwrap()).unwrap_err();
    let AggregateError::NotConverged { iterations: 2, residual, tolerance: 1e-12, .. } = error
    else {
        panic!("{error}");
    };
    assert!(residual > 1e-12 && residual < 1.0);
}

#[test]
fn a_limit_just_reached_is_enough_and_one_step_less_is_not() {
    let rows = [vec![-1.0, 0.0], vec![1.0, 0.0], vec![0.0, 3.0]];
    let (y, proof) = solve(GeometricMedian::default(), &rows);
    let limited = GeometricMedian { max_iterations: proof.iterations, ..Default::default() };
    assert_eq!(solve(limited, &rows), (y, proof));
    let short = GeometricMedian { max_iterations: proof.iterations - 1, ..Default::default() };
    let error = with_rows(&rows, |view| aggregate(&short, view)).unwrap_err();
    assert!(matches!(error, AggregateError::NotConverged { .. }));
}

#[test]
fn an_iterate_that_no_longer_moves_is_the_result_with_the_residual_it_came_to() {
    let rows = [vec![-1.0, 0.0], vec![1.0, 0.5], vec![0.25, 3.0]];
    let (_, proof) = solve(GeometricMedian { tolerance: 1e-300, max_iterations: 1000 }, &rows);
    assert!(
        proof.residual > 1e-300 && proof.residual < 1e-15 && proof.iterations < 100,
        "{proof:?}"
    );
}

#[test]
fn single_precision_is_rounded_once() {
    let single = [-1.0f32, 0.0, 1.0, 0.0, 0.0, 3.0];
    let mut out = [0.0f32; 2];
    let rule = GeometricMedian::default();
    let scratch = Scratch { values: &mut [0.0; 32], indices: &mut [0; 3] };
    rule.aggregate(Rows::matrix(&single, 2).unwrap(), Policy::Error, scratch, &mut out).unwrap();
    assert_eq!(out[1], (1.0 / 3.0f64.sqrt()) as f32);
}
