//! Norms and robust means of a layer's m outer products g_e = δ_e ⊗ a_e, without the m × (o·i) matrix.
//!
//! `m`: examples, `i`: inputs, `o`: outputs. `a [m, i]` went in, `delta [m, o]` came back;
//! `g_e[j, k] = delta[e, j] · a[e, k]` is example e's gradient of the SUM loss, rounded to the element type.

use crate::{
    Buffer, View, ViewMut,
    argument::{Arguments, blocks_for, len_of},
    arrangement,
    elementwise::{axpy, divide},
    engine::{Engine, Product, Real},
    product::multiply,
    select::{select_columns, select_outer},
};
use coherence_core::aggregate::{Median, groups};
use coherence_cpu::{
    order::{OrderRule, OrderStatistics},
    product::{Dims, Output},
};

/// `out [o, i] = delta ⊗ a` for one example, a \[i\] and delta \[o\].
///
/// # Panics
///
/// When `out` has not a value for each coordinate.
pub fn product<T: Real>(
    engine: &impl Engine,
    a: View<'_, T>,
    delta: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let (i, o) = (a.len(), delta.len());
    a.check(engine, i);
    delta.check(engine, o);
    out.check(engine, len_of([o, i]));
    let arguments = (a, i, delta, o, out);
    // SAFETY: a has i values, delta o, out o · i, on this engine.
    unsafe { arguments.launch::<T>(engine, "outer_product", blocks_for(o * i)) }
}

/// Adds every example's squared gradient norm: `out[e] += ‖a_e‖² ‖δ_e‖²`, in `f64`.
///
/// # Panics
///
/// When a length is not the product of its sizes.
pub fn add_sq_norms<T: Real>(
    engine: &impl Engine,
    dims: Dims,
    [a, delta]: [View<'_, T>; 2],
    out: ViewMut<'_, f64>,
) {
    check(engine, dims, [a, delta]);
    let Dims { m, i, o } = dims;
    out.check(engine, m);
    let arguments = (a, i, delta, o, m, out);
    // SAFETY: a is [m, i], delta [m, o], out [m] on this engine.
    unsafe { arguments.launch::<T>(engine, "outer_sq_norms", blocks_for(32 * m)) }
}

/// Robust mean of the m outer products, coordinate by coordinate, `out [o, i]`: `rule` over the values of the
/// examples.
///
/// # Panics
///
/// When a length is not the product of its sizes, or with the core's error when the rule is not defined for m
/// values.
pub fn robust_mean<T: Real>(
    engine: &impl Engine,
    dims: Dims,
    [a, delta]: [View<'_, T>; 2],
    rule: impl OrderRule,
    mut out: ViewMut<'_, T>,
) {
    let by = OrderStatistics::new(rule, dims.m);
    if by.is_mean() {
        sum(engine, dims, [a, delta], Output::Overwrite, out.reborrow());
        divide(engine, dims.m, out);
    } else {
        select_outer(engine, by, dims, [a, delta], None, out);
    }
}

/// One step along the [`robust_mean`]: `weight [o, i] -= rate ·` it.
///
/// # Panics
///
/// As [`robust_mean`].
pub fn robust_step<T: Real>(
    engine: &impl Engine,
    dims: Dims,
    [a, delta]: [View<'_, T>; 2],
    rule: impl OrderRule,
    rate: T,
    weight: ViewMut<'_, T>,
) {
    let by = OrderStatistics::new(rule, dims.m);
    if by.is_mean() {
        let rate = rate / T::narrow(dims.m as f64);
        median_of_sums_step(engine, dims, [a, delta], 1, rate, weight);
    } else {
        select_outer(engine, by, dims, [a, delta], Some(rate), weight);
    }
}

/// One step along the median of the gradients of k groups:
/// `weight [o, i] -= rate · median_g Σ_{e in group g} δ_e ⊗ a_e`, coordinate by coordinate; the groups are
/// [`groups`]`(m, k)`.
///
/// The sums of some rows of the weight at a time are kept, in [`Engine::scratch_bytes`] where a row is not
/// larger.
///
/// # Panics
///
/// When a length is not the product of its sizes, or unless 1 ≤ k ≤ m.
pub fn median_of_sums_step<T: Real>(
    engine: &impl Engine,
    dims: Dims,
    [a, delta]: [View<'_, T>; 2],
    k: usize,
    rate: T,
    mut weight: ViewMut<'_, T>,
) {
    check(engine, dims, [a, delta]);
    let Dims { m, i, o } = dims;
    weight.check(engine, len_of([o, i]));
    let groups = groups(m, k);
    if weight.is_empty() {
        return;
    }
    let rows = (engine.scratch_bytes() / size_of::<T>() / len_of([k, i])).clamp(1, o);
    let mut sums = Buffer::unspecified(engine, len_of([k, rows, i]));
    let mut of_rows = Buffer::unspecified(engine, if rows < o { m * rows } else { 0 });
    for start in (0..o).step_by(rows) {
        let range = start..o.min(start + rows);
        let (rows, len) = (range.len(), range.len() * i);
        let delta = if rows == o {
            delta
        } else {
            let out = of_rows.view_mut().part(0..m * rows);
            arrangement::take_channels(engine, (o, range.clone()), delta, Output::Overwrite, out);
            of_rows.view().part(0..m * rows)
        };
        for (at, group) in groups.clone().enumerate() {
            let dims = Dims { m: group.len(), i, o: rows };
            let part = |width| group.start * width..group.end * width;
            let out = sums.view_mut().part(at * len..(at + 1) * len);
            sum(engine, dims, [a.part(part(i)), delta.part(part(rows))], Output::Overwrite, out);
        }
        let (sums, weight) = (sums.view().part(0..k * len), weight.reborrow());
        let weight = weight.part(range.start * i..range.end * i);
        match k {
            1 => axpy(engine, -rate, sums, weight),
            _ => select_columns(engine, Median, sums, Some(rate), weight),
        }
    }
}

/// `out [o, i] (+)= deltaᵀ · a`, the SUM of the outer products.
pub fn sum<T: Real>(
    engine: &impl Engine,
    dims: Dims,
    [a, delta]: [View<'_, T>; 2],
    output: Output,
    out: ViewMut<'_, T>,
) {
    multiply(engine, Product::tn(dims, output), delta, a, out);
}

fn check<T: Real>(engine: &impl Engine, Dims { m, i, o }: Dims, [a, delta]: [View<'_, T>; 2]) {
    a.check(engine, len_of([m, i]));
    delta.check(engine, len_of([m, o]));
}
