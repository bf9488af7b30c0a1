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
