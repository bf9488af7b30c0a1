//! A1: the accumulator.

use coherence_core::{
    Coherence, Member, Sums,
    finite::{NonFinite, Policy},
};
use coherence_tests::{
    cases, close, naive,
    strategies::{extreme_sample, sample},
};
use proptest::prelude::*;

use super::{accumulate, coherence, zeros};

coherence_tests::coherence_laws!(streaming, 1e-12, |rows: &[Vec<f64>]| {
    let c = coherence(rows);
    (c.sq_norm_of_sum, c.sum_sq_norms)
});

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a01_sums_equal_the_naive_sums(rows in sample(12, 8)) {
        let sums = accumulate(&rows);
        prop_assert!(sums.sum().eq(naive::sum(&rows)));
        prop_assert_eq!((sums.len(), sums.dim(), sums.omitted()), (rows.len() as u64, rows[0].len(), 0));
        let c = sums.coherence();
        prop_assert_eq!(c.m, rows.len() as u64);
        close(c.sq_norm_of_sum, naive::sq_norm(&naive::sum(&rows)), 1e-13);
        close(c.sum_sq_norms, naive::sum_sq_norms(&rows), 1e-13);
    }

    /// Integers of this size add without rounding, so the law holds bit for bit.
    #[test]
    fn a01_merge_equals_concatenation_at_every_split(
        rows in prop::collection::vec(prop::array::uniform4((-1000..=1000i32).prop_map(f64::from)), 1..12)
    ) {
        let rows: Vec<Vec<f64>> = rows.iter().map(|g| g.to_vec()).collect();
        let whole = accumulate(&rows);
        for split in 0..=rows.len() {
            let mut left = zeros(4);
            let mut right = Sums::new([0.0; 4]); // another container
            rows[..split].iter().for_each(|g| left.add(g).unwrap());
            rows[split..].iter().for_each(|g| right.add(g).unwrap());
            left.add_sums(&right);
            prop_assert!(left.sum().eq(whole.sum()));
            prop_assert_eq!(left.coherence(), whole.coherence());
        }
    }

    #[test]
    fn a01_merging_nothing_is_the_identity(rows in sample(8, 5)) {
        let mut merged = accumulate(&rows);
        merged.add_sums(&zeros(rows[0].len()));
        prop_assert!(merged.sum().eq(naive::sum(&rows)));
        prop_assert_eq!(merged.coherence(), coherence(&rows));
    }

    #[test]
    fn a01_f32_gradients_are_summed_in_f64(rows in sample(8, 5)) {
        let narrow: Vec<Vec<f32>> =
            rows.iter().map(|g| g.iter().map(|&x| x as f32 * 1e30).collect()).collect();
        let mut sums = zeros(rows[0].len());
        narrow.iter().for_each(|g| sums.add(g).unwrap()); // squares near 1e62: no f32
        let widened: Vec<Vec<f64>> =
            narrow.iter().map(|g| g.iter().map(|&x| f64::from(x)).collect()).collect();
        prop_assert_eq!(sums.coherence(), coherence(&widened));
        close(sums.coherence().alpha(), naive::alpha(&widened), 1e-12);
    }

    /// Scaling by a power of two is exact, so α must not feel it, whatever happens to the squares.
    #[test]
    fn a03_normalized_alpha_survives_squares_beyond_f64((rows, e) in extreme_sample(8, 5)) {
        let k = 2f64.powi(e);
        let scaled: Vec<Vec<f64>> = rows.iter().map(|g| g.iter().map(|x| k * x).collect()).collect();
        let normalized = accumulate(&scaled).normalized();
        prop_assert_eq!(normalized.m, rows.len() as u64);
        close(normalized.alpha(), coherence(&rows).alpha(), 1e-12);
        close(accumulate(&rows).normalized().alpha(), coherence(&rows).alpha(), 1e-14);
    }

    #[test]
    fn a01_a_refused_example_changes_nothing(
        rows in sample(6, 5),
        at in any::<prop::sample::Index>(),
        bad in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
    ) {
        let mut sums = accumulate(&rows);
        let mut refused = rows[0].clone();
        let index = at.index(refused.len());
        refused[index] = bad;
        prop_assert_eq!(sums.add(&refused), Err(NonFinite { index }));
        prop_assert_eq!(sums.coherence(), coherence(&rows));
        prop_assert_eq!((sums.len(), sums.omitted()), (rows.len() as u64, 0));
    }

    #[test]
    fn a01_omitting_is_never_having_seen(rows in sample(6, 5), at in any::<prop::sample::Index>()) {
        let mut sums = Sums::with_policy(vec![1.0; rows[0].len()], Policy::Omit);
        let mut bad = rows[0].clone();
        bad[at.index(rows[0].len())] = f64::NAN;
        sums.add(&bad).unwrap();
        rows.iter().for_each(|g| sums.add(g).unwrap());
        sums.add(&bad).unwrap();
        prop_assert_eq!(sums.coherence(), coherence(&rows));
        prop_assert_eq!(sums.omitted(), 2);
        let mut merged = sums.clone();
        merged.add_sums(&sums);
        merged.add_sums(&sums);
        prop_assert_eq!(merged.omitted(), 6);
    }
}

#[test]
fn a15d_members_obey_the_policy_of_their_sums() {
    let (good, bad) = ([1.0, 2.0], [1.0, f64::INFINITY]);
    let with = |policy| {
        let mut sums = Sums::with_policy([0.0; 2], policy);
        sums.add(&good).unwrap();
        sums
    };
    assert_eq!(with(Policy::Error).member(&bad), Err(NonFinite { index: 1 }));
    assert_eq!(with(Policy::Omit).member(&bad), Ok(None));
    let infinite = Member { dot_with_sum: f64::INFINITY, sq_norm: f64::INFINITY };
    assert_eq!(with(Policy::Propagate).member(&bad), Ok(Some(infinite)));
    for policy in [Policy::Error, Policy::Propagate, Policy::Omit] {
        assert_eq!(with(policy).policy(), policy);
        let member = Member { dot_with_sum: 5.0, sq_norm: 5.0 };
        assert_eq!(with(policy).member(&good), Ok(Some(member)));
    }
}

#[test]
fn a01_propagate_carries_nan_to_every_query() {
    let mut sums = Sums::with_policy([0.0; 2], Policy::Propagate);
    sums.add(&[1.0, 2.0]).unwrap();
    sums.add(&[f64::NAN, 2.0]).unwrap();
    assert_eq!(sums.len(), 2);
    for c in [sums.coherence(), sums.normalized()] {
        assert!(c.alpha().is_nan() && c.m_coherence().is_nan() && c.energy().is_nan());
    }
    let mut infinite = Sums::with_policy([0.0], Policy::Propagate);
    infinite.add(&[f64::NEG_INFINITY]).unwrap();
    assert_eq!(infinite.coherence().energy(), f64::INFINITY);
    assert!(infinite.normalized().alpha().is_nan());
}

#[test]
fn a01_no_example_and_no_parameter_are_defined() {
    let mut sums = zeros(3);
    assert!(sums.is_empty());
    assert_eq!(sums.coherence(), Coherence::default());
    assert_eq!(sums.normalized(), Coherence::default());
    sums.add(&[0.0f32; 3]).unwrap();
    assert!(!sums.is_empty());

    let mut pointless = zeros(0);
    pointless.add::<f64>(&[]).unwrap();
    assert_eq!(pointless.coherence(), Coherence { m: 1, ..Default::default() });
}

#[test]
fn a01_subnormal_gradients_have_a_coherence() {
    let least = f64::from_bits(1);
    let mut sums = zeros(2);
    sums.add(&[least, least]).unwrap();
    sums.add(&[least, -least]).unwrap();
    assert_eq!(sums.coherence().alpha(), 0.0); // the squares are 0
    assert_eq!(sums.normalized().alpha(), 0.5);
}

/// S lies in a lower range than the gradients if they cancel, in a higher one if they add up.
#[test]
fn a01_sum_and_gradients_may_lie_in_different_ranges() {
    let (large, middle) = (2f64.powi(600), 2f64.powi(400));
    let cancelling = accumulate(&[vec![large, middle], vec![-large, middle]]);
    assert_eq!(cancelling.normalized().alpha(), 2f64.powi(-400));
    for e in [-482, -481, 485, 486] {
        let equal = accumulate(&vec![vec![2f64.powi(e)]; 4]);
        assert_eq!(equal.normalized().alpha(), 1.0);
        assert_eq!(equal.normalized().m_coherence(), 4.0);
    }
}

#[test]
fn a01_largest_values_have_a_coherence() {
    let mut sums = zeros(2);
    sums.add(&[f64::MAX, 0.0]).unwrap();
    sums.add(&[0.0, -f64::MAX]).unwrap();
    close(sums.normalized().alpha(), 0.5, 1e-15);
}

#[test]
#[should_panic(expected = "differ in length")]
fn a01_a_gradient_of_another_length_is_a_bug() {
    let _ = zeros(2).add(&[1.0]);
}

#[test]
#[should_panic(expected = "different dimensions")]
fn a01_merging_another_length_is_a_bug() {
    zeros(2).add_sums(&zeros(3));
}

#[cfg(feature = "alloc")]
#[test]
fn a01_an_owned_buffer_begins_at_zero() {
    let sums = Sums::zeros(3);
    assert!(sums.sum().eq([0.0; 3]));
    assert_eq!(sums.coherence(), Coherence::default());
}
