//! A6, A6b, A8, A9, A10: α of samples built from parts.

use coherence_core::{
    Coherence, Part,
    commonality::{common_share, commonality_alpha, diluted_commonality_alpha},
    layers::{network, network_alpha},
    mixture::{dilute, mixture_alpha, mixture_bound},
};
use coherence_tests::{
    cases, close, naive,
    strategies::{alpha, sample},
};
use proptest::prelude::*;

use super::coherence;

fn part(rows: &[Vec<f64>]) -> Part {
    Part { alpha: naive::alpha(rows), energy: naive::sum_sq_norms(rows) / rows.len() as f64 }
}

/// U and V side by side in orthogonal coordinates; every example of U `n_u` times, of V `n_v`.
fn mix(u: &[Vec<f64>], n_u: usize, v: &[Vec<f64>], n_v: usize) -> Vec<Vec<f64>> {
    let (d_u, d_v) = (u[0].len(), v[0].len());
    let left = u.iter().map(|g| [g.clone(), vec![0.0; d_v]].concat());
    let right = v.iter().map(|g| [vec![0.0; d_u], g.clone()].concat());
    let copies = |g: Vec<f64>, n| std::iter::repeat_n(g, n);
    left.flat_map(|g| copies(g, n_u)).chain(right.flat_map(|g| copies(g, n_v))).collect()
}

/// g_i = c + u_i: coordinate 0 is common, coordinate i its own; then `zeros` zero gradients.
fn with_common(m: usize, c: f64, u: f64, zeros: usize) -> Vec<Vec<f64>> {
    let mut rows = vec![vec![0.0; m + 1]; m + zeros];
    for (i, row) in rows.iter_mut().enumerate().take(m) {
        row[0] = c;
        row[i + 1] = u;
    }
    rows
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a06_zero_gradients_dilute(rows in sample(8, 5), zeros in 0..10usize) {
        let m = rows.len();
        let mut diluted = rows.clone();
        diluted.resize(m + zeros, vec![0.0; rows[0].len()]);
        let p = m as f64 / (m + zeros) as f64;
        close(dilute(naive::alpha(&rows), p), naive::alpha(&diluted), 1e-13);
    }

    #[test]
    fn a06b_mixture_equals_the_mixed_sample(u in sample(5, 4), v in sample(5, 4), n_u in 0..4usize, n_v in 0..4usize) {
        prop_assume!(n_u + n_v > 0);
        let p = (n_u * u.len()) as f64 / (n_u * u.len() + n_v * v.len()) as f64;
        let expected = naive::alpha(&mix(&u, n_u, &v, n_v));
        close(mixture_alpha(p, part(&u), part(&v)), expected, 1e-11);
    }

    #[test]
    fn a06b_mixture_is_bounded(k in 0..=1024u16, a_u in alpha(), a_v in alpha(), e_u in 0.0..10.0f64, e_v in 0.0..10.0f64) {
        let p = f64::from(k) / 1024.0; // so that 1 − (1 − p) = p
        let (u, v) = (Part { alpha: a_u, energy: e_u }, Part { alpha: a_v, energy: e_v });
        let (exact, bound) = (mixture_alpha(p, u, v), mixture_bound(p, a_u, a_v));
        prop_assert!(0.0 <= exact && exact <= bound + 1e-15);
        close(exact, mixture_alpha(1.0 - p, v, u), 1e-14);
        close(bound, p * a_u + a_v - p * a_v, 1e-14);
    }

    /// The bound is reached as one part takes all of the energy and has probability 1.
    #[test]
    fn a06b_mixture_of_one_part_is_that_part(a in alpha(), b in alpha(), e in 0.1..10.0f64) {
        let (u, v) = (Part { alpha: a, energy: e }, Part { alpha: b, energy: e });
        prop_assert_eq!((mixture_alpha(1.0, u, v), mixture_bound(1.0, a, b)), (a, a));
        prop_assert_eq!((mixture_alpha(0.0, u, v), mixture_bound(0.0, a, b)), (b, b));
    }

    #[test]
    fn a06b_a_part_without_energy_dilutes(p in 0.01..1.0f64, a in alpha(), e in 0.1..10.0f64) {
        let silent = Part::default();
        close(mixture_alpha(p, Part { alpha: a, energy: e }, silent), dilute(a, p), 1e-15);
    }

    #[test]
    fn a08_commonality_equals_the_constructed_sample(m in 1..10usize, c in -5.0..5.0f64, u in 0.1..5.0f64) {
        let f = common_share(c * c, u * u);
        close(f, c * c / (c * c + u * u), 1e-15);
        close(commonality_alpha(m as u64, f), naive::alpha(&with_common(m, c, u, 0)), 1e-13);
    }

    #[test]
    fn a08_diluted_commonality_equals_the_constructed_sample(m in 1..10usize, k in 0..10usize, c in -5.0..5.0f64, u in 0.1..5.0f64) {
        let f = common_share(c * c, u * u);
        let expected = naive::alpha(&with_common(m, c, u, k));
        close(diluted_commonality_alpha((m + k) as u64, k as u64, f), expected, 1e-13);
    }

    #[test]
    fn a09_copies_keep_alpha_and_multiply_m_coherence(rows in sample(8, 5), copies in 1..5u64) {
        let repeated: Vec<Vec<f64>> =
            rows.iter().flat_map(|g| vec![g.clone(); copies as usize]).collect();
        let replicated = coherence(&rows).replicated(copies);
        prop_assert_eq!(replicated.m, repeated.len() as u64);
        close(replicated.sq_norm_of_sum, naive::sq_norm(&naive::sum(&repeated)), 1e-12);
        close(replicated.sum_sq_norms, naive::sum_sq_norms(&repeated), 1e-12);
        close(replicated.alpha(), coherence(&rows).alpha(), 1e-14);
        close(replicated.m_coherence(), copies as f64 * coherence(&rows).m_coherence(), 1e-13);
    }

    #[test]
    fn a09_k_copies_of_orthogonal_gradients_give_k(d in 1..8usize, k in 1..8u64) {
        let copies: Vec<Vec<f64>> = coherence_tests::strategies::orthogonal(d, 3.0)
            .into_iter().flat_map(|g| vec![g; k as usize]).collect();
        close(coherence(&copies).m_coherence(), k as f64, 1e-13);
    }

    #[test]
    fn a10_network_alpha_is_the_convex_combination(rows in sample(8, 8), cut in any::<prop::sample::Index>(), cut2 in any::<prop::sample::Index>()) {
        let d = rows[0].len();
        let (a, b) = (cut.index(d + 1), cut2.index(d + 1));
        let layers: Vec<Vec<Vec<f64>>> = [0..a.min(b), a.min(b)..a.max(b), a.max(b)..d]
            .map(|range| rows.iter().map(|g| g[range.clone()].to_vec()).collect()).to_vec();
        let parts: Vec<Part> = layers.iter().map(|l| Part::from(coherence(l))).collect();
        close(network_alpha(&parts), naive::alpha(&rows), 1e-12);
        let highest = parts.iter().map(|l| l.alpha).fold(0.0, f64::max);
        prop_assert!(network_alpha(&parts) <= highest + 1e-15);

        let all: Vec<Coherence> = layers.iter().map(|l| coherence(l)).collect();
        let whole = network(&all).unwrap();
        prop_assert_eq!(whole.m, rows.len() as u64);
        close(whole.sq_norm_of_sum, coherence(&rows).sq_norm_of_sum, 1e-13);
        close(whole.sum_sq_norms, coherence(&rows).sum_sq_norms, 1e-13);
    }
}

#[test]
fn a06b_silence_mixed_with_silence_is_zero() {
    assert_eq!(mixture_alpha(0.5, Part::default(), Part::default()), 0.0);
}

#[test]
fn a08_edges_of_the_common_share() {
    assert_eq!(
        (common_share(0.0, 0.0), common_share(0.0, 2.0), common_share(2.0, 0.0)),
        (0.0, 0.0, 1.0)
    );
    assert_eq!((commonality_alpha(4, 0.0), commonality_alpha(4, 1.0)), (0.25, 1.0));
    assert_eq!(diluted_commonality_alpha(8, 7, 0.9), 0.125);
}

#[test]
fn a09_no_copies_are_no_sample() {
    let c = Coherence { m: 3, sq_norm_of_sum: 2.0, sum_sq_norms: 5.0 };
    assert_eq!(c.replicated(0), Coherence::default());
}

#[test]
fn a10_layers_must_have_seen_the_same_examples() {
    let layer = |m| Coherence { m, sq_norm_of_sum: 1.0, sum_sq_norms: 1.0 };
    assert_eq!(network(&[layer(2), layer(2), layer(3)]), None);
    assert_eq!(network(&[]), Some(Coherence::default()));
    assert!(network_alpha(&[]).is_nan());
    assert_eq!(network_alpha(&[Part::default()]), 0.0);
}
