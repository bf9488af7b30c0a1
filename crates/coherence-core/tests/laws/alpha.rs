//! A2, A3, A7, A14, A15: what α is and what it is not.

use coherence_core::{Coherence, commonality::orthogonal_limit};
use coherence_tests::{
    cases, close, naive,
    strategies::{orthogonal, sample},
};
use proptest::prelude::*;

use super::coherence;

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a02_alpha_is_between_zero_and_one_exactly(rows in sample(12, 8)) {
        let c = coherence(&rows);
        prop_assert!((0.0..=1.0).contains(&c.alpha()));
        prop_assert!((0.0..=c.m as f64).contains(&c.m_coherence()));
    }

    /// With rounding: the inequality of Cauchy and Schwarz may fail by an ulp, α may not.
    #[test]
    fn a02_alpha_is_one_if_all_gradients_are_equal(g in prop::collection::vec(-1.0..1.0f64, 1..8), m in 1..50usize) {
        prop_assume!(naive::sq_norm(&g) > 0.0);
        let alpha = coherence(&vec![g; m]).alpha();
        prop_assert!(alpha <= 1.0);
        close(alpha, 1.0, 1e-13);
    }

    #[test]
    fn a02_alpha_is_one_only_if_all_gradients_are_equal(rows in sample(8, 5)) {
        let spread = rows.iter().map(|g| naive::distance(g, &rows[0])).fold(0.0, f64::max);
        let size = naive::sum_sq_norms(&rows).sqrt();
        prop_assume!(spread > 1e-3 * size && size > 0.0);
        prop_assert!(coherence(&rows).alpha() < 1.0 - 1e-9);
    }

    #[test]
    fn a02_alpha_is_zero_iff_the_mean_gradient_is(rows in sample(8, 5)) {
        let alpha = coherence(&rows).alpha();
        prop_assert_eq!(alpha == 0.0, naive::sum(&rows).iter().all(|&s| s == 0.0));
        let mut balanced = rows.clone();
        balanced.extend(rows.iter().rev().map(|g| g.iter().map(|x| -x).collect()));
        close(coherence(&balanced).alpha(), 0.0, 1e-20);
    }

    #[test]
    fn a03_alpha_is_bitwise_invariant_under_powers_of_two(rows in sample(8, 5), e in -100..100i32, flip in any::<bool>()) {
        let k = if flip { -2f64.powi(e) } else { 2f64.powi(e) };
        let scaled: Vec<Vec<f64>> = rows.iter().map(|g| g.iter().map(|x| k * x).collect()).collect();
        prop_assert_eq!(coherence(&scaled).alpha(), coherence(&rows).alpha());
    }

    #[test]
    fn a07_orthogonal_gradients_give_one_over_m(m in 1..20usize, length in 1e-3..1e3f64) {
        let c = coherence(&orthogonal(m, length));
        close(c.alpha(), orthogonal_limit(m as u64), 1e-14);
        close(c.m_coherence(), 1.0, 1e-14);
    }

    #[test]
    fn a07_orthogonal_gradients_of_any_lengths_give_one_over_m(lengths in prop::collection::vec(-10.0..10.0f64, 1..10)) {
        prop_assume!(lengths.iter().any(|&l| l != 0.0));
        let mut rows = orthogonal(lengths.len(), 1.0);
        rows.iter_mut().zip(&lengths).enumerate().for_each(|(i, (row, l))| row[i] = *l);
        close(coherence(&rows).alpha(), orthogonal_limit(rows.len() as u64), 1e-14);
    }

    #[test]
    fn a07_m_coherence_is_alpha_over_the_orthogonal_limit(rows in sample(12, 8)) {
        let c = coherence(&rows);
        close(c.m_coherence(), c.alpha() / orthogonal_limit(c.m), 1e-13);
        close(c.m_coherence(), c.m as f64 * naive::alpha(&rows), 1e-11);
    }

    #[test]
    fn a14_alpha_is_the_ratio_of_two_decreases(rows in sample(8, 5), rate in 1e-3..10.0f64) {
        let c = coherence(&rows);
        close(c.loss_change(rate), -rate * naive::sq_norm(&naive::mean(&rows)), 1e-11);
        close(c.ideal_loss_change(rate), -rate * naive::sum_sq_norms(&rows) / rows.len() as f64, 1e-12);
        prop_assume!(c.energy() > 0.0);
        close(c.loss_change(rate) / c.ideal_loss_change(rate), c.alpha(), 1e-12);
    }

    /// Linear losses ℓ_i(w) = g_i · w: the first order is the whole of it.
    #[test]
    fn a14_linear_losses_change_by_exactly_this(rows in sample(8, 5), rate in 1e-3..1.0f64) {
        let mean = naive::mean(&rows);
        let step: Vec<f64> = mean.iter().map(|x| -rate * x).collect();
        let change = rows.iter().map(|g| naive::dot(g, &step)).sum::<f64>() / rows.len() as f64;
        close(coherence(&rows).loss_change(rate), change, 1e-11);
    }

    #[test]
    fn a15_diversity_is_the_reciprocal_of_alpha(rows in sample(8, 5)) {
        let c = coherence(&rows);
        prop_assume!(c.sq_norm_of_sum > 1e-6 * c.sum_sq_norms);
        close(c.gradient_diversity() * naive::alpha(&rows), 1.0, 1e-6);
        prop_assert!(c.gradient_diversity() >= 1.0);
        let by_its_authors = naive::sum_sq_norms(&rows) / naive::sq_norm(&naive::sum(&rows));
        close(c.gradient_diversity_yin() / by_its_authors, 1.0, 1e-6);
        close(c.gradient_diversity() / c.gradient_diversity_yin(), c.m as f64, 1e-12);
    }
}

#[test]
fn a02_degenerate_samples_have_alpha_zero_or_one() {
    let zeros = coherence(&vec![vec![0.0, -0.0]; 5]);
    assert_eq!((zeros.alpha(), zeros.m_coherence()), (0.0, 0.0));
    assert_eq!(coherence(&[vec![-3.0, 0.0]]).alpha(), 1.0);
}

/// Rounding above the limit is cut off, at it nothing is.
#[test]
fn a02_rounding_above_one_is_cut_off() {
    let above = Coherence { m: 3, sq_norm_of_sum: 9.000000000000002, sum_sq_norms: 3.0 };
    assert_eq!((above.alpha(), above.m_coherence()), (1.0, 3.0));
    let under = Coherence { m: 3, sq_norm_of_sum: 8.5, sum_sq_norms: 3.0 };
    assert_eq!(under.m_coherence(), 8.5 / 3.0);
}

#[test]
fn a02_nan_is_not_hidden() {
    let c = Coherence { m: 3, sq_norm_of_sum: f64::NAN, sum_sq_norms: 3.0 };
    assert!(c.alpha().is_nan());
    assert!(Coherence { m: 3, sq_norm_of_sum: 1.0, sum_sq_norms: f64::NAN }.alpha().is_nan());
}

/// GM22's Example 2 to 4: dataset L at the start, m = 4.
#[test]
fn a07_worked_example_is_exact() {
    let real: Vec<Vec<f64>> = (0..4)
        .map(|i| (0..5).map(|j| if j == i || j == 4 { 1.0 } else { 0.0 }).collect())
        .collect();
    let c = coherence(&real);
    assert_eq!((c.alpha(), c.m_coherence()), (5.0 / 8.0, 2.5));
    assert_eq!((c.energy(), c.sq_norm_of_mean()), (2.0, 1.25));
    assert_eq!(orthogonal_limit(4), 0.25);
    assert!(orthogonal_limit(0).is_nan());
}

#[test]
fn a15_diversity_of_a_stationary_point_is_infinite() {
    let c = coherence(&[vec![1.0], vec![-1.0]]);
    assert_eq!(c.gradient_diversity(), f64::INFINITY);
    assert_eq!(c.gradient_diversity_yin(), f64::INFINITY);
}
