//! Vectors of all parameters: gradients, their sums, and updates.

use super::Memory;
use coherence_cpu::{Element, product::Output, vectors::Descent};

/// Dots and running sums in `f64`, and updates of parameters, for vectors \[d\].
///
/// Dots go to the host: a device waits for all operations before.
pub trait Vectors<T: Element>: Memory {
    /// x · y in `f64`, added in an order that depends on d alone; 0 for d = 0.
    fn dot(&self, x: Self::Slice<'_, T>, y: Self::Slice<'_, T>) -> f64;

    /// As [`dot`](Vectors::dot), of `f64` vectors.
    fn dot_wide(&self, x: Self::Slice<'_, f64>, y: Self::Slice<'_, f64>) -> f64;

    /// `sum (+)= x`, in `f64`.
    fn accumulate(&self, x: Self::Slice<'_, T>, output: Output, sum: Self::SliceMut<'_, f64>);

    /// As [`accumulate`](Vectors::accumulate), of an `f64` vector.
    fn accumulate_wide(
        &self,
        x: Self::Slice<'_, f64>,
        output: Output,
        sum: Self::SliceMut<'_, f64>,
    );

    /// Updates the parameters w along g by [`Descent`]; no momentum without a `velocity`.
    fn descend(
        &self,
        by: Descent<T>,
        g: Self::Slice<'_, T>,
        velocity: Option<Self::SliceMut<'_, T>>,
        w: Self::SliceMut<'_, T>,
    );

    /// `w -= rate · median(factor g₀, factor g₁, factor g₂)`, coordinate by coordinate; exact: the products
    /// are rounded to `T` and then only compared.
    fn median_of_three_step(
        &self,
        gradients: [Self::Slice<'_, T>; 3],
        factor: T,
        rate: T,
        w: Self::SliceMut<'_, T>,
    );

    /// `out[j] = x[indices[j]]` for indices below d. Another index panics, or gives 0 where the host cannot see it.
    fn gather(
        &self,
        x: Self::Slice<'_, T>,
        indices: Self::Slice<'_, u32>,
        out: Self::SliceMut<'_, T>,
    );
}
