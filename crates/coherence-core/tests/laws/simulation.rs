//! Statistical laws by simulation, with named seeds. Each compares a mean of n independent values
//! with its expectation at 5 standard errors: for a fresh seed the false-alarm rate is 6e-7 a
//! comparison (normal tails), under 1e-5 for all of this file.

use coherence_core::{
    minibatch::{amplify, amplify_partition, deamplify, deamplify_partition},
    unbiased::{Estimate, expected_sample_alpha, jackknife, weighted_jackknife},
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{accumulate, coherence, weighted};

const D: usize = 6;

/// A gradient of squared norm 5/4: its first coordinate is one of `common` (of mean 1/2), the rest of
/// it lies along a random axis with a random sign.
fn gradient_with(rng: &mut ChaCha8Rng, common: &[f64]) -> Vec<f64> {
    let first = common[rng.random_range(0..common.len())];
    let rest = (1.25 - first * first).sqrt();
    let mut g = vec![0.0; D];
    g[0] = first;
    g[rng.random_range(1..D)] = if rng.random() { rest } else { -rest };
    g
}

fn gradient(rng: &mut ChaCha8Rng) -> Vec<f64> {
    gradient_with(rng, &[0.0, 1.0])
}

/// α of its distribution: E g = (1/2, 0, …).
const ALPHA: f64 = 0.25 / 1.25;

fn sum(rows: &[Vec<f64>]) -> Vec<f64> {
    (0..D).map(|j| rows.iter().map(|g| g[j]).sum()).collect()
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[track_caller]
fn check_mean(values: &[f64], expected: f64) {
    let (mean, error) = mean_and_error(values);
    assert!(error > 0.0, "the values do not vary");
    assert!((mean - expected).abs() < 5.0 * error, "{mean} ± {error}, expected {expected}");
}

/// α_W = E[w·w′]/E[w·w]: the mean of w·w′ − α_W w·w over independent pairs is 0.
#[test]
fn a04_independent_batches_are_amplified() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for k in [2u64, 5, 16] {
        let mut batch = || sum(&(0..k).map(|_| gradient(&mut rng)).collect::<Vec<_>>());
        let alpha_w = amplify(ALPHA, k);
        let residuals: Vec<f64> = (0..20_000)
            .map(|_| {
                let (w, other) = (batch(), batch());
                coherence_tests::naive::dot(&w, &other)
                    - alpha_w * coherence_tests::naive::sq_norm(&w)
            })
            .collect();
        check_mean(&residuals, 0.0);
    }
}

/// Imputation from many independent batches; 1e-2 is over 5 standard errors of this α at 40,000.
#[test]
fn a05_imputed_alpha_is_that_of_examples() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let k = 8;
    let batches: Vec<Vec<f64>> =
        (0..40_000).map(|_| sum(&(0..k).map(|_| gradient(&mut rng)).collect::<Vec<_>>())).collect();
    let imputed = deamplify(coherence(&batches).alpha(), k);
    assert!((imputed - ALPHA).abs() < 1e-2, "{imputed}");
}

/// A fixed sample cut at random: the mean energy of a batch is what the finite form says, and what
/// the independent form says is refuted.
#[test]
fn a05b_partitions_of_a_sample_follow_the_finite_form() {
    let mut rng = ChaCha8Rng::seed_from_u64(55);
    let (m, k) = (12u64, 4u64);
    let mut rows: Vec<Vec<f64>> = (0..m).map(|_| gradient(&mut rng)).collect();
    let whole = coherence(&rows);
    let batch_energies: Vec<f64> = (0..20_000)
        .map(|_| {
            rows.shuffle(&mut rng);
            let batches: Vec<Vec<f64>> = rows.chunks(k as usize).map(sum).collect();
            coherence(&batches).energy()
        })
        .collect();
    let mean_batch = whole.sq_norm_of_mean() * (k * k) as f64;
    check_mean(&batch_energies, mean_batch / amplify_partition(whole.alpha(), m, k));
    let (mean, error) = mean_and_error(&batch_energies);
    let imputed = deamplify_partition(mean_batch / mean, m, k);
    assert!((imputed - whole.alpha()).abs() < 5.0 * error / mean, "{imputed}");
    assert!((mean - mean_batch / amplify(whole.alpha(), k)).abs() > 20.0 * error);
}

#[test]
fn a13_sample_alpha_is_biased_by_this_much() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for m in [2u64, 7, 30] {
        let values: Vec<f64> = (0..10_000)
            .map(|_| coherence(&(0..m).map(|_| gradient(&mut rng)).collect::<Vec<_>>()).alpha())
            .collect();
        check_mean(&values, expected_sample_alpha(ALPHA, m));
        assert!(mean_and_error(&values).0 > ALPHA);
    }
}

fn estimate(rows: &[Vec<f64>]) -> Estimate {
    let sums = accumulate(rows);
    let members = rows.iter().flat_map(|g| sums.member(g)).flatten();
    jackknife(sums.coherence(), members)
}

/// With the weights 1, 2, 3, 4 in turn.
fn weighted_estimate(rows: &[Vec<f64>]) -> Estimate {
    let weights: Vec<f64> = (0..rows.len()).map(|i| (i % 4 + 1) as f64).collect();
    let sums = weighted::accumulate(&weights, rows);
    let members = rows.iter().flat_map(|g| sums.member(g)).flatten();
    weighted_jackknife(sums.coherence(), weights.iter().copied().zip(members))
}

/// The truth about α̂ of 4,000 samples of 40: (values, claimed variance / actual variance).
fn of_samples(
    rng: &mut ChaCha8Rng,
    common: &[f64],
    estimate: impl Fn(&[Vec<f64>]) -> Estimate,
) -> (Vec<f64>, f64) {
    let (mut values, mut variances) = (Vec::new(), Vec::new());
    for _ in 0..4_000 {
        let rows: Vec<Vec<f64>> = (0..40).map(|_| gradient_with(rng, common)).collect();
        let estimate = estimate(&rows);
        values.push(estimate.value);
        variances.push(estimate.standard_error.powi(2));
    }
    let actual = mean_and_error(&values).1.powi(2) * values.len() as f64;
    let claimed = mean_and_error(&variances).0;
    (values, claimed / actual)
}

/// The variance of 4,000 values is known to √(2/4000) = 2.3 %, and the jackknife's own bias at
/// m = 40 is of order 1/m and upwards: five of the first and three of the second are 0.19.
#[test]
fn a15c_unbiased_alpha_is_unbiased_and_its_jackknife_error_is_honest() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let (values, claim) = of_samples(&mut rng, &[0.0, 1.0], estimate);
    check_mean(&values, ALPHA);
    assert!((claim - 1.0).abs() < 0.19, "{claim}");
}

/// As without weights; their effective number is 33, and the bias of that order.
#[test]
fn a15c_weighted_alpha_is_unbiased_and_its_jackknife_error_is_honest() {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let (values, claim) = of_samples(&mut rng, &[0.0, 1.0], weighted_estimate);
    check_mean(&values, ALPHA);
    assert!((claim - 1.0).abs() < 0.21, "{claim}");
}

/// Where g · E g is the same for all examples, as at a stationary point, U is a degenerate
/// U-statistic, and the jackknife claims twice its variance.
#[test]
fn a15c_jackknife_error_is_careful_where_u_is_degenerate() {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let (values, claim) = of_samples(&mut rng, &[0.5], estimate);
    check_mean(&values, ALPHA);
    assert!((claim - 2.0).abs() < 2.0 * 0.19, "{claim}");
}
