//! The rules between the mean and the median are held to the common laws, in `f64` and `f32`.

use coherence_core::aggregate::{CoordinateRule, Mean, Median, Trimmed, Winsorized};

/// The rule in `f64`.
fn double(rule: impl CoordinateRule, values: &[f64]) -> f64 {
    rule.aggregate(&mut values.to_vec())
}

/// The rule in `f32`; a bad value beyond its range is as good as infinite.
fn single(rule: impl CoordinateRule, values: &[f64]) -> f64 {
    let mut narrow: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    f64::from(rule.aggregate(&mut narrow))
}

/// The rounding of at most 65 sums and one quotient.
const DOUBLE: f64 = 65.0 * f64::EPSILON;
/// One rounding of the result to `f32`.
const SINGLE: f64 = f32::EPSILON as f64;

mod mean {
    use super::*;
    coherence_tests::coordinate_rule_laws!(
        |v: &[f64], _| double(Mean, v),
        |v: &[f64], _| coherence_tests::naive::aggregate::mean(v),
        DOUBLE
    );
}

mod median {
    use super::*;
    coherence_tests::coordinate_rule_laws!(
        |v: &[f64], _| double(Median, v),
        |v: &[f64], _| coherence_tests::naive::aggregate::median(v),
        0.0
    );
}

mod trimmed {
    use super::*;
    coherence_tests::coordinate_rule_laws!(
        |v: &[f64], trim| double(Trimmed { trim }, v),
        coherence_tests::naive::aggregate::trimmed,
        DOUBLE
    );
}

mod winsorized {
    use super::*;
    coherence_tests::winsorized_laws!(|v: &[f64], clip| double(Winsorized { clip }, v), DOUBLE);
}

mod winsorized_single {
    use super::*;
    coherence_tests::winsorized_laws!(|v: &[f64], clip| single(Winsorized { clip }, v), SINGLE);
}

mod trimmed_single {
    use super::*;
    coherence_tests::coordinate_rule_laws!(
        |v: &[f64], trim| single(Trimmed { trim }, v),
        coherence_tests::naive::aggregate::trimmed,
        SINGLE
    );
}
