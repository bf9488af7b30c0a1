//! A13 and A15c for weighted samples: effective size, de-biased α and its standard error.

use coherence_core::{
    Coherence, Member, WeightedCoherence, WeightedSums, finite::Policy, unbiased::Estimate,
};
use coherence_tests::{cases, close, naive, strategies::sample};
use proptest::prelude::*;

use crate::defined::{Defined, jackknife, weighted_jackknife};

use super::weighted::{accumulate, weights};

/// A weighted example: its weight and its gradient.
type Weighted = (f64, Vec<f64>);

fn statistics(rows: &[Weighted]) -> WeightedCoherence {
    let (weights, rows): (Vec<f64>, Vec<Vec<f64>>) = rows.iter().cloned().unzip();
    accumulate(&weights, &rows).coherence()
}

fn members(rows: &[Weighted]) -> Vec<(f64, Member)> {
    let (weights, rows): (Vec<f64>, Vec<Vec<f64>>) = rows.iter().cloned().unzip();
    let sums = accumulate(&weights, &rows);
    weights.into_iter().zip(rows.iter().map(|g| sums.member(g).unwrap().unwrap())).collect()
}

fn estimate(rows: &[Weighted]) -> Option<Estimate> {
    weighted_jackknife(statistics(rows), members(rows))
}

/// The weighted mean over the pairs i ≠ j; `None` if no pair has weight.
fn over_pairs(rows: &[Weighted], f: impl Fn(&[f64], &[f64]) -> f64) -> Option<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, (v, a)) in rows.iter().enumerate() {
        for (j, (w, b)) in rows.iter().enumerate() {
            if i != j {
                sum += v * w * f(a, b);
                total += v * w;
            }
        }
    }
    (total > 0.0).then(|| sum / total)
}

fn naive_unbiased(rows: &[Weighted]) -> Option<f64> {
    let dot = over_pairs(rows, naive::dot)?;
    let energy = over_pairs(rows, |a, b| (naive::sq_norm(a) + naive::sq_norm(b)) / 2.0)?;
    Some(if energy == 0.0 { 0.0 } else { dot / energy })
}

/// A sample with weights, some of them 0, whose members' squares are comparable.
fn weighted_sample() -> impl Strategy<Value = Vec<Weighted>> {
    (sample(9, 5), weights())
        .prop_map(|(rows, weights)| weights.into_iter().zip(rows).collect::<Vec<_>>())
        .prop_filter("an outlier", |rows| {
            rows.iter().all(|(_, g)| g.iter().all(|x| x.abs() <= 10.0))
        })
}

/// Whether leaving one example out leaves much less than there was: the sums then cancel.
fn cancels(rows: &[Weighted]) -> bool {
    let c = statistics(rows);
    let share = |w: &f64, g: &[f64]| (w * naive::sq_norm(g) / c.sum_sq_norms).max(w / c.weight);
    c.sum_sq_norms > 0.0 && rows.iter().any(|(w, g)| share(w, g) > 0.99)
}

fn scaled(rows: &[Weighted], factor: f64) -> Vec<Weighted> {
    rows.iter().map(|(w, g)| (factor * w, g.clone())).collect()
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a15c_weighted_estimates_are_means_over_pairs(rows in weighted_sample()) {
        let c = statistics(&rows);
        prop_assert_eq!(c.m, rows.iter().filter(|(w, _)| *w > 0.0).count() as u64);
        prop_assert_eq!(c.alpha_debiased().defined().is_some(), naive_unbiased(&rows).is_some());
        if let (Some(alpha), Some(u)) = (c.alpha_debiased().defined(), c.sq_norm_of_mean_unbiased().defined()) {
            close(alpha, naive_unbiased(&rows).unwrap(), 1e-10);
            close(u, over_pairs(&rows, naive::dot).unwrap(), 1e-9);
        }
    }

    #[test]
    fn a15c_weighted_alpha_debiased_has_its_range(rows in sample(9, 5), w in weights()) {
        let c = accumulate(&w, &rows).coherence();
        prop_assert!(c.alpha_debiased().defined().is_none_or(|alpha| (-1.0..=1.0).contains(&alpha)));
    }

    #[test]
    fn a15c_equal_weights_are_no_weights(rows in sample(9, 5), w in 0.1..10.0f64) {
        let c = super::coherence(&rows);
        let weighted: Vec<Weighted> = rows.iter().map(|g| (w, g.clone())).collect();
        let found = statistics(&weighted);
        let m = rows.len() as f64;
        close(found.effective_sample_size(), m, 1e-14);
        prop_assert_eq!(found.alpha_debiased().defined().is_some(), c.alpha_debiased().defined().is_some());
        if let Some(alpha) = c.alpha_debiased().defined() {
            close(found.alpha_debiased().defined().unwrap(), alpha, 1e-11);
            let scale = c.energy().max(1e-9);
            let u = found.sq_norm_of_mean_unbiased().defined().unwrap();
            close(u / scale, c.sq_norm_of_mean_unbiased().defined().unwrap() / scale, 1e-11);
            close(c.sq_norm_of_mean_unbiased().defined().unwrap() / scale, naive::mean_dot(&rows).unwrap() / scale, 1e-11);
        }
    }

    #[test]
    fn a15c_jackknife_with_equal_weights_is_the_unweighted_one(rows in weighted_sample(), w in 0.1..10.0f64) {
        let rows: Vec<Weighted> = rows.into_iter().map(|(_, g)| (w, g)).collect();
        prop_assume!(!cancels(&rows));
        let plain: Vec<Vec<f64>> = rows.iter().map(|(_, g)| g.clone()).collect();
        let sums = super::accumulate(&plain);
        let unweighted = jackknife(sums.coherence(), plain.iter().flat_map(|g| sums.member(g)).flatten());
        prop_assert_eq!(estimate(&rows).is_some(), unweighted.is_some());
        if let (Some(found), Some(expected)) = (estimate(&rows), unweighted) {
            close(found.value, expected.value, 1e-11);
            close(found.standard_error, expected.standard_error, 1e-7);
        }
    }

    /// Powers of two, so that nothing rounds.
    #[test]
    fn a15c_a_common_factor_of_the_weights_does_not_matter(rows in weighted_sample(), e in -40..40i32) {
        let (one, other) = (statistics(&rows), statistics(&scaled(&rows, 2f64.powi(e))));
        prop_assert_eq!(one.alpha_debiased().defined(), other.alpha_debiased().defined());
        prop_assert_eq!(one.sq_norm_of_mean_unbiased().defined(), other.sq_norm_of_mean_unbiased().defined());
        prop_assert_eq!(one.effective_sample_size().defined(), other.effective_sample_size().defined());
        prop_assert_eq!(estimate(&rows), estimate(&scaled(&rows, 2f64.powi(e))));
    }

    #[test]
    fn a15c_examples_of_weight_zero_are_never_seen(rows in weighted_sample()) {
        let seen: Vec<Weighted> = rows.iter().filter(|(w, _)| *w > 0.0).cloned().collect();
        prop_assume!(!seen.is_empty());
        prop_assert_eq!(statistics(&rows), statistics(&seen));
        prop_assert_eq!(estimate(&rows), estimate(&seen));
    }

    /// Over all draws of m from a world; U for gradients of any norms.
    #[test]
    fn a15c_weighted_u_averages_to_the_truth_over_all_draws(
        world in prop::collection::vec(prop::array::uniform2(-5.0..5.0f64), 1..4), w in prop::collection::vec(0.1..3.0f64, 2..5)
    ) {
        let world: Vec<Vec<f64>> = world.iter().map(|g| g.to_vec()).collect();
        let draws = naive::draws(world.len(), w.len());
        let u = |draw: &Vec<usize>| {
            let rows: Vec<Vec<f64>> = draw.iter().map(|&i| world[i].clone()).collect();
            accumulate(&w, &rows).coherence().sq_norm_of_mean_unbiased().defined().unwrap()
        };
        let mean = draws.iter().map(u).sum::<f64>() / draws.len() as f64;
        close(mean, naive::sq_norm(&naive::mean(&world)), 1e-11);
    }

    /// Unit vectors: there α̂ itself is unbiased, and the bias of α is (1 − α)/n_eff.
    #[test]
    fn a13_a15c_weighted_alphas_average_to_what_they_should_over_all_draws(
        angles in prop::collection::vec(0.0..std::f64::consts::TAU, 1..4), w in prop::collection::vec(0.1..3.0f64, 2..5)
    ) {
        let world: Vec<Vec<f64>> = angles.iter().map(|t| vec![t.cos(), t.sin()]).collect();
        let draws = naive::draws(world.len(), w.len());
        let (mut alpha, mut unbiased, mut size) = (0.0, 0.0, 0.0);
        for draw in &draws {
            let rows: Vec<Vec<f64>> = draw.iter().map(|&i| world[i].clone()).collect();
            let c = accumulate(&w, &rows).coherence();
            alpha += c.alpha() / draws.len() as f64;
            unbiased += c.alpha_debiased().defined().unwrap() / draws.len() as f64;
            size = c.effective_sample_size();
        }
        let truth = naive::alpha(&world);
        close(unbiased, truth, 1e-11);
        close(alpha, truth + (1.0 - truth) / size, 1e-12);
    }

    #[test]
    fn a13_effective_size_is_between_one_and_m(rows in weighted_sample()) {
        let c = statistics(&rows);
        prop_assume!(c.m > 0);
        let size = c.effective_sample_size();
        prop_assert!((1.0 - 1e-14..=c.m as f64 * (1.0 + 1e-14)).contains(&size), "{}", size);
        let p: Vec<f64> = rows.iter().map(|(w, _)| w / c.weight).collect();
        close(size, 1.0 / p.iter().map(|p| p * p).sum::<f64>(), 1e-13);
    }

    #[test]
    fn a15c_without_a_weighted_member_is_the_rest(rows in weighted_sample(), at in any::<prop::sample::Index>()) {
        let i = at.index(rows.len());
        let (weight, member) = members(&rows)[i];
        let left = statistics(&rows).without(weight, member);
        let (w, g) = rows[i].clone();
        let mut rest = rows.clone();
        rest[i] = (0.0, g.clone());
        let expected = statistics(&rest);
        prop_assert_eq!(left.m, expected.m);
        close(left.weight, expected.weight, 1e-13);
        close(left.sum_sq_weights, expected.sum_sq_weights, 1e-13);
        close(left.sq_norm_of_sum, expected.sq_norm_of_sum, 1e-8);
        close(left.sum_sq_norms, expected.sum_sq_norms, 1e-10);
        close(left.sum_sq_weighted_norms, expected.sum_sq_weighted_norms, 1e-10);
        prop_assert_eq!(statistics(&[(w, g)]).sum_sq_norms, statistics(&rows[i..=i]).sum_sq_norms);
    }

    /// The definition, with each example left out in turn.
    #[test]
    fn a15c_weighted_jackknife_equals_leaving_out_one_by_one(rows in weighted_sample()) {
        let rows: Vec<Weighted> = rows.into_iter().filter(|(w, _)| *w > 0.0).collect();
        prop_assume!(rows.len() > 2 && !cancels(&rows));
        let total: f64 = rows.iter().map(|(w, _)| w).sum();
        let p: Vec<f64> = rows.iter().map(|(w, _)| w / total).collect();
        let value = naive_unbiased(&rows).unwrap();
        let t: Vec<f64> = (0..rows.len()).map(|i| {
            let mut rest = rows.clone();
            rest.remove(i);
            (1.0 - p[i]) * (value - naive_unbiased(&rest).unwrap()) / p[i]
        }).collect();
        let mean: f64 = p.iter().zip(&t).map(|(p, t)| p * t).sum();
        let spread: f64 = p.iter().map(|p| p * p).sum();
        let variance: f64 = p.iter().zip(&t)
            .map(|(p, t)| p * p * (t - mean) * (t - mean) / (1.0 - 2.0 * p + spread)).sum();
        let found = estimate(&rows).unwrap();
        close(found.value, value, 1e-10);
        close(found.standard_error, variance.sqrt(), 1e-6);
    }
}

/// Probability weights are not frequencies: what counts twice was drawn once.
#[test]
fn a15c_integer_weights_are_not_copies() {
    let (g, h) = (vec![1.0, 0.0], vec![0.0, 1.0]);
    let c = statistics(&[(2.0, g.clone()), (1.0, h.clone())]);
    let copies = super::coherence(&[g.clone(), g, h]);
    assert_eq!(c.alpha(), copies.alpha());
    assert_eq!(c.alpha_debiased().defined(), Some(0.0)); // the only pair is orthogonal
    close(copies.alpha_debiased().defined().unwrap(), 1.0 / 3.0, 1e-15); // one pair of three is equal
    let frequencies = Coherence {
        m: c.weight as u64,
        sq_norm_of_sum: c.sq_norm_of_sum,
        sum_sq_norms: c.sum_sq_norms,
    };
    assert_eq!(frequencies, copies);
}

#[test]
fn a15c_weighted_estimates_need_enough_examples() {
    let nothing = WeightedCoherence::default();
    assert_eq!(
        (nothing.alpha_debiased().defined(), nothing.sq_norm_of_mean_unbiased().defined()),
        (None, None)
    );
    assert!(nothing.effective_sample_size().is_nan());
    assert_eq!(weighted_jackknife(nothing, []), None);
    let rows: Vec<Weighted> =
        vec![(1.0, vec![1.0]), (0.0, vec![1.0]), (2.0, vec![3.0]), (1.0, vec![2.0])];
    assert_eq!(statistics(&rows[..2]).alpha_debiased().defined(), None);
    assert_eq!(statistics(&rows[..2]).sq_norm_of_mean_unbiased().defined(), None);
    assert!(statistics(&rows[..3]).alpha_debiased().defined().is_some());
    assert_eq!(estimate(&rows[..3]), None);
    assert!(estimate(&rows).is_some());
    assert_eq!(weighted_jackknife(statistics(&rows), members(&rows).into_iter().take(3)), None);
}

#[test]
fn a15c_weighted_degenerate_samples_are_defined() {
    let zeros = [(1.0, vec![0.0]), (2.0, vec![0.0]), (3.0, vec![0.0])];
    assert_eq!(statistics(&zeros[..1]).alpha_debiased().defined(), None);
    assert_eq!(statistics(&zeros).alpha_debiased().defined(), Some(0.0));
    assert_eq!(statistics(&zeros).sq_norm_of_mean_unbiased().defined(), Some(0.0));
    assert_eq!(estimate(&zeros), Some(Estimate { value: 0.0, standard_error: 0.0 }));
    let equal = [(1.0, vec![2.0]), (2.0, vec![2.0]), (4.0, vec![2.0])];
    assert_eq!(estimate(&equal), Some(Estimate { value: 1.0, standard_error: 0.0 }));
    let opposite = [(1.0, vec![2.0]), (3.0, vec![-2.0])];
    assert_eq!(statistics(&opposite).alpha_debiased().defined(), Some(-1.0));
    // Beside 1, a weight of 1e-20 is lost to rounding.
    let lost = statistics(&[(1.0, vec![2.0]), (1e-20, vec![2.0])]);
    assert_eq!(
        (lost.alpha_debiased().defined(), lost.sq_norm_of_mean_unbiased().defined()),
        (None, None)
    );
}

#[test]
fn a15c_weighted_estimates_carry_nan_under_propagate() {
    let rows = [[1.0], [f64::NAN], [2.0]];
    let mut sums = WeightedSums::with_policy([0.0], Policy::Propagate);
    rows.iter().for_each(|g| sums.add(1.0, g).unwrap());
    let c = sums.coherence();
    assert!(c.alpha_debiased().is_nan());
    assert!(c.sq_norm_of_mean_unbiased().is_nan());
    let members = rows.iter().map(|g| (1.0, sums.member(g).unwrap().unwrap()));
    assert!(weighted_jackknife(c, members).is_none());
}

#[test]
fn a15c_without_a_weighted_member_leaves_no_less_than_nothing() {
    let one = statistics(&[(2.0, vec![1.0])]);
    let rounded = Member { dot_with_sum: 3.0, sq_norm: 1.5 };
    assert_eq!(one.without(2.0, rounded), WeightedCoherence::default());
    let unseen = WeightedCoherence::default().without(0.0, rounded);
    assert_eq!(unseen, WeightedCoherence::default());
}

#[test]
#[should_panic(expected = "no members")]
fn a15c_an_empty_weighted_sample_has_nobody_to_leave_out() {
    WeightedCoherence::default().without(1.0, Member { dot_with_sum: 0.0, sq_norm: 0.0 });
}
