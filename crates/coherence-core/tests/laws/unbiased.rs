//! A13, A15c, A15d: bias, its removal, standard errors, helpfulness.

use coherence_core::{
    Coherence, Member,
    unbiased::{Estimate, expected_sample_alpha},
};
use coherence_tests::{
    cases, close, naive,
    strategies::{alpha, sample},
};
use proptest::prelude::*;

use crate::defined::{Defined, batch_means, helpfulness, jackknife};

use super::{accumulate, coherence};

/// Vectors of norm 5 in the plane, exact in binary.
const CIRCLE: [[f64; 2]; 6] =
    [[5.0, 0.0], [3.0, 4.0], [4.0, -3.0], [-3.0, 4.0], [0.0, -5.0], [-5.0, 0.0]];

/// α̂ from the definition: mean product over z ≠ z′, in units of the energy.
fn naive_unbiased(rows: &[Vec<f64>]) -> Option<f64> {
    let energy = naive::sum_sq_norms(rows) / rows.len() as f64;
    naive::mean_dot(rows).map(|u| if energy == 0.0 { 0.0 } else { u / energy })
}

fn members(rows: &[Vec<f64>]) -> Vec<Member> {
    let sums = accumulate(rows);
    rows.iter().map(|g| sums.member(g).unwrap().unwrap()).collect()
}

fn choose(world: &[Vec<f64>], draw: &[usize]) -> Vec<Vec<f64>> {
    draw.iter().map(|&i| world[i].clone()).collect()
}

/// A sample whose members' squares are comparable, for checks that divide by them.
fn balanced() -> impl Strategy<Value = Vec<Vec<f64>>> {
    sample(9, 5).prop_filter("an outlier", |rows| rows.iter().flatten().all(|x| x.abs() <= 10.0))
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a13_a_sample_of_one_is_perfectly_coherent(rows in sample(1, 6)) {
        let c = coherence(&rows);
        prop_assert_eq!(c.alpha(), if c.energy() > 0.0 { 1.0 } else { 0.0 });
    }

    #[test]
    fn a13_expected_sample_alpha_equals_the_list_of_all_samples(
        world in prop::collection::vec(prop::sample::select(&CIRCLE[..]), 1..4), m in 1..5usize
    ) {
        let world: Vec<Vec<f64>> = world.iter().map(|g| g.to_vec()).collect();
        let samples = naive::draws(world.len(), m);
        let mean = samples.iter().map(|draw| coherence(&choose(&world, draw)).alpha()).sum::<f64>()
            / samples.len() as f64;
        close(expected_sample_alpha(naive::alpha(&world), m as u64), mean, 1e-13);
    }

    #[test]
    fn a13_sample_alpha_is_biased_upwards(a in alpha(), m in 1..1000u64) {
        prop_assert!(expected_sample_alpha(a, m) >= a);
        close(expected_sample_alpha(a, 1), 1.0, 1e-15);
        prop_assert!(expected_sample_alpha(a, m + 1) <= expected_sample_alpha(a, m));
    }

    #[test]
    fn a13_removing_self_correlation_leaves_the_products_of_others(rows in balanced()) {
        let c = coherence(&rows);
        let m = rows.len() as f64;
        let others = naive::mean_dot(&rows).unwrap_or(0.0) * (m - 1.0) / m;
        prop_assume!(c.energy() > 0.0);
        close(c.alpha_without_self().defined().unwrap(), others / c.energy(), 1e-10);
    }

    #[test]
    fn a15c_alpha_debiased_is_the_mean_product_of_others(rows in sample(10, 6)) {
        match (coherence(&rows).alpha_debiased().defined(), naive_unbiased(&rows)) {
            (None, None) => prop_assert_eq!(rows.len(), 1),
            (Some(actual), Some(expected)) => close(actual, expected, 1e-11),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a15c_alpha_debiased_has_its_range(rows in sample(10, 6)) {
        prop_assume!(rows.len() > 1);
        let least = -1.0 / (rows.len() as f64 - 1.0);
        let estimate = coherence(&rows).alpha_debiased().defined().unwrap();
        prop_assert!((least..=1.0).contains(&estimate), "{} < {}", estimate, least);
    }

    /// U is unbiased for any distribution, and so is α̂ where the norms are equal.
    #[test]
    fn a15c_estimate_averages_to_the_truth_over_all_samples(
        world in prop::collection::vec(prop::sample::select(&CIRCLE[..]), 1..4), m in 2..5usize
    ) {
        let world: Vec<Vec<f64>> = world.iter().map(|g| g.to_vec()).collect();
        let samples = naive::draws(world.len(), m);
        let mean = samples.iter()
            .map(|draw| coherence(&choose(&world, draw)).alpha_debiased().defined().unwrap()).sum::<f64>()
            / samples.len() as f64;
        close(mean, naive::alpha(&world), 1e-13);
    }

    #[test]
    fn a15c_without_a_member_is_the_rest_of_the_sample(rows in balanced(), at in any::<prop::sample::Index>()) {
        let i = at.index(rows.len());
        let left = coherence(&rows).without(members(&rows)[i]);
        let mut rest = rows.clone();
        rest.remove(i);
        prop_assert_eq!(left.m, rest.len() as u64);
        close(left.sq_norm_of_sum, naive::sq_norm(&naive::sum(&rest)), 1e-9);
        close(left.sum_sq_norms, naive::sum_sq_norms(&rest), 1e-9);
    }

    #[test]
    fn a15c_jackknife_equals_leaving_out_one_by_one(rows in balanced()) {
        // Where leaving one out leaves next to nothing, the shortcut cancels.
        let total = naive::sum_sq_norms(&rows);
        prop_assume!(rows.len() > 2 && rows.iter().all(|g| naive::sq_norm(g) < 0.99 * total));
        let m = rows.len() as f64;
        let left_out: Vec<f64> = (0..rows.len()).map(|i| {
            let mut rest = rows.clone();
            rest.remove(i);
            naive_unbiased(&rest).unwrap()
        }).collect();
        let mean = left_out.iter().sum::<f64>() / m;
        let variance = (m - 1.0) / m * left_out.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let estimate = jackknife(coherence(&rows), members(&rows)).unwrap();
        close(estimate.value, naive_unbiased(&rows).unwrap(), 1e-10);
        close(estimate.standard_error, variance.sqrt(), 1e-7);
    }

    #[test]
    fn a15c_batch_means_are_mean_and_standard_error(batches in prop::collection::vec(balanced(), 2..6)) {
        prop_assume!(batches.iter().all(|b| b.len() > 1));
        let values: Vec<f64> = batches.iter().map(|b| naive_unbiased(b).unwrap()).collect();
        let k = values.len() as f64;
        let mean = values.iter().sum::<f64>() / k;
        let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (k - 1.0)).sqrt();
        let estimate = batch_means(batches.iter().map(|b| coherence(b))).unwrap();
        close(estimate.value, mean, 1e-10);
        close(estimate.standard_error, sd / k.sqrt(), 1e-8);
    }

    #[test]
    fn a15d_helpfulness_is_the_mean_product_with_others(rows in balanced(), at in any::<prop::sample::Index>()) {
        prop_assume!(rows.len() > 1);
        let i = at.index(rows.len());
        let c = coherence(&rows);
        let others = (0..rows.len()).filter(|&j| j != i).map(|j| naive::dot(&rows[i], &rows[j])).sum::<f64>()
            / (rows.len() as f64 - 1.0);
        let expected = if c.energy() == 0.0 { 0.0 } else { others / c.energy() };
        close(helpfulness(c, members(&rows)[i]).unwrap(), expected, 1e-10);
    }

    #[test]
    fn a15d_mean_helpfulness_is_the_unbiased_alpha(rows in balanced()) {
        prop_assume!(rows.len() > 1);
        let c = coherence(&rows);
        let mean = members(&rows).iter().map(|&m| helpfulness(c, m).unwrap()).sum::<f64>() / rows.len() as f64;
        close(mean, c.alpha_debiased().defined().unwrap(), 1e-10);
    }

    #[test]
    fn a15d_helpfulness_is_scale_invariant(rows in balanced(), e in -20..20i32) {
        prop_assume!(rows.len() > 1);
        let scaled: Vec<Vec<f64>> = rows.iter().map(|g| g.iter().map(|x| x * 2f64.powi(e)).collect()).collect();
        prop_assert_eq!(
            helpfulness(coherence(&scaled), members(&scaled)[0]),
            helpfulness(coherence(&rows), members(&rows)[0])
        );
    }
}

#[test]
fn a13_edges_of_the_sample_size() {
    assert_eq!(Coherence::default().alpha_without_self().defined(), None);
    assert_eq!(coherence(&[vec![2.0]]).alpha_without_self().defined(), Some(0.0));
}

#[test]
fn a15c_one_example_has_no_unbiased_alpha() {
    assert_eq!(Coherence::default().alpha_debiased().defined(), None);
    assert_eq!(coherence(&[vec![2.0]]).alpha_debiased().defined(), None);
    assert_eq!(coherence(&[vec![2.0]]).sq_norm_of_mean_unbiased().defined(), None);
    assert_eq!(coherence(&[vec![2.0], vec![2.0]]).alpha_debiased().defined(), Some(1.0));
    assert_eq!(coherence(&[vec![2.0], vec![-2.0]]).alpha_debiased().defined(), Some(-1.0));
    assert_eq!(coherence(&[vec![0.0], vec![0.0]]).alpha_debiased().defined(), Some(0.0));
}

#[test]
fn a15c_standard_errors_need_enough_examples() {
    let two = [vec![1.0], vec![2.0]];
    assert_eq!(jackknife(coherence(&two), members(&two)), None);
    let three = [vec![1.0], vec![2.0], vec![3.0]];
    assert!(jackknife(coherence(&three), members(&three)).is_some());
    assert_eq!(jackknife(coherence(&three), members(&three).into_iter().take(2)), None);
    assert_eq!(batch_means([coherence(&three)]), None);
    assert_eq!(batch_means([coherence(&three), coherence(&three[..1])]), None);
    let equal = batch_means([coherence(&three), coherence(&three)]).unwrap();
    assert_eq!(equal, Estimate { value: equal.value, standard_error: 0.0 });
}

/// Rounding leaves no negative squares, and what is not negative is left alone.
#[test]
fn a15c_leaving_out_never_leaves_less_than_nothing() {
    let one = Coherence { m: 1, sq_norm_of_sum: 1.0, sum_sq_norms: 1.0 };
    let rounded = Member { dot_with_sum: 1.5, sq_norm: 1.5 };
    assert_eq!(one.without(rounded), Coherence::default());
    let nan = one.without(Member { dot_with_sum: f64::NAN, sq_norm: f64::NAN });
    assert!(nan.sq_norm_of_sum.is_nan() && nan.sum_sq_norms.is_nan());
}

#[test]
#[should_panic(expected = "no members")]
fn a15c_an_empty_sample_has_nobody_to_leave_out() {
    Coherence::default().without(Member { dot_with_sum: 0.0, sq_norm: 0.0 });
}

#[test]
#[should_panic(expected = "differ in length")]
fn a15d_a_member_of_another_length_is_a_bug() {
    let _ = accumulate(&[vec![1.0]]).member(&[1.0, 2.0]);
}

#[test]
fn a15d_nobody_helps_a_single_or_a_silent_example() {
    let alone = [vec![1.0]];
    assert_eq!(helpfulness(coherence(&alone), members(&alone)[0]), None);
    let silent = [vec![0.0], vec![0.0]];
    assert_eq!(helpfulness(coherence(&silent), members(&silent)[0]), Some(0.0));
    let pair = [vec![1.0], vec![1.0]];
    assert_eq!(helpfulness(coherence(&pair), members(&pair)[0]), Some(1.0));
}
