//! Matrix products, and gradients that are outer products of two factors.

use super::Memory;
use coherence_cpu::{
    Element,
    order::OrderStatistics,
    product::{Dims, Output},
};

/// Products of matrices a [m, i], w [o, i] and delta [m, o]; and the per-example gradients
/// `g_e = delta_e ⊗ a_e` [o, i] of a linear weight, which are never stored.
pub trait Products<T: Element>: Memory {
    /// `out [m, o] (+)= a · wᵀ`.
    fn matmul_nt(
        &self,
        dims: Dims,
        a: Self::Slice<'_, T>,
        w: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// `out [m, i] (+)= delta · w`.
    fn matmul_nn(
        &self,
        dims: Dims,
        delta: Self::Slice<'_, T>,
        w: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// `out [o, i] (+)= deltaᵀ · a = Σ_e g_e`.
    fn matmul_tn(
        &self,
        dims: Dims,
        delta: Self::Slice<'_, T>,
        a: Self::Slice<'_, T>,
        output: Output,
        out: Self::SliceMut<'_, T>,
    );

    /// `out [o, i] = delta ⊗ a` for one example, delta \[o\] and a \[i\].
    fn outer_product(
        &self,
        a: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, T>,
    );

    /// `out[e] += ‖g_e‖²` \[m\].
    fn outer_add_sq_norms(
        &self,
        dims: Dims,
        a: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        out: Self::SliceMut<'_, f64>,
    );

    /// The robust mean of the g_e, coordinate by coordinate, `out` [o, i], which `by` makes of the values of the m
    /// examples.
    fn outer_robust_mean(
        &self,
        dims: Dims,
        a: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        by: OrderStatistics,
        out: Self::SliceMut<'_, T>,
    );

    /// `weight [o, i] -= rate ·` the [robust mean](Products::outer_robust_mean).
    fn outer_robust_step(
        &self,
        dims: Dims,
        a: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        by: OrderStatistics,
        rate: T,
        weight: Self::SliceMut<'_, T>,
    );

    /// `weight [o, i] -= rate · median_j Σ_{e in group j} g_e` over `groups` groups of examples, those of
    /// [`coherence_core::aggregate::groups`].
    fn outer_median_of_sums_step(
        &self,
        dims: Dims,
        a: Self::Slice<'_, T>,
        delta: Self::Slice<'_, T>,
        groups: usize,
        rate: T,
        weight: Self::SliceMut<'_, T>,
    );
}
