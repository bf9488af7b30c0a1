//! A15b: noise scale, and α per coordinate.

use coherence_core::{
    Part, finite::Policy, layers::network_alpha, noise_scale::alpha_from_noise_scale,
    similarity::CoordinateSums,
};
use coherence_tests::{
    cases, close, naive,
    strategies::{alpha, sample},
};
use proptest::prelude::*;

use super::coherence;

fn accumulate(rows: &[Vec<f64>]) -> CoordinateSums<Vec<f64>> {
    let len = CoordinateSums::buffer_len(rows[0].len());
    let mut sums = CoordinateSums::new(vec![f64::NAN; len]);
    rows.iter().for_each(|g| sums.add(g).unwrap());
    sums
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a15b_trace_of_covariance_equals_the_naive_one(rows in sample(10, 6)) {
        let c = coherence(&rows);
        let trace: f64 = (0..rows[0].len()).map(|j| naive::mean_and_variance(&rows, j).1).sum();
        close(c.trace_of_covariance() / c.energy().max(1.0), trace / c.energy().max(1.0), 1e-12);
    }

    #[test]
    fn a15b_alpha_and_noise_scale_determine_each_other(rows in sample(10, 6)) {
        let c = coherence(&rows);
        close(alpha_from_noise_scale(c.noise_scale()), c.alpha(), 1e-14);
        prop_assume!(c.alpha() > 1e-3);
        let trace: f64 = (0..rows[0].len()).map(|j| naive::mean_and_variance(&rows, j).1).sum();
        close(c.noise_scale(), trace / naive::sq_norm(&naive::mean(&rows)), 1e-9);
    }

    #[test]
    fn a15b_alpha_falls_as_noise_rises(a in 0.0..1e6f64, more in 1e-3..1e3f64) {
        prop_assert!(alpha_from_noise_scale(a + more) < alpha_from_noise_scale(a));
    }

    #[test]
    fn a15b_coordinates_combine_to_the_network(rows in sample(10, 6)) {
        let sums = accumulate(&rows);
        let parts: Vec<Part> = (0..sums.dim()).map(|j| sums.coordinate(j).into()).collect();
        close(network_alpha(&parts), naive::alpha(&rows), 1e-12);
    }

    #[test]
    fn a15b_coordinate_alpha_is_gsnr_over_one_plus_gsnr(rows in sample(10, 6)) {
        let sums = accumulate(&rows);
        for j in 0..sums.dim() {
            let (mean, variance) = naive::mean_and_variance(&rows, j);
            let column: Vec<Vec<f64>> = rows.iter().map(|g| vec![g[j]]).collect();
            let c = sums.coordinate(j);
            close(c.alpha(), naive::alpha(&column), 1e-12);
            if variance > 1e-6 * mean * mean && variance > 0.0 {
                let r = mean * mean / variance;
                close(c.alpha(), r / (1.0 + r), 1e-12);
                close(c.gsnr() / (1.0 + r), r / (1.0 + r), 1e-6);
            }
        }
    }

    #[test]
    fn a16_gsnr_is_the_reciprocal_of_the_noise_scale(rows in sample(10, 6)) {
        let c = coherence(&rows);
        prop_assume!(c.alpha() > 1e-6 && c.alpha() < 1.0 - 1e-6);
        close(c.gsnr() * c.noise_scale(), 1.0, 1e-9);
        close(c.gsnr(), c.alpha() / (1.0 - c.alpha()), 1e-14);
    }

    /// Integers of this size add without rounding.
    #[test]
    fn a15b_merge_equals_concatenation_at_every_split(
        rows in prop::collection::vec(prop::array::uniform3((-100..=100i32).prop_map(f64::from)), 2..9)
    ) {
        let rows: Vec<Vec<f64>> = rows.iter().map(|g| g.to_vec()).collect();
        let whole = accumulate(&rows);
        for split in 1..rows.len() {
            let mut left = accumulate(&rows[..split]);
            left.add_sums(&accumulate(&rows[split..]));
            for j in 0..3 {
                prop_assert_eq!(left.coordinate(j), whole.coordinate(j));
            }
        }
    }

    #[test]
    fn a15b_noise_scale_inverts(a in alpha()) {
        prop_assume!(a > 0.0);
        close(alpha_from_noise_scale((1.0 - a) / a), a, 1e-14);
    }
}

#[test]
fn a15b_edges_of_the_noise_scale() {
    let still = coherence(&[vec![1.0], vec![-1.0]]);
    assert_eq!((still.noise_scale(), still.gsnr()), (f64::INFINITY, 0.0));
    let equal = coherence(&[vec![2.0], vec![2.0]]);
    assert_eq!((equal.noise_scale(), equal.gsnr()), (0.0, f64::INFINITY));
    assert_eq!((alpha_from_noise_scale(f64::INFINITY), alpha_from_noise_scale(0.0)), (0.0, 1.0));
}

#[test]
fn a15b_coordinate_sums_refuse_what_is_not_finite() {
    let mut sums = accumulate(&[vec![1.0, 2.0]]);
    assert_eq!(sums.add(&[0.0, f64::NAN]).unwrap_err().index, 1);
    assert_eq!(sums.coordinate(0), coherence(&[vec![1.0]]));
    assert_eq!(sums.coordinate(1), coherence(&[vec![2.0]]));
}

/// All coordinates keep one m, without which they would not combine to the network's α.
#[test]
fn a15b_coordinate_sums_omit_whole_examples() {
    let rows = [vec![1.0, 2.0], vec![3.0, 4.0]];
    let bad = [5.0, f64::INFINITY];
    let mut sums = CoordinateSums::with_policy([1.0; 4], Policy::Omit);
    sums.add(&bad).unwrap();
    rows.iter().for_each(|g| sums.add(g).unwrap());
    assert_eq!(sums.omitted(), 1);
    let mut other = CoordinateSums::with_policy([0.0; 4], Policy::Omit);
    other.add(&bad).unwrap();
    other.add(&bad).unwrap();
    sums.add_sums(&other);
    assert_eq!(sums.omitted(), 3);
    for j in 0..2 {
        assert_eq!(sums.coordinate(j), accumulate(&rows).coordinate(j));
    }
}

#[test]
fn a15b_coordinate_sums_propagate_within_the_coordinate() {
    let mut sums = CoordinateSums::with_policy([0.0; 4], Policy::Propagate);
    sums.add(&[1.0, f64::NAN]).unwrap();
    assert!(sums.coordinate(1).alpha().is_nan());
    assert_eq!(sums.coordinate(0), coherence(&[vec![1.0]]));
    assert_eq!(sums.omitted(), 0);
}

#[test]
#[should_panic(expected = "two sums per coordinate")]
fn a15b_an_odd_buffer_is_a_bug() {
    CoordinateSums::new([0.0; 3]);
}

#[test]
#[should_panic(expected = "differ in length")]
fn a15b_a_gradient_of_another_length_is_a_bug() {
    let _ = CoordinateSums::new([0.0; 4]).add(&[1.0]);
}

#[test]
#[should_panic(expected = "different dimensions")]
fn a15b_merging_another_length_is_a_bug() {
    CoordinateSums::new([0.0; 4]).add_sums(&CoordinateSums::new([0.0; 6]));
}
