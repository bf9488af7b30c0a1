//! Norms and robust means of a layer's m outer products g_e = δ_e ⊗ a_e, without the m × (o·i) matrix.
//!
//! `m`: examples, `i`: inputs, `o`: outputs. `a [m, i]` went in, `delta [m, o]` came back;
//! `g_e[j, k] = delta[e, j] · a[e, k]` is example e's gradient of the SUM loss, rounded to the
//! element type. A bias is the case `a = [1; m]`, `i = 1`.

mod groups;
mod pack;
mod select;

pub use groups::{median_of_sums_step, median_of_sums_step_on};

use crate::{
    Element, Isa,
    norms::row_sq_norms,
    order::{OrderRule, OrderStatistics},
    product::{Dims, Output, matmul_tn_on},
};
use select::select;
pub(crate) use select::{Chunk, select_columns};

/// Adds every example's squared gradient norm: `out[e] += ‖a_e‖² ‖δ_e‖²`, in `f64`.
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// # Example
///
/// ```
/// use coherence_cpu::{outer::sq_norms, product::Dims};
/// let mut out = [0.0];
/// sq_norms(Dims { m: 1, i: 2, o: 1 }, &[3.0f32, 4.0], &[2.0], &mut out);
/// assert_eq!(out, [100.0]);
/// ```
pub fn sq_norms<T: Element>(dims: Dims, a: &[T], delta: &[T], out: &mut [f64]) {
    sq_norms_on(Isa::detect(), dims, a, delta, out);
}

/// [`sq_norms`] on a given instruction set.
pub fn sq_norms_on<T: Element>(isa: Isa, dims: Dims, a: &[T], delta: &[T], out: &mut [f64]) {
    check(dims, a, delta);
    assert_eq!(out.len(), dims.m, "one squared norm for each example");
    let mut norms = vec![0.0; 2 * dims.m];
    let (of_a, of_delta) = norms.split_at_mut(dims.m);
    row_sq_norms(isa, a, of_a);
    row_sq_norms(isa, delta, of_delta);
    for ((out, x), y) in out.iter_mut().zip(of_a).zip(of_delta) {
        *out += *x * *y;
    }
}

/// Robust mean of the m outer products, coordinate by coordinate, `out [o, i]`: `rule` over the values of
/// the examples, such as [`Winsorized`](coherence_core::aggregate::Winsorized).
///
/// # Panics
///
/// When a slice's length is not the product of its sizes, or with the core's error when the rule is not
/// defined for m values.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Trimmed, Winsorized};
/// use coherence_cpu::{outer::robust_mean, product::Dims};
/// let (dims, delta) = (Dims { m: 4, i: 1, o: 1 }, [1.0, 2.0, 3.0, 1000.0]);
/// let mut out = [0.0f32];
/// robust_mean(dims, &[1.0; 4], &delta, Winsorized { clip: 1 }, &mut out);
/// assert_eq!(out, [2.5]); // (2 + 2 + 3 + 3) / 4
/// robust_mean(dims, &[1.0; 4], &delta, Trimmed { trim: 1 }, &mut out);
/// assert_eq!(out, [2.5]); // (2 + 3) / 2
/// ```
pub fn robust_mean<T: Element>(
    dims: Dims,
    a: &[T],
    delta: &[T],
    rule: impl OrderRule,
    out: &mut [T],
) {
    robust_mean_on(Isa::detect(), dims, a, delta, rule, out);
}

/// [`robust_mean`] on a given instruction set.
pub fn robust_mean_on<T: Element>(
    isa: Isa,
    dims: Dims,
    a: &[T],
    delta: &[T],
    rule: impl OrderRule,
    out: &mut [T],
) {
    let by = OrderStatistics::new(rule, dims.m);
    if by.is_mean() {
        matmul_tn_on(isa, dims, delta, a, Output::Overwrite, out);
        let m = T::narrow(dims.m as f64);
        out.iter_mut().for_each(|sum| *sum = *sum / m + T::zero());
    } else {
        select(isa, dims, a, delta, by, None, out);
    }
}

/// One step along the [`robust_mean`] in one pass over memory: `weight [o, i] -= rate · robust mean`.
///
/// # Panics
///
/// As [`robust_mean`].
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::Winsorized;
/// use coherence_cpu::{outer::robust_step, product::Dims};
/// let mut weight = [2.0f32];
/// let (dims, delta) = (Dims { m: 4, i: 1, o: 1 }, [1.0, 2.0, 3.0, 1000.0]);
/// robust_step(dims, &[1.0; 4], &delta, Winsorized { clip: 1 }, 0.1, &mut weight);
/// assert_eq!(weight, [1.75]); // 2 − 0.1 · (2 + 2 + 3 + 3) / 4
/// ```
pub fn robust_step<T: Element>(
    dims: Dims,
    a: &[T],
    delta: &[T],
    rule: impl OrderRule,
    rate: T,
    weight: &mut [T],
) {
    robust_step_on(Isa::detect(), dims, a, delta, rule, rate, weight);
}

/// [`robust_step`] on a given instruction set.
pub fn robust_step_on<T: Element>(
    isa: Isa,
    dims: Dims,
    a: &[T],
    delta: &[T],
    rule: impl OrderRule,
    rate: T,
    weight: &mut [T],
) {
    let by = OrderStatistics::new(rule, dims.m);
    if by.is_mean() {
        let rate = rate / T::narrow(dims.m as f64);
        median_of_sums_step_on(isa, dims, a, delta, 1, rate, weight);
    } else {
        select(isa, dims, a, delta, by, Some(rate), weight);
    }
}

fn check<T: Element>(dims: Dims, a: &[T], delta: &[T]) {
    assert_eq!((a.len(), delta.len()), (dims.m * dims.i, dims.m * dims.o), "a, delta for {dims:?}");
}
