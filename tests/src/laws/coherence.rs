//! Laws of α that every implementation of ‖S‖² and Q must obey.

/// Instantiates the laws for `$statistics: Fn(&[Vec<f64>]) -> (f64, f64)`, which returns
/// (‖S‖², Q) of a sample [m, d] with `1 ≤ m ≤ 12`, `1 ≤ d ≤ 8`, within the relative `$tolerance`.
///
/// ```
/// use coherence_tests::naive;
///
/// coherence_tests::coherence_laws!(naive_sums, 1e-12, |rows: &[Vec<f64>]| {
///     (naive::sq_norm(&naive::sum(rows)), naive::sum_sq_norms(rows))
/// });
/// ```
#[macro_export]
macro_rules! coherence_laws {
    ($name:ident, $tolerance:expr, $statistics:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::{close, naive, strategies};

            fn statistics(rows: &[Vec<f64>]) -> (f64, f64) {
                ($statistics)(rows)
            }

            fn alpha(rows: &[Vec<f64>]) -> f64 {
                let (sq_norm_of_sum, sum_sq_norms) = statistics(rows);
                let m = rows.len() as f64;
                if sum_sq_norms == 0.0 { 0.0 } else { sq_norm_of_sum / (m * sum_sq_norms) }
            }

            $crate::proptest::proptest! {
                #![proptest_config($crate::cases(1000))]

                #[test]
                fn a01_two_sums_give_the_mean_product_over_all_pairs(rows in strategies::sample(12, 8)) {
                    close(alpha(&rows), naive::alpha(&rows), $tolerance);
                    close(statistics(&rows).1, naive::sum_sq_norms(&rows), $tolerance);
                }

                #[test]
                fn a01_alpha_does_not_depend_on_the_order(rows in strategies::sample(12, 8)) {
                    let mut reversed = rows.clone();
                    reversed.reverse();
                    close(alpha(&reversed), alpha(&rows), $tolerance);
                }

                #[test]
                fn a02_alpha_is_between_zero_and_one(rows in strategies::sample(12, 8)) {
                    let alpha = alpha(&rows);
                    assert!((-$tolerance..=1.0 + $tolerance).contains(&alpha));
                }

                #[test]
                fn a03_alpha_is_scale_invariant(
                    rows in strategies::sample(12, 8),
                    negative in $crate::proptest::bool::ANY,
                    size in 0.01..100.0f64,
                ) {
                    let k = if negative { -size } else { size };
                    let scaled: Vec<Vec<f64>> =
                        rows.iter().map(|g| g.iter().map(|x| k * x).collect()).collect();
                    close(alpha(&scaled), alpha(&rows), $tolerance);
                }

                #[test]
                fn a06_zero_gradients_dilute_alpha(rows in strategies::sample(6, 8), zeros in 0..6usize) {
                    let m = rows.len();
                    let mut diluted = rows.clone();
                    diluted.resize(m + zeros, vec![0.0; rows[0].len()]);
                    let p = m as f64 / (m + zeros) as f64;
                    close(alpha(&diluted), p * alpha(&rows), $tolerance);
                }
            }
        }
    };
}
