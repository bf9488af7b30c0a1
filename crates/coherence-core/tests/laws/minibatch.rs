//! A4, A5, A5b: mini-batches, by listing all of them.

use coherence_core::minibatch::{
    amplify, amplify_partition, deamplify, deamplify_estimate, deamplify_partition,
};
use coherence_core::unbiased::Estimate;
use coherence_tests::{cases, close, naive, strategies};
use proptest::prelude::*;

fn sum_of(rows: &[Vec<f64>], indices: &[usize]) -> Vec<f64> {
    naive::sum(&indices.iter().map(|&i| rows[i].clone()).collect::<Vec<_>>())
}

/// m, k with 1 < k < m and k | m.
fn partition() -> impl Strategy<Value = (u64, u64)> {
    (2..30u64, 2..30u64).prop_map(|(batches, k)| (batches * k, k))
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a04_amplify_equals_the_list_of_all_independent_batches(rows in strategies::sample(4, 3), k in 1..4usize) {
        let batches: Vec<Vec<f64>> =
            naive::draws(rows.len(), k).iter().map(|draw| sum_of(&rows, draw)).collect();
        close(amplify(naive::alpha(&rows), k as u64), naive::alpha(&batches), 1e-10);
    }

    #[test]
    fn a04_amplification_never_lowers(alpha in strategies::alpha(), k in 1..1000u64) {
        let amplified = amplify(alpha, k);
        prop_assert!(alpha * (1.0 - 1e-15) <= amplified && amplified <= 1.0 + 1e-15);
    }

    #[test]
    fn a04_only_zero_and_one_are_fixed(alpha in 1e-6..0.999f64, k in 2..1000u64) {
        prop_assert!(amplify(alpha, k) > alpha);
        prop_assert_eq!((amplify(0.0, k), amplify(1.0, k)), (0.0, 1.0));
        prop_assert_eq!(amplify(alpha, 1), alpha);
    }

    #[test]
    fn a04_batches_of_batches_are_batches(alpha in strategies::alpha(), j in 1..50u64, k in 1..50u64) {
        close(amplify(amplify(alpha, j), k), amplify(alpha, j * k), 1e-13);
    }

    #[test]
    fn a05_deamplify_inverts_amplify(alpha in strategies::alpha(), k in 1..1000u64) {
        close(deamplify(amplify(alpha, k), k), alpha, 1e-12);
        close(amplify(deamplify(alpha, k), k), alpha, 1e-12);
    }

    /// The slope of the imputation by a symmetric difference.
    #[test]
    fn a05_the_imputed_error_is_that_of_the_slope(alpha in 0.01..0.99f64, k in 1..100u64) {
        let h = 1e-6;
        let slope = (deamplify(alpha + h, k) - deamplify(alpha - h, k)) / (2.0 * h);
        let imputed = deamplify_estimate(Estimate { value: alpha, standard_error: 0.5 }, k);
        close(imputed.value, deamplify(alpha, k), 1e-15);
        close(imputed.standard_error / (0.5 * slope), 1.0, 1e-6);
    }

    /// Both ways from the coherence of a partition's batches to the de-biased α of its examples agree.
    #[test]
    fn a05b_the_imputed_alpha_is_the_debiased_form_of_the_partitions((m, k) in partition(), alpha_w in 0.01..0.99f64) {
        let batches = (m / k) as f64;
        let of_batches = (batches * alpha_w - 1.0) / (batches - 1.0);
        let imputed = deamplify_estimate(Estimate { value: of_batches, standard_error: 0.0 }, k);
        let m_coherence = m as f64 * deamplify_partition(alpha_w, m, k);
        close(imputed.value, (m_coherence - 1.0) / (m as f64 - 1.0), 1e-12);
    }

    #[test]
    fn a05b_amplify_equals_the_mean_over_all_partitions(m in 1..7usize, pick in any::<prop::sample::Index>(), d in 1..3usize, seed in prop::collection::vec(strategies::coordinate(), 12)) {
        let divisors: Vec<usize> = (1..=m).filter(|k| m % k == 0).collect();
        let k = divisors[pick.index(divisors.len())];
        let rows: Vec<Vec<f64>> = seed.chunks(d).take(m).map(<[f64]>::to_vec).collect();
        prop_assume!(rows.len() == m && naive::alpha(&rows) > 1e-3);
        let orders = naive::permutations(m);
        let energy = orders.iter().flat_map(|order| order.chunks(k))
            .map(|batch| naive::sq_norm(&sum_of(&rows, batch))).sum::<f64>()
            / (orders.len() * m / k) as f64;
        let mean_batch = naive::sum(&rows).iter().map(|s| s * k as f64 / m as f64).collect::<Vec<_>>();
        let alpha_w = naive::sq_norm(&mean_batch) / energy;
        let (m, k) = (m as u64, k as u64);
        close(amplify_partition(naive::alpha(&rows), m, k), alpha_w, 1e-9);
        if k < m {
            close(deamplify_partition(alpha_w, m, k), naive::alpha(&rows), 1e-9);
        }
    }

    #[test]
    fn a05b_finite_sample_inverse_inverts(alpha_w in strategies::alpha(), (m, k) in partition()) {
        close(amplify_partition(deamplify_partition(alpha_w, m, k), m, k), alpha_w, 1e-11);
    }

    #[test]
    fn a05b_orthogonal_gradients_stay_at_the_limit((m, k) in partition()) {
        let (alpha, batches) = (1.0 / m as f64, (m / k) as f64);
        close(amplify_partition(alpha, m, k) * batches, 1.0, 1e-12);
        close(deamplify_partition(1.0 / batches, m, k) * m as f64, 1.0, 1e-11);
    }

    #[test]
    fn a05b_large_samples_forget_that_they_are_finite(alpha in strategies::alpha(), k in 1..20u64) {
        close(amplify_partition(alpha, 1_000_000_000_000, k), amplify(alpha, k), 1e-9);
        close(deamplify_partition(alpha, 1_000_000_000_000, k), deamplify(alpha, k), 1e-9);
    }

    #[test]
    fn a05b_batches_of_one_change_nothing(alpha in strategies::alpha(), m in 1..100u64) {
        prop_assert_eq!(amplify_partition(alpha, m, 1), alpha);
        prop_assert_eq!(deamplify_partition(alpha, m, 1), alpha);
    }
}

/// The independent form is biased on a partition: 60 orthogonal gradients in batches of 6.
#[test]
fn a05b_sixty_orthogonal_gradients_tell_the_forms_apart() {
    close(60.0 * deamplify(0.1, 6), 60.0 / 55.0, 1e-14);
    close(60.0 * deamplify_partition(0.1, 60, 6), 1.0, 1e-14);
}

#[test]
fn a05b_one_batch_says_nothing() {
    close(amplify_partition(0.3, 5, 5), 1.0, 1e-15);
    assert_eq!(amplify_partition(0.0, 5, 5), 0.0);
    assert!(deamplify_partition(1.0, 5, 5).is_nan());
    assert!(deamplify_partition(0.5, 5, 6).is_nan() && amplify_partition(0.5, 5, 6).is_nan());
}

#[test]
fn a04_no_batch_is_no_number() {
    assert!(amplify(0.5, 0).is_nan() && amplify_partition(0.5, 5, 0).is_nan());
}

#[test]
fn a05_no_batch_is_no_number() {
    assert!(deamplify(0.5, 0).is_nan() && deamplify_partition(0.5, 5, 0).is_nan());
}

#[test]
fn a05_no_batch_has_no_imputed_alpha() {
    let imputed = deamplify_estimate(Estimate { value: 0.5, standard_error: 0.1 }, 0);
    assert!(imputed.value.is_nan() && imputed.standard_error.is_nan());
}
