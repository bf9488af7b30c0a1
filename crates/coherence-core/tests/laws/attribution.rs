//! A17: shares of the decrease, and null worlds.

use coherence_core::similarity::{Decrease, permute};
use coherence_tests::{cases, close, naive, strategies::sample};
use proptest::prelude::*;

/// S_p and S_c for the given designations.
fn group_sums(rows: &[Vec<f64>], corrupt: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let group = |wanted: bool| -> Vec<f64> {
        let mut members: Vec<Vec<f64>> = vec![vec![0.0; rows[0].len()]];
        members.extend(
            rows.iter().zip(corrupt).filter(|(_, c)| **c == wanted).map(|(g, _)| g.clone()),
        );
        naive::sum(&members)
    };
    (group(false), group(true))
}

fn decrease(rows: &[Vec<f64>], corrupt: &[bool]) -> Decrease {
    let (pristine, corrupt) = group_sums(rows, corrupt);
    Decrease::of(&pristine, &corrupt)
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a17_decreases_are_products_with_the_whole(rows in sample(9, 5), corrupt in prop::collection::vec(any::<bool>(), 9)) {
        let (pristine_sum, corrupt_sum) = group_sums(&rows, &corrupt);
        let whole = naive::sum(&rows);
        let step = decrease(&rows, &corrupt);
        let scale = 1e-11 * naive::sum_sq_norms(&rows).max(1.0);
        prop_assert!((step.pristine - naive::dot(&pristine_sum, &whole)).abs() <= scale);
        prop_assert!((step.corrupt - naive::dot(&corrupt_sum, &whole)).abs() <= scale);
        prop_assert!((step.pristine + step.corrupt - naive::sq_norm(&whole)).abs() <= scale);
    }

    #[test]
    fn a17_shares_sum_to_one(rows in sample(9, 5), corrupt in prop::collection::vec(any::<bool>(), 9)) {
        let sq_norm = naive::sq_norm(&naive::sum(&rows));
        prop_assume!(sq_norm > 1e-6 * naive::sum_sq_norms(&rows));
        let (p, c) = decrease(&rows, &corrupt).shares().unwrap();
        close(p + c, 1.0, 1e-9 * p.abs().max(1.0));
        let (pristine_sum, _) = group_sums(&rows, &corrupt);
        close(p, naive::dot(&pristine_sum, &naive::sum(&rows)) / sq_norm, 1e-7);
    }

    #[test]
    fn a17_exchanging_the_groups_mirrors_the_shares(a in prop::array::uniform3(-5.0..5.0f64), b in prop::array::uniform3(-5.0..5.0f64)) {
        let (there, back) = (Decrease::of(&a, &b), Decrease::of(&b, &a));
        prop_assert_eq!((there.pristine, there.corrupt), (back.corrupt, back.pristine));
    }

    #[test]
    fn a17_decreases_add_over_steps_and_blocks(a in prop::array::uniform6(-5i32..5), b in prop::array::uniform6(-5i32..5), cut in 0..=6usize) {
        let (a, b) = (a.map(f64::from), b.map(f64::from));
        let mut blocks = Decrease::of(&a[..cut], &b[..cut]);
        blocks += Decrease::of(&a[cut..], &b[cut..]);
        prop_assert_eq!(blocks, Decrease::of(&a, &b));
    }

    #[test]
    fn a17_contributions_are_means_per_example(pristine in -5.0..5.0f64, corrupt in -5.0..5.0f64, p in 1..100u64, c in 1..100u64) {
        let (i_p, i_c) = Decrease { pristine, corrupt }.per_example(p, c);
        close(i_p * p as f64, pristine, 1e-14);
        close(i_c * c as f64, corrupt, 1e-14);
    }

    #[test]
    fn a17_null_worlds_keep_the_numbers(corrupt in prop::collection::vec(any::<bool>(), 0..20), lots in prop::collection::vec(any::<prop::sample::Index>(), 20)) {
        let mut null = corrupt.clone();
        let mut lots = lots.iter();
        permute(&mut null, |n| lots.next().unwrap().index(n));
        let count = |d: &[bool]| d.iter().filter(|c| **c).count();
        prop_assert_eq!((null.len(), count(&null)), (corrupt.len(), count(&corrupt)));
    }
}

/// Each of the n! sequences of lots gives another order, so uniform lots give uniform orders.
#[test]
fn a17_null_worlds_are_uniform() {
    for m in 0..=5usize {
        let mut orders = std::collections::BTreeSet::new();
        let sequences: usize = (1..=m).product();
        for sequence in 0..sequences {
            let mut rest = sequence;
            let mut asked = Vec::new();
            let mut order: Vec<usize> = (0..m).collect();
            permute(&mut order, |n| {
                asked.push(n);
                let lot = rest % n;
                rest /= n;
                lot
            });
            assert_eq!(asked, (2..=m).rev().collect::<Vec<_>>());
            orders.insert(order);
        }
        assert_eq!(orders.len(), sequences);
    }
}

#[test]
fn a17_edges_are_defined() {
    assert_eq!(Decrease::of(&[1.0], &[-1.0]).shares(), None);
    assert_eq!(Decrease::default().shares(), None);
    assert_eq!(Decrease { pristine: 3.0, corrupt: -1.0 }.shares(), Some((1.5, -0.5)));
    assert_eq!(Decrease { pristine: 3.0, corrupt: 0.0 }.per_example(2, 0), (1.5, 0.0));
    assert_eq!(Decrease { pristine: 0.0, corrupt: 3.0 }.per_example(0, 2), (0.0, 1.5));
}

#[test]
#[should_panic(expected = "below(3) returned 3")]
fn a17_a_lot_out_of_range_is_a_bug() {
    permute(&mut [1, 2, 3], |n| n);
}

#[test]
#[should_panic(expected = "differ in length")]
fn a17_sums_of_different_lengths_are_a_bug() {
    Decrease::of(&[1.0], &[1.0, 2.0]);
}
