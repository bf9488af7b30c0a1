//! Batch normalisation: one mean and one variance for each channel.

use super::{
    Normalized, StandardizationView, forward,
    segments::{Segments, sum_segments},
};
use crate::{
    View, ViewMut,
    argument::{Arguments, add, blocks_for},
    engine::{Engine, Real},
    normalization::narrow,
};
use coherence_cpu::product::Output;

/// The rows of `len` values of `channels` channels.
fn rows(len: usize, channels: usize) -> usize {
    let rows = len.checked_div(channels).unwrap_or(0);
    assert_eq!(rows * channels, len, "rows of {channels} channels");
    rows
}

/// Means and biased variances of the channels of x [rows, c]; NaN without rows.
pub fn batch_moments<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    mut mean: ViewMut<'_, f64>,
    variance: ViewMut<'_, f64>,
) {
    let channels = mean.len();
    variance.check(engine, channels);
    let segments = Segments::new(rows(x.len(), channels), channels);
    segments.moments(engine, x, None, mean.reborrow());
    segments.moments(engine, x, Some(mean.read()), variance);
}

/// Means and inverse deviations \[c\] of the running means and variances `statistics` [2 c].
pub fn running_moments<T: Real>(
    engine: &impl Engine,
    statistics: View<'_, T>,
    epsilon: f64,
    mean: ViewMut<'_, f64>,
    inverse: ViewMut<'_, f64>,
) {
    let n = mean.len();
    statistics.check(engine, 2 * n);
    mean.check(engine, n);
    inverse.check(engine, n);
    let arguments = (statistics, epsilon, mean, inverse, n);
    // SAFETY: means and inverse deviations have n numbers, statistics twice as many, on this engine.
    unsafe { arguments.launch::<T>(engine, "running_moments", blocks_for(n)) }
}

/// Moves running means and variances `statistics` [2 c] by the share `momentum` towards those of a batch of
/// `rows` rows, whose biased `variance` is made unbiased.
///
/// # Panics
///
/// With fewer than two rows.
pub fn update_running<T: Real>(
    engine: &impl Engine,
    [mean, variance]: [View<'_, f64>; 2],
    rows: usize,
    momentum: f64,
    statistics: ViewMut<'_, T>,
) {
    assert!(rows >= 2, "the unbiased variance of {rows} rows");
    let n = mean.len();
    mean.check(engine, n);
    variance.check(engine, n);
    statistics.check(engine, 2 * n);
    let unbiased = rows as f64 / (rows - 1) as f64;
    let arguments = (mean, variance, unbiased, momentum, statistics, n);
    // SAFETY: mean and variance have n numbers, statistics twice as many, on this engine.
    unsafe { arguments.launch::<T>(engine, "update_running", blocks_for(n)) }
}

/// `out = γ x̂ + β`. x and out [rows, c].
pub fn batch_forward<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    by: StandardizationView<'_>,
    affine: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let channels = by.mean.len();
    by.check(engine, channels);
    let layout = Normalized::from_batch(rows(x.len(), channels), channels);
    forward(engine, layout, x, by, affine, out);
}

/// The gradients \[c\] of the SUM loss with respect to γ and β over all rows: Σ δ x̂ and Σ δ.
pub fn batch_gradients<T: Real>(
    engine: &impl Engine,
    [x, delta]: [View<'_, T>; 2],
    by: StandardizationView<'_>,
    [of_scale, of_shift]: [ViewMut<'_, f64>; 2],
) {
    let channels = by.mean.len();
    by.check(engine, channels);
    of_scale.check(engine, channels);
    of_shift.check(engine, channels);
    let rows = rows(x.len(), channels);
    let layout = Normalized::from_batch(rows, channels);
    let sums = Segments::new(rows, channels).gradients(engine, layout, [x, delta], by);
    for (sums, out) in sums.iter().zip([of_scale, of_shift]) {
        sum_segments(engine, sums.view(), 1.0, Output::Overwrite, out);
    }
}

/// Backward through the statistics of the batch, from the results of [`batch_gradients`]:
/// `out (+)= γ/√(σ² + ε) · (δ − Σ δ / rows − x̂ · Σ δ x̂ / rows)`. x, delta and out [rows, c].
pub fn backward_training<T: Real>(
    engine: &impl Engine,
    [x, delta]: [View<'_, T>; 2],
    by: StandardizationView<'_>,
    scale: View<'_, T>,
    [of_scale, of_shift]: [View<'_, f64>; 2],
    output: Output,
    out: ViewMut<'_, T>,
) {
    let (channels, n) = (scale.len(), x.len());
    rows(n, channels);
    scale.check(engine, channels);
    by.check(engine, channels);
    of_scale.check(engine, channels);
    of_shift.check(engine, channels);
    x.check(engine, n);
    delta.check(engine, n);
    out.check(engine, n);
    let (mean, inverse, add) = (by.mean, by.inverse, add(output));
    let arguments = (x, delta, mean, inverse, scale, of_scale, of_shift, channels, add, out, n);
    // SAFETY: x, delta and out have n values in rows of the channels, the others one number for each channel.
    unsafe { arguments.launch::<T>(engine, "backward_training", blocks_for(n)) }
}

/// Backward by running statistics: `out (+)= γ/√(σ² + ε) · δ`. delta and out [rows, c].
pub fn backward_evaluation<T: Real>(
    engine: &impl Engine,
    delta: View<'_, T>,
    by: StandardizationView<'_>,
    scale: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let (channels, n) = (scale.len(), delta.len());
    rows(n, channels);
    scale.check(engine, channels);
    by.check(engine, channels);
    delta.check(engine, n);
    out.check(engine, n);
    let arguments = (delta, by.inverse, scale, channels, add(output), out, n);
    // SAFETY: delta and out have n values in rows of the channels, the others one number for each channel.
    unsafe { arguments.launch::<T>(engine, "backward_evaluation", blocks_for(n)) }
}

/// The gradients [m, c] of each example's loss with respect to γ and β, by statistics that do not depend on
/// the batch. x and delta [m, positions, c].
pub fn batch_example_gradients<T: Real>(
    engine: &impl Engine,
    [x, delta]: [View<'_, T>; 2],
    by: StandardizationView<'_>,
    gradients: [ViewMut<'_, T>; 2],
) {
    let channels = by.mean.len();
    by.check(engine, channels);
    let (rows, m) = (rows(x.len(), channels), rows(gradients[0].len(), channels));
    let positions = rows.checked_div(m).unwrap_or(0);
    assert_eq!(positions * m, rows, "{rows} rows of {m} examples");
    let layout = Normalized::from_batch(rows, channels);
    let segments = Segments::with_count(m, positions, channels);
    let sums = segments.gradients(engine, layout, [x, delta], by);
    sums.iter()
        .zip(gradients)
        .for_each(|(sums, out)| narrow(engine, sums.view(), Output::Overwrite, out));
}
