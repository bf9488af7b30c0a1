//! The accumulators over all exponents of f64: α does not depend on the unit of gradients or weights.

use coherence_core::{Sums, WeightedSums};
use coherence_tests::{cases, close, naive};
use proptest::prelude::*;

use super::{accumulate, coherence, weighted, zeros};

/// Rows of integers of ten bits, which 2ᵏ scales exactly from the least subnormal to the end of f64.
fn integers() -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1..5usize).prop_flat_map(|d| {
        let row = prop::collection::vec((-1000..=1000i32).prop_map(f64::from), d);
        prop::collection::vec(row, 1..9)
    })
}

/// Exponents of two, the ends of the ranges among them.
fn exponent(largest: i32) -> impl Strategy<Value = i32> {
    let ends = prop::sample::select(vec![-1074, -1000, -490, -480, 0, 476, 486, 950, 960, largest]);
    prop_oneof![-1074..=largest, ends]
}

/// x · 2ᵏ, also where 2ᵏ is subnormal.
fn scaled(x: f64, k: i32) -> f64 {
    x * 2f64.powi(k / 2) * 2f64.powi(k - k / 2)
}

fn scaled_rows(rows: &[Vec<f64>], k: i32) -> Vec<Vec<f64>> {
    rows.iter().map(|g| g.iter().map(|&x| scaled(x, k)).collect()).collect()
}

/// Weights of few bits, as many as there may be rows.
fn weights() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((0..100u8).prop_map(f64::from), 9)
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a03_alpha_has_no_unit(rows in integers(), k in exponent(1013)) {
        let sums = accumulate(&scaled_rows(&rows, k));
        let (expected, normalized) = (coherence(&rows), sums.normalized());
        prop_assert_eq!(normalized.alpha(), expected.alpha());
        prop_assert_eq!(normalized.alpha_debiased().to_bits(), expected.alpha_debiased().to_bits());
        // S in the gradients' unit: ±∞ exactly where it exceeds f64.
        prop_assert!(sums.sum().eq(naive::sum(&rows).iter().map(|&s| scaled(s, k))));
        prop_assert_eq!(sums.clone().into_buffer(), sums.sum().collect::<Vec<f64>>());
    }

    #[test]
    fn a03_weighted_alpha_has_no_units(
        rows in integers(),
        w in weights(),
        j in exponent(1016),
        k in exponent(1013),
    ) {
        let w = &w[..rows.len()];
        let other: Vec<f64> = w.iter().map(|&w| scaled(w, j)).collect();
        let expected = weighted::accumulate(w, &rows).coherence();
        let normalized = weighted::accumulate(&other, &scaled_rows(&rows, k)).normalized();
        let queries = |c: &coherence_core::WeightedCoherence| {
            [c.alpha(), c.alpha_debiased(), c.effective_sample_size()].map(f64::to_bits)
        };
        prop_assert_eq!(queries(&normalized), queries(&expected));
        prop_assert_eq!(normalized.m, expected.m);
    }

    /// Rows of very different magnitude, in any order, whole or merged.
    #[test]
    fn a03_rows_of_all_magnitudes_meet(
        rows in integers(),
        k in prop::collection::vec(prop::sample::select(vec![-1074, -600, -480, 0, 480, 600, 955, 1013]), 9),
        split in any::<prop::sample::Index>(),
    ) {
        let highest = rows.iter().zip(&k).filter(|(g, _)| g.iter().any(|x| *x != 0.0)).map(|(_, k)| *k).max();
        let at = |lower: i32| -> Vec<Vec<f64>> {
            rows.iter().zip(&k).map(|(g, k)| g.iter().map(|&x| scaled(x, k - lower)).collect()).collect()
        };
        let expected = naive::alpha(&at(highest.unwrap_or(0))); // the largest rows are ordinary there
        let whole = at(0);
        close(accumulate(&whole).normalized().alpha(), expected, 1e-12);
        let (left, right) = whole.split_at(split.index(whole.len()));
        let (mut merged, mut other) = (zeros(rows[0].len()), zeros(rows[0].len()));
        left.iter().for_each(|g| merged.add(g).unwrap());
        right.iter().for_each(|g| other.add(g).unwrap());
        merged.add_sums(&other);
        close(merged.normalized().alpha(), expected, 1e-12);
    }

    /// The exponents change nothing where plain sums do.
    #[test]
    fn a01_ordinary_sums_are_bit_for_bit_the_plain_loop(
        rows in prop::collection::vec(prop::array::uniform3(-1e30..1e30f64), 1..9),
        w in prop::collection::vec(-40..40i32, 9),
        mantissas in prop::collection::vec(1.0..2.0f64, 9),
    ) {
        let (mut sums, mut weighted) = (Sums::new([0.0; 3]), WeightedSums::new([0.0; 3]));
        let (mut s, mut ws, mut q, mut wq) = ([0.0; 3], [0.0; 3], 0.0, 0.0);
        for ((g, e), x) in rows.iter().zip(&w).zip(&mantissas) {
            let weight = x * 10f64.powi(*e); // one that grows raises the exponent
            sums.add(g).unwrap();
            weighted.add(weight, g).unwrap();
            for j in 0..3 {
                s[j] += g[j];
                ws[j] += weight * g[j];
            }
            let squares = g.iter().fold(0.0, |q, x| q + x * x);
            q += squares;
            wq += weight * squares;
        }
        prop_assert!(sums.sum().eq(s) && weighted.sum().eq(ws));
        let (c, wc) = (sums.coherence(), weighted.coherence());
        prop_assert_eq!((c.sum_sq_norms, wc.sum_sq_norms), (q, wq));
        prop_assert_eq!(c.sq_norm_of_sum, s.iter().fold(0.0, |q, x| q + x * x));
        prop_assert_eq!(wc.sq_norm_of_sum, ws.iter().fold(0.0, |q, x| q + x * x));
    }

    #[test]
    fn a15d_members_see_sums_beyond_f64(k in 950..1020i32) {
        let mut sums = zeros(1);
        (0..8).for_each(|_| sums.add(&[2f64.powi(k)]).unwrap());
        let least = 2f64.powi(-k); // S · g = 8
        prop_assert_eq!(sums.member(&[least]).unwrap().unwrap().dot_with_sum, 8.0);
    }
}

#[test]
fn a01_a_sum_that_exceeds_f64_is_infinite_and_has_a_coherence() {
    let mut sums = zeros(2);
    sums.add(&[1.7e308, -1.0]).unwrap();
    sums.add(&[1.7e308, -1.0]).unwrap();
    assert!(sums.sum().eq([f64::INFINITY, -2.0]));
    assert_eq!((sums.normalized().alpha(), sums.normalized().m_coherence()), (1.0, 2.0));
    sums.clear();
    sums.add(&[1.0, 3.0]).unwrap();
    assert!(sums.sum().eq([1.0, 3.0]));
}

#[test]
fn a01_the_largest_and_the_least_weights_have_a_coherence() {
    for weight in [f64::MAX, f64::from_bits(1)] {
        for g in [f64::MAX, 1.0, f64::from_bits(1)] {
            let mut sums = WeightedSums::new([0.0; 2]);
            sums.add(weight, &[g, g]).unwrap();
            sums.add(weight, &[g, -g]).unwrap();
            let c = sums.normalized();
            assert_eq!((c.alpha(), c.effective_sample_size()), (0.5, 2.0), "{weight:e} {g:e}");
        }
    }
}
