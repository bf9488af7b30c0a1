//! Gradients that are the rows of a matrix.

use super::Memory;
use coherence_cpu::{Element, order::OrderStatistics, product::Output};

/// Rows [m, d]: the per-example gradients of a bias or of another small tensor.
pub trait Rows<T: Element>: Memory {
    /// `out [d] (+)= Σ_e rows[e]`, in `f64`.
    fn column_sums(&self, rows: Self::Slice<'_, T>, output: Output, out: Self::SliceMut<'_, T>);

    /// `out [m, c] = Σ_p x[e, p]` over the positions p of each example, in `f64`: the bias's gradients from
    /// the deltas x [m, positions, c] of a convolution.
    fn position_sums(&self, x: Self::Slice<'_, T>, channels: usize, out: Self::SliceMut<'_, T>);

    /// `out[e] += ‖rows[e]‖²` \[m\] of rows of `width` values.
    fn rows_add_sq_norms(
        &self,
        rows: Self::Slice<'_, T>,
        width: usize,
        out: Self::SliceMut<'_, f64>,
    );

    /// `out[e] += rows[e] · v` \[m\], for v \[d\].
    fn rows_add_dots(
        &self,
        rows: Self::Slice<'_, T>,
        v: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, f64>,
    );

    /// `out[e] += x[e] · y[e]` \[m\] of two matrices of rows of `width` values.
    fn rows_add_pair_dots(
        &self,
        x: Self::Slice<'_, T>,
        y: Self::Slice<'_, T>,
        width: usize,
        out: Self::SliceMut<'_, f64>,
    );

    /// The robust mean of the rows, `out` \[d\], which `by` makes of the values of each column.
    fn rows_robust_mean(
        &self,
        rows: Self::Slice<'_, T>,
        by: OrderStatistics,
        out: Self::SliceMut<'_, T>,
    );

    /// The median of the means of the groups of rows that
    /// [`groups`](coherence_core::aggregate::groups) makes, `out` \[d\].
    fn rows_median_of_means(
        &self,
        rows: Self::Slice<'_, T>,
        groups: usize,
        out: Self::SliceMut<'_, T>,
    );
}
