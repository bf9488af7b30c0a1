//! Rules over whole vectors agree with obviously right code, and with themselves.

use coherence_core::aggregate::*;
use coherence_tests::naive;
use proptest::prelude::*;

use crate::support::{assert_close, of, with_rows};

/// n vectors [d] of continuous values: no two distances are equal.
fn generic(n: impl Strategy<Value = usize>) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (n, 1..5usize)
        .prop_flat_map(|(n, d)| prop::collection::vec(prop::collection::vec(-10.0..10.0f64, d), n))
}

/// Vectors, and a number of bad ones for which `needed(f)` vectors are enough.
fn with_f(needed: fn(usize) -> usize) -> impl Strategy<Value = (Vec<Vec<f64>>, usize)> {
    (0..4usize).prop_flat_map(move |f| (generic(needed(f)..needed(f) + 5), Just(f)))
}

/// No scratch.
fn nothing() -> Scratch<'static> {
    Scratch { values: &mut [], indices: &mut [] }
}

fn mean_of(rows: &[Vec<f64>], numbers: &[usize]) -> Vec<f64> {
    naive::mean(&numbers.iter().map(|&i| rows[i].clone()).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn krum_is_the_vector_of_least_score((rows, f) in with_f(|f| 2 * f + 3)) {
        let best = naive::aggregate::multi_krum(&rows, f, 1)[0];
        prop_assert_eq!(of(&Krum { f }, &rows), rows[best].clone());
    }

    #[test]
    fn multi_krum_is_the_mean_of_the_least_scores((rows, f) in with_f(|f| 2 * f + 3), keep in 1..9usize) {
        let keep = keep.min(rows.len() - f);
        let chosen = naive::aggregate::multi_krum(&rows, f, keep);
        assert_close(&of(&MultiKrum { f, keep }, &rows), &mean_of(&rows, &chosen), 1e-12);
    }

    #[test]
    fn bulyan_is_krum_repeated_then_the_mean_around_the_median((rows, f) in with_f(|f| 4 * f + 3)) {
        let (mut left, mut chosen) = (rows.clone(), Vec::new());
        while chosen.len() < rows.len() - 2 * f {
            let neighbors = left.len().saturating_sub(f + 2).max(1).min(left.len() - 1);
            let scores = naive::aggregate::krum_scores(&left, neighbors);
            let best = (0..left.len()).min_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
            chosen.push(left.remove(best));
        }
        let expected: Vec<f64> = (0..rows[0].len())
            .map(|j| {
                let column: Vec<f64> = chosen.iter().map(|row| row[j]).collect();
                naive::aggregate::mean_around_median(&column, 2 * f)
            })
            .collect();
        assert_close(&of(&Bulyan { f }, &rows), &expected, 1e-12);
    }

    #[test]
    fn minimum_diameter_averaging_tries_every_subset((rows, f) in with_f(|f| 2 * f + 1)) {
        // Of two subsets of one diameter ours is the first in lexicographic order, the naive one's not.
        let found = of(&MinimumDiameter { f }, &rows);
        let diameter = |subset: &[usize]| {
            subset.iter().flat_map(|&i| subset.iter().map(move |&j| (i, j)))
                .map(|(i, j)| naive::distance(&rows[i], &rows[j])).fold(0.0, f64::max)
        };
        let keep = rows.len() - f;
        let all = subsets(rows.len(), keep);
        let least = all.iter().map(|s| diameter(s)).fold(f64::INFINITY, f64::min);
        let first = all.iter().find(|s| diameter(s) == least).unwrap();
        assert_close(&found, &mean_of(&rows, first), 1e-12);
    }

    #[test]
    fn nearest_neighbor_mixing_averages_the_nearest((rows, f) in with_f(|f| f + 1)) {
        let mixing = NearestNeighborMixing { f };
        let mixed = with_rows(&rows, |view| {
            let mut out = vec![0.0; rows.len() * rows[0].len()];
            let (mut values, mut indices) = (vec![f64::NAN; rows.len()], vec![0; rows.len()]);
            let scratch = Scratch { values: &mut values, indices: &mut indices };
            mixing.mix(view, scratch, &mut out).unwrap();
            out
        });
        assert_close(&mixed, &naive::aggregate::mix_nearest(&rows, f).concat(), 1e-12);
    }

    #[test]
    fn bucketing_averages_in_the_order_given(
        (rows, order) in generic(1..12usize)
            .prop_flat_map(|rows| { let n = rows.len(); (Just(rows), Just((0..n).collect::<Vec<_>>()).prop_shuffle()) }),
        size in 1..13usize,
    ) {
        let bucketing = Bucketing::new(size, &order).unwrap();
        let expected: Vec<f64> = order.chunks(size).flat_map(|bucket| mean_of(&rows, bucket)).collect();
        let mut out = vec![0.0; expected.len()];
        with_rows(&rows, |view| bucketing.mix(view, nothing(), &mut out)).unwrap();
        assert_close(&out, &expected, 1e-12);
    }

    #[test]
    fn norm_clipping_shortens_and_keeps_directions(rows in generic(1..9usize), limit in 0.0..20.0f64) {
        let rule = NormClipping::new(limit).unwrap();
        let mut clipped = vec![0.0; rows.len() * rows[0].len()];
        with_rows(&rows, |view| rule.mix(view, nothing(), &mut clipped)).unwrap();
        let clipped: Vec<Vec<f64>> = clipped.chunks(rows[0].len()).map(<[f64]>::to_vec).collect();
        for (x, y) in rows.iter().zip(&clipped) {
            let (before, after) = (naive::sq_norm(x).sqrt(), naive::sq_norm(y).sqrt());
            prop_assert!((after - before.min(limit)).abs() < 1e-12);
            prop_assert!((naive::dot(x, y) - before * after).abs() < 1e-9);
        }
        assert_close(&of(&rule, &rows), &naive::mean(&clipped), 1e-12);
    }

    #[test]
    fn centered_clipping_of_a_wide_radius_is_the_mean(rows in generic(1..9usize)) {
        let rule = CenteredClipping::new(f64::INFINITY, 1).unwrap();
        assert_close(&of(&rule, &rows), &naive::mean(&rows), 1e-12);
    }

    #[test]
    fn centered_clipping_follows_its_formula(rows in generic(1..9usize), radius in 0.1..9.0f64) {
        let d = rows[0].len();
        let column = |j: usize| rows.iter().map(|row| row[j]).collect::<Vec<_>>();
        let mut v: Vec<f64> = (0..d).map(|j| naive::aggregate::median(&column(j))).collect();
        for _ in 0..3 {
            let clipped: Vec<Vec<f64>> = rows.iter().map(|x| {
                let scale = (radius / naive::distance(x, &v)).min(1.0);
                (0..d).map(|j| (x[j] - v[j]) * scale).collect()
            }).collect();
            let step = naive::mean(&clipped);
            (0..d).for_each(|j| v[j] += step[j]);
        }
        assert_close(&of(&CenteredClipping::new(radius, 3).unwrap(), &rows), &v, 1e-12);
    }

    #[test]
    fn coordinatewise_rules_see_one_column_each(rows in generic(1..9usize), clip in 0..5usize) {
        let clip = clip.min(rows.len() / 2);
        let expected: Vec<f64> = (0..rows[0].len())
            .map(|j| naive::aggregate::winsorized(&rows.iter().map(|r| r[j]).collect::<Vec<_>>(), clip))
            .collect();
        assert_close(&of(&Coordinatewise(Winsorized { clip }), &rows), &expected, 1e-12);
    }
}

/// All subsets of `keep` of 0 … n−1 in lexicographic order.
fn subsets(n: usize, keep: usize) -> Vec<Vec<usize>> {
    if keep == 0 {
        return vec![vec![]];
    }
    (0..n)
        .flat_map(|first| {
            let rest = subsets(n - first - 1, keep - 1).into_iter();
            rest.map(move |tail| {
                [first].into_iter().chain(tail.into_iter().map(|i| i + first + 1)).collect()
            })
        })
        .collect()
}

#[test]
fn ties_go_to_the_earlier_vector() {
    let rows: Vec<Vec<f64>> = [0.0, 1.0, 2.0, 3.0].map(|x| vec![x]).to_vec();
    assert_eq!(of(&Krum { f: 0 }, &rows), [1.0]);
    assert_eq!(of(&MinimumDiameter { f: 1 }, &rows), [1.0]);
    let mut mixed = [0.0; 4];
    let two = NearestNeighborMixing { f: 2 };
    let scratch = Scratch { values: &mut [0.0; 4], indices: &mut [0; 4] };
    with_rows(&rows, |view| two.mix(view, scratch, &mut mixed)).unwrap();
    assert_eq!(mixed, [0.5, 0.5, 1.5, 2.5]);
}

#[test]
fn minimum_diameter_averaging_refuses_more_subsets_than_it_can_try() {
    let data = vec![0.0; 61];
    let rows = Rows::matrix(&data, 1).unwrap();
    let error = crate::support::aggregate(&MinimumDiameter { f: 30 }, rows).unwrap_err();
    let rule = "minimum-diameter";
    assert_eq!(error, AggregateError::TooMany { rule, n: 61, most: 37 });
    assert!(crate::support::aggregate(&MinimumDiameter { f: 1 }, rows).is_ok());
}
