//! A11, A12, A12b: bounds, and the recursion that they come from.

use coherence_core::{
    bounds::{Problem, Step, distance_bound, divergence, stability},
    finite::Policy,
};
use coherence_tests::{
    cases, close, naive,
    strategies::{alpha, sample},
};
use proptest::prelude::*;

use crate::defined::pairwise_distance;

use super::coherence;

fn problem() -> impl Strategy<Value = Problem> {
    (0.1..5.0f64, 0.0..2.0f64, 1..1000u64).prop_map(|(lipschitz, smoothness, m)| Problem {
        lipschitz,
        smoothness,
        m,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(
        (0.0..1.0f64, alpha()).prop_map(|(rate, alpha)| Step { rate, alpha }),
        0..8,
    )
}

/// Theorem 1 as it is printed.
fn theorem_1(p: &Problem, steps: &[Step]) -> f64 {
    let term = |t: usize| {
        let expansion: f64 = steps[t + 1..].iter().map(|k| 1.0 + k.rate * p.smoothness).product();
        expansion * steps[t].rate * (2.0 * (1.0 - steps[t].alpha)).sqrt()
    };
    p.lipschitz.powi(2) / p.m as f64 * (0..steps.len()).map(term).sum::<f64>()
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a11_expected_distance_is_bounded(rows in sample(10, 6)) {
        let c = coherence(&rows);
        let bound = distance_bound(c.alpha(), c.energy());
        // 1 − α loses what rounding takes from a distance near 0.
        let distance = pairwise_distance(&rows, Policy::Error).unwrap().unwrap();
        prop_assert!(distance <= bound + 1e-7 * c.energy().sqrt());
        prop_assume!(c.energy() > 0.0);
        close(bound * bound / c.energy(), 2.0 * (1.0 - naive::alpha(&rows)), 1e-12);
    }

    /// Jensen's inequality is an equality where all distances of pairs are equal.
    #[test]
    fn a11_bound_is_the_root_mean_square_distance(rows in sample(10, 6)) {
        let m = rows.len() as f64;
        let mean_square = rows.iter()
            .flat_map(|a| rows.iter().map(move |b| naive::distance(a, b).powi(2))).sum::<f64>() / (m * m);
        let c = coherence(&rows);
        close(distance_bound(c.alpha(), c.energy()).powi(2) / c.energy().max(1e-9), mean_square / c.energy().max(1e-9), 1e-9);
    }

    #[test]
    fn a12_gap_bound_equals_theorem_1(p in problem(), steps in steps()) {
        close(p.gap_bound(&steps) * p.m as f64, theorem_1(&p, &steps) * p.m as f64, 1e-12);
    }

    #[test]
    fn a12_gap_bound_falls_as_coherence_rises(p in problem(), steps in steps(), by in 0.0..1.0f64) {
        let better: Vec<Step> =
            steps.iter().map(|s| Step { alpha: s.alpha + by * (1.0 - s.alpha), ..*s }).collect();
        prop_assert!(p.gap_bound(&better) <= p.gap_bound(&steps) * (1.0 + 1e-12));
    }

    /// The bound is the recursion of the divergence with its average hits, times L.
    #[test]
    fn a12b_divergence_unrolls_to_theorem_1(p in problem(), steps in steps()) {
        let mut apart = 0.0;
        for step in &steps {
            let gradients_apart = distance_bound(step.alpha, p.lipschitz.powi(2));
            apart = divergence(apart, step.rate, p.smoothness, 1.0 / p.m as f64, gradients_apart);
        }
        close(p.lipschitz * apart * p.m as f64, theorem_1(&p, &steps) * p.m as f64, 1e-12);
    }

    /// Quadratic losses β/2 ‖w − z‖², one batch: the bound of the divergence is attained or beaten.
    #[test]
    fn a12b_divergence_bounds_two_runs(
        z in prop::collection::vec(-1.0..1.0f64, 2..6), other in -1.0..1.0f64,
        beta in 0.0..2.0f64, rates in prop::collection::vec(0.0..1.0f64, 1..6),
    ) {
        let m = z.len() as f64;
        let mut replaced = z.clone();
        replaced[0] = other;
        let (mut w, mut w2, mut bound) = (0.0, 0.0, 0.0f64);
        for rate in rates {
            let gradient = |w: f64, z: &[f64]| z.iter().map(|z| beta * (w - z)).sum::<f64>() / m;
            bound = divergence(bound, rate, beta, 1.0 / m, (beta * (z[0] - other)).abs());
            (w, w2) = (w - rate * gradient(w, &z), w2 - rate * gradient(w2, &replaced));
            prop_assert!((w - w2).abs() <= bound + 1e-12);
        }
    }

    /// A fair lot: example i is in a batch of b of m with probability b/m.
    #[test]
    fn a12b_hits_average_to_one_over_m(m in 1..7usize, b in 1..4usize) {
        prop_assume!(b <= m);
        let draws: Vec<Vec<usize>> = naive::draws(m, b).into_iter()
            .filter(|draw| (1..b).all(|i| draw[i - 1] < draw[i])).collect();
        let shares = draws.iter().map(|draw| f64::from(u8::from(draw.contains(&0))) / b as f64);
        let average = shares.map(|share| divergence(0.0, 1.0, 0.0, share, 1.0)).sum::<f64>() / draws.len() as f64;
        close(average, divergence(0.0, 1.0, 0.0, 1.0 / m as f64, 1.0), 1e-14);
    }

    #[test]
    fn a12b_constant_rate_bound_is_the_printed_sum(p in problem(), rate in 0.0..1.0f64, alphas in prop::collection::vec(alpha(), 0..8)) {
        let t_max = alphas.len();
        let sum: f64 = (1..=t_max)
            .map(|t| ((t_max - t) as f64 * rate * p.smoothness).exp() * (2.0 * (1.0 - alphas[t - 1])).sqrt())
            .sum();
        let expected = p.lipschitz.powi(2) * rate * sum;
        close(p.gap_bound_constant_rate(rate, &alphas) * p.m as f64, expected, 1e-12);
        let steps: Vec<Step> = alphas.iter().map(|&alpha| Step { rate, alpha }).collect();
        prop_assert!(p.gap_bound(&steps) <= p.gap_bound_constant_rate(rate, &alphas) * (1.0 + 1e-12));
    }

    #[test]
    fn a12b_decaying_rate_bound_is_the_printed_sum(p in problem(), rate in 0.0..1.0f64, alphas in prop::collection::vec(alpha(), 0..8)) {
        let sum: f64 = alphas.iter().map(|a| (2.0 * (1.0 - a)).sqrt()).sum();
        let expected = p.lipschitz.powi(2) * rate * (alphas.len() as f64).powf(rate * p.smoothness) * sum;
        close(p.gap_bound_decaying_rate(rate, &alphas) * p.m as f64, expected, 1e-12);
        let steps: Vec<Step> =
            alphas.iter().enumerate().map(|(i, &alpha)| Step { rate: rate / (i + 1) as f64, alpha }).collect();
        prop_assert!(p.gap_bound(&steps) <= p.gap_bound_decaying_rate(rate, &alphas) * (1.0 + 1e-12));
    }

    /// A finite world, all samples of m listed: the learner takes the mean, the loss is squared.
    #[test]
    fn a12b_expected_stability_is_the_expected_gap(world in prop::collection::vec(-3.0..3.0f64, 1..4), m in 1..4usize) {
        let n = world.len();
        let learn = |sample: &[usize]| sample.iter().map(|&i| world[i]).sum::<f64>() / sample.len() as f64;
        let loss = |w: f64, z: usize| (w - world[z]).powi(2);
        let samples = naive::draws(n, m);
        let (mut gap, mut stable) = (0.0, 0.0);
        for sample in &samples {
            let w = learn(sample);
            let with: Vec<f64> = sample.iter().map(|&z| loss(w, z)).collect();
            gap += (0..n).map(|z| loss(w, z)).sum::<f64>() / n as f64 - with.iter().sum::<f64>() / m as f64;
            for other in 0..n {
                let without: Vec<f64> = (0..m).map(|i| {
                    let mut replaced = sample.clone();
                    replaced[i] = other;
                    loss(learn(&replaced), sample[i])
                }).collect();
                stable += stability(&without, &with) / n as f64;
            }
        }
        close(stable / samples.len() as f64, gap / samples.len() as f64, 1e-12);
    }
}

#[test]
fn a12_perfect_coherence_or_no_training_leaves_no_gap() {
    let p = Problem { lipschitz: 3.0, smoothness: 1.0, m: 7 };
    assert_eq!(p.gap_bound(&[]), 0.0);
    assert_eq!(p.gap_bound(&[Step { rate: 0.5, alpha: 1.0 }; 4]), 0.0);
}

#[test]
fn a12b_empty_runs_have_no_gap_and_no_stability() {
    let p = Problem { lipschitz: 3.0, smoothness: 1.0, m: 7 };
    assert_eq!(
        (p.gap_bound_constant_rate(0.1, &[]), p.gap_bound_decaying_rate(0.1, &[])),
        (0.0, 0.0)
    );
    assert!(stability(&[], &[]).is_nan());
}

#[test]
#[should_panic(expected = "different numbers")]
fn a12b_losses_of_different_numbers_of_examples_are_a_bug() {
    stability(&[1.0, 2.0], &[1.0]);
}
