//! Normalisation by moments.

use super::Memory;
use coherence_cpu::{Element, normalize::group::Groups, product::Output};

/// Batch normalisation of x [rows, c], where a row is one position of one example, and group
/// normalisation of x [m, positions, c]. μ and σ², and the sums of gradients, are `f64`; inverse
/// deviations are `1/√(σ² + ε)`. `affine` [2 c] is the scale γ \[c\], then the shift β \[c\].
pub trait Normalizations<T: Element>: Memory {
    /// Sets `by` to the means and the biased variances of the channels of x, and copies the variances to
    /// `variances` \[c\].
    fn batch_moments(
        &self,
        x: Self::Slice<'_, T>,
        epsilon: f64,
        by: &mut Self::Standardization,
        variances: Self::SliceMut<'_, f64>,
    );

    /// Sets `by` to the running means and variances `statistics` [2 c].
    fn running_moments(
        &self,
        statistics: Self::Slice<'_, T>,
        epsilon: f64,
        by: &mut Self::Standardization,
    );

    /// Moves the running means and variances `statistics` [2 c] by the share `momentum` towards those of a
    /// batch of `rows` ≥ 2 rows: the means of `by` and the biased `variances` \[c\], which are made
    /// unbiased.
    fn update_running_moments(
        &self,
        by: &Self::Standardization,
        variances: Self::Slice<'_, f64>,
        rows: usize,
        momentum: f64,
        statistics: Self::SliceMut<'_, T>,
    );

    /// `out = γ (x − μ)/√(σ² + ε) + β`.
    fn batch_forward(
        &self,
        x: Self::Slice<'_, T>,
        by: &Self::Standardization,
        affine: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, T>,
    );

    /// The gradients \[c\] of the SUM loss with respect to γ and β, over all rows: `[scale, shift]`.
    fn batch_gradients(
        &self,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        by: &Self::Standardization,
        gradients: [Self::SliceMut<'_, f64>; 2],
    );

    /// Backward to the input by the statistics of the batch, from `[x, delta]` and the
    /// [gradients](Normalizations::batch_gradients).
    fn batch_backward_training(
        &self,
        x_and_delta: [Self::Slice<'_, T>; 2],
        by: &Self::Standardization,
        scale: Self::Slice<'_, T>,
        gradients: [Self::Slice<'_, f64>; 2],
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// Backward to the input by the running statistics.
    fn batch_backward_evaluation(
        &self,
        delta: Self::Slice<'_, T>,
        by: &Self::Standardization,
        scale: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// The gradients [m, c] of each example's loss with respect to γ and β, by the running statistics:
    /// `[scale, shift]`.
    fn batch_example_gradients(
        &self,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        by: &Self::Standardization,
        rows: [Self::SliceMut<'_, T>; 2],
    );

    /// Sets `by` to the means and the biased variances of every group of every example.
    fn group_moments(
        &self,
        groups: Groups,
        x: Self::Slice<'_, T>,
        epsilon: f64,
        by: &mut Self::Standardization,
    );

    /// As [`batch_forward`](Normalizations::batch_forward), by the moments of groups.
    fn group_forward(
        &self,
        groups: Groups,
        x: Self::Slice<'_, T>,
        by: &Self::Standardization,
        affine: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, T>,
    );

    /// Backward to the input from `[x, delta]`.
    fn group_backward(
        &self,
        groups: Groups,
        x_and_delta: [Self::Slice<'_, T>; 2],
        by: &Self::Standardization,
        scale: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// As [`batch_example_gradients`](Normalizations::batch_example_gradients), by the moments of groups.
    fn group_example_gradients(
        &self,
        groups: Groups,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        by: &Self::Standardization,
        rows: [Self::SliceMut<'_, T>; 2],
    );

    /// The nearest elements to `from`.
    fn narrow(&self, from: Self::Slice<'_, f64>, to: Self::SliceMut<'_, T>);
}
