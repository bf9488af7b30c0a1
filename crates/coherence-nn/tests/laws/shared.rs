//! Factors obey the laws that every implementation is tested against.
//!
//! A sample of gradients [m, d] is given as a bias, as a weight with one input (the gradients are the
//! deltas) and as a weight with one output (the gradients are the activations).

use coherence_cpu::product::Output;
use coherence_nn::Factors;

/// ‖S‖² and Q, computed from the factors.
fn statistics(factors: &Factors<'_, f64>) -> (f64, f64) {
    let (mut norms, mut sum) = (vec![0.0; factors.m], vec![0.0; factors.range.len()]);
    factors.sq_norms(&mut norms);
    factors.sum(Output::Overwrite, &mut sum);
    (sum.iter().map(|s| s * s).sum(), norms.iter().sum())
}

coherence_tests::coherence_laws!(a_bias, 1e-12, |rows: &[Vec<f64>]| {
    super::statistics(&Factors::bias("b", [rows.len(), rows[0].len()], &rows.concat()))
});

coherence_tests::coherence_laws!(a_weight_with_one_input, 1e-12, |rows: &[Vec<f64>]| {
    let (m, o) = (rows.len(), rows[0].len());
    super::statistics(&Factors::weight("w", [m, 1, o], &vec![1.0; m], &rows.concat()))
});

coherence_tests::coherence_laws!(a_weight_with_one_output, 1e-12, |rows: &[Vec<f64>]| {
    let (m, i) = (rows.len(), rows[0].len());
    super::statistics(&Factors::weight("w", [m, i, 1], &rows.concat(), &vec![1.0; m]))
});

/// A bound on the rounding of at most 65 additions and one division.
const TOLERANCE: f64 = 65.0 * f64::EPSILON;

/// The winsorised mean of factors of one parameter.
fn winsorized(factors: &Factors<'_, f64>, clip: usize) -> f64 {
    let mut out = [f64::NAN];
    factors.winsorized_mean(clip, &mut out);
    out[0]
}

mod winsorized_bias {
    use super::*;

    coherence_tests::winsorized_laws!(
        |values: &[f64], clip| {
            super::winsorized(&Factors::bias("b", [values.len(), 1], values), clip)
        },
        TOLERANCE
    );
}

mod winsorized_weight {
    use super::*;

    coherence_tests::winsorized_laws!(
        |values: &[f64], clip| {
            let (m, ones) = (values.len(), vec![1.0; values.len()]);
            super::winsorized(&Factors::weight("w", [m, 1, 1], values, &ones), clip)
        },
        TOLERANCE
    );
}
