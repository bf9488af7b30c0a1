//! Rules over the whole range of exponents: rule(2^k x) = 2^k rule(x), bit for bit.

use coherence_core::aggregate::Rows;
use coherence_tests::laws::rules;
use proptest::prelude::*;

use crate::support::{aggregate, of, rule, with_rows};

/// Rules without a length of their own among their parameters.
const RULES: [&str; 14] = [
    "mean",
    "median",
    "winsorized:1",
    "winsorized:10%:interpolated",
    "trimmed:1",
    "median-of-means:3",
    "mean-around-median:2",
    "geometric-median",
    "geometric-median-of-means:4",
    "krum:1",
    "multi-krum:1:3",
    "bulyan:1",
    "minimum-diameter:2",
    "centered-clipping:inf:2",
];

fn times(rows: &[Vec<f64>], factor: f64) -> Vec<Vec<f64>> {
    rows.iter().map(|row| row.iter().map(|x| x * factor).collect()).collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn a18_a19_powers_of_two_pass_through_every_rule(
        rows in rules::rows(7..12), e in prop_oneof![-900..1015i32, Just(-900), Just(1015)], which in 0..RULES.len(),
    ) {
        let (rule, factor) = (rule(RULES[which]), 2f64.powi(e));
        let expected: Vec<f64> = of(&rule, &rows).iter().map(|x| x * factor).collect();
        let found = with_rows(&times(&rows, factor), |view| aggregate(&rule, view));
        prop_assert_eq!(bits(&found.expect("as without the factor")), bits(&expected), "{}", rule);
    }

    #[test]
    fn lengths_and_vectors_scale_together(rows in rules::rows(7..12), e in -500..900i32) {
        let factor = 2f64.powi(e);
        for (one, other) in [
            ("norm-clipping:2".to_owned(), format!("norm-clipping:{:e}", 2.0 * factor)),
            ("centered-clipping:2:2".to_owned(), format!("centered-clipping:{:e}:2", 2.0 * factor)),
        ] {
            let expected: Vec<f64> = of(&rule(&one), &rows).iter().map(|x| x * factor).collect();
            prop_assert_eq!(bits(&of(&rule(&other), &times(&rows, factor))), bits(&expected), "{}", other);
        }
    }
}

/// A Byzantine vector has no say in the precision of the others.
#[test]
fn far_vectors_do_not_blur_the_others() {
    let honest = [[1.0, 2.0], [1.25, 2.0], [1.0, 2.25], [1.125, 2.125], [1.5, 2.0], [1.0, 1.5]];
    for scale in [1e-200, 1.0, 1e150] {
        for far in [1e200, -1.7e308] {
            for text in ["krum:1", "multi-krum:1:3", "minimum-diameter:1", "geometric-median"] {
                let near: Vec<f64> = honest.iter().flatten().map(|x| x * scale).collect();
                let data = [&near[..], &[far, far]].concat();
                let found = aggregate(&rule(text), Rows::matrix(&data, 2).unwrap()).unwrap();
                let is_near = |x: f64, at: f64| (x / scale - at).abs() <= 1.0;
                assert!(
                    is_near(found[0], 1.2) && is_near(found[1], 2.0),
                    "{text} {scale}: {found:?}"
                );
            }
        }
    }
}
