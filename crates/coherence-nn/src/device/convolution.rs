//! Convolutions, and the per-example gradients of their weights.

use super::Memory;
use coherence_cpu::{Element, convolution::Convolution, order::OrderStatistics, product::Output};

/// Convolutions of x [m, h, w, i] with weight [o, kh, kw, i/groups]; delta is [m, oh, ow, o]. The
/// per-example gradients `g_e = Σ_p delta[e, p] ⊗ patch[e, p]` over positions p are never stored.
pub trait Convolutions<T: Element>: Memory {
    /// `out [m, oh, ow, o] (+)= x * weight`.
    fn convolution_forward(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        weight: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// `out [m, h, w, i] (+)=` the gradient of the SUM loss with respect to x.
    fn convolution_backward(
        &self,
        sizes: &Convolution,
        delta: Self::Slice<'_, T>,
        weight: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// `out [o, kh, kw, i/groups] (+)= Σ_e g_e`.
    fn convolution_gradient(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// [`convolution_gradient`](Convolutions::convolution_gradient) and
    /// [`convolution_add_sq_norms`](Convolutions::convolution_add_sq_norms) in one pass.
    fn convolution_gradient_and_sq_norms(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
        sq_norms: Self::SliceMut<'_, f64>,
    );

    /// `out[e] += ‖g_e‖²` \[m\].
    fn convolution_add_sq_norms(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, f64>,
    );

    /// `out[e] += g_e · v` \[m\], for v [o, kh, kw, i/groups].
    fn convolution_add_dots(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        v: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, f64>,
    );

    /// `out [o, kh, kw, i/groups] = g_e` of one example `e`.
    fn convolution_per_example(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        e: usize,
        out: Self::SliceMut<'_, T>,
    );

    /// As [`Products::outer_robust_mean`](super::Products::outer_robust_mean).
    fn convolution_robust_mean(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        by: OrderStatistics,
        out: Self::SliceMut<'_, T>,
    );

    /// As [`Products::outer_robust_step`](super::Products::outer_robust_step).
    fn convolution_robust_step(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        by: OrderStatistics,
        rate: T,
        weight: Self::SliceMut<'_, T>,
    );

    /// As [`Products::outer_median_of_sums_step`](super::Products::outer_median_of_sums_step).
    fn convolution_median_of_sums_step(
        &self,
        sizes: &Convolution,
        x: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        groups: usize,
        rate: T,
        weight: Self::SliceMut<'_, T>,
    );
}
