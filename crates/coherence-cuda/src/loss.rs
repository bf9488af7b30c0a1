//! Losses of outputs [m, k], one \[m\] for each example in `f64`, and their SUM for the host.

use crate::{
    View, ViewMut,
    argument::{Arguments, blocks_for, len_of},
    engine::{Engine, Real},
};

/// What outputs are compared with.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a, T> {
    /// The class of each example \[m\].
    Labels(View<'a, u32>),
    /// The values of each example [m, k].
    Values(View<'a, T>),
}

/// Softmax cross-entropy of labels, with a share `smoothing` of the target spread over all classes. Writes
/// the losses, the gradient with respect to the outputs to `delta`, if there is one, and returns the SUM.
///
/// # Panics
///
/// When a length does not fit, or a label is not below k.
pub fn cross_entropy<T: Real>(
    engine: &impl Engine,
    smoothing: f64,
    outputs: View<'_, T>,
    labels: View<'_, u32>,
    delta: Option<ViewMut<'_, T>>,
    mut losses: ViewMut<'_, f64>,
) -> f64 {
    let [m, k] = check(engine, outputs, delta.as_ref(), &losses);
    labels.check(engine, m);
    let arguments = (outputs, labels, m, k, smoothing, delta, losses.reborrow());
    // SAFETY: outputs and delta are [m, k], labels and losses [m] on this engine; a label ≥ k is no index.
    unsafe { arguments.launch::<T>(engine, "cross_entropy", blocks_for(m)) }
    sum(engine, Some((labels, k)), losses)
}

/// Half the squared distance of the outputs from the targets, where a label is 1 for its class and 0 for the
/// others. As [`cross_entropy`] otherwise.
///
/// # Panics
///
/// As [`cross_entropy`].
pub fn squared_error<T: Real>(
    engine: &impl Engine,
    outputs: View<'_, T>,
    targets: Targets<'_, T>,
    delta: Option<ViewMut<'_, T>>,
    mut losses: ViewMut<'_, f64>,
) -> f64 {
    let [m, k] = check(engine, outputs, delta.as_ref(), &losses);
    let (labels, values) = match targets {
        Targets::Labels(labels) => (Some(labels), None),
        Targets::Values(values) => (None, Some(values)),
    };
    labels.iter().for_each(|labels| labels.check(engine, m));
    values.iter().for_each(|values| values.check(engine, len_of([m, k])));
    let arguments = (outputs, labels, values, m, k, delta, losses.reborrow());
    // SAFETY: outputs, delta and values are [m, k], labels and losses [m] on this engine.
    unsafe { arguments.launch::<T>(engine, "squared_error", blocks_for(m)) }
    sum(engine, labels.map(|labels| (labels, k)), losses)
}

/// The sizes m and k.
fn check<T: Real>(
    engine: &impl Engine,
    outputs: View<'_, T>,
    delta: Option<&ViewMut<'_, T>>,
    losses: &ViewMut<'_, f64>,
) -> [usize; 2] {
    let m = losses.len();
    let k = outputs.len().checked_div(m).unwrap_or(1);
    outputs.check(engine, len_of([m, k]));
    delta.iter().for_each(|delta| delta.check(engine, len_of([m, k])));
    losses.check(engine, m);
    [m, k]
}

/// The SUM of the losses in their order. If it is NaN, the labels are looked at: one that is no class has
/// caused it, or the network has.
fn sum(
    engine: &impl Engine,
    labels: Option<(View<'_, u32>, usize)>,
    losses: ViewMut<'_, f64>,
) -> f64 {
    let mut values = vec![0.0; losses.len()];
    losses.read().download(engine, &mut values);
    let sum = values.iter().fold(0.0, |sum, loss| sum + loss);
    if let (true, Some((labels, k))) = (sum.is_nan(), labels) {
        let mut classes = vec![0; labels.len()];
        labels.download(engine, &mut classes);
        for (e, &label) in classes.iter().enumerate() {
            assert!((label as usize) < k, "label {label} of example {e} is not below {k}");
        }
    }
    sum
}
