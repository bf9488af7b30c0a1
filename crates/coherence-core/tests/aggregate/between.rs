//! The rules between the mean and the median are held to the common laws, in `f64` and `f32`.

use coherence_core::aggregate::{CoordinateRule, Mean, Median, Trimmed, Winsorized};

use crate::support::value;

/// The rule in `f64`.
fn double(rule: impl CoordinateRule<f64>, values: &[f64]) -> f64 {
    value(&rule, values)
}

/// The rule in `f32`; a bad value beyond its range is as good as infinite.
fn single(rule: impl CoordinateRule<f32>, values: &[f64]) -> f64 {
    let narrow: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    f64::from(value(&rule, &narrow))
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
