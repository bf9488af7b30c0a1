//! Robust means of columns, and steps along them.
//!
//! A rule of the core rests on a pair of order statistics ([`OrderStatistics`]), which are exact. For ranks up to 9
//! the smallest and largest values are kept in registers; the middle of up to 100 values (50 of `f64`) is found by
//! a sorting network; others by bisection, in registers for up to 128 values (64 of `f64`).
//! Means are summed in `f64` in the order of the values. Values should be finite: a NaN makes a mean NaN.

use crate::{
    View, ViewMut,
    argument::{Arguments, blocks_for, len_of},
    engine::{Engine, Real},
};
use coherence_cpu::{
    order::{Finish, OrderRule, OrderStatistics},
    product::Dims,
};

/// The number of `finish` in order.cu.
fn code(finish: Finish) -> u32 {
    match finish {
        Finish::Mean => 0,
        Finish::ClippedMean => 1,
        Finish::InnerMean => 2,
        Finish::Middle => 3,
    }
}

/// The kernel for a rank of n values: of three for ranks up to 9, for the middle of so few values that a network sorts
/// them in registers, and for any rank.
fn by_rank<T: Real>(
    n: usize,
    rank: usize,
    [outer, middle, inner]: [&'static str; 3],
) -> &'static str {
    /// Bytes of the values of the largest network in order.cu.
    const NETWORK: usize = 100 * size_of::<f32>();
    let is_middle = rank == n.div_ceil(2) && n * size_of::<T>() <= NETWORK;
    match rank {
        ..=9 => outer,
        _ if is_middle => middle,
        _ => inner,
    }
}

/// `rule` for each column of `values` [n, d]: `out [d] =` the robust mean, or with a rate
/// `out -= rate ·` the robust mean.
///
/// # Panics
///
/// When `values` is not rows of the length of `out`, or with the core's error when the rule is not defined
/// for n values.
pub fn select_columns<T: Real>(
    engine: &impl Engine,
    rule: impl OrderRule,
    values: View<'_, T>,
    rate: Option<T>,
    out: ViewMut<'_, T>,
) {
    let d = out.len();
    if d == 0 {
        return;
    }
    let n = values.len() / d;
    values.check(engine, n * d);
    out.check(engine, d);
    let OrderStatistics { rank, finish } = OrderStatistics::new(rule, n);
    let (is_step, rate) = (u32::from(rate.is_some()), rate.unwrap_or(T::zero()));
    let arguments = (values, n, d, rank, code(finish), is_step, rate, out);
    // SAFETY: values are n rows of d, out has d, on this engine; no index depends on a value.
    unsafe {
        arguments.launch::<T>(
            engine,
            by_rank::<T>(
                n,
                rank,
                ["select_columns", "select_columns_middle", "select_columns_inner"],
            ),
            blocks_for(d),
        )
    }
}

/// `rule` for each coordinate of the outer products `delta_e ⊗ a_e` of a [m, i] and delta [m, o], each rounded
/// to `T`, as [`select_columns`] into `out` [o, i].
///
/// # Panics
///
/// When a length is not the product of its sizes, or with the core's error when the rule is not defined for m
/// values.
pub fn select_outer<T: Real>(
    engine: &impl Engine,
    rule: impl OrderRule,
    Dims { m, i, o }: Dims,
    [a, delta]: [View<'_, T>; 2],
    rate: Option<T>,
    out: ViewMut<'_, T>,
) {
    let d = len_of([o, i]);
    a.check(engine, len_of([m, i]));
    delta.check(engine, len_of([m, o]));
    out.check(engine, d);
    let OrderStatistics { rank, finish } = OrderStatistics::new(rule, m);
    let (is_step, rate) = (u32::from(rate.is_some()), rate.unwrap_or(T::zero()));
    let arguments = (a, delta, m, i, o, rank, code(finish), is_step, rate, out);
    // SAFETY: a is [m, i], delta [m, o], out [o, i] on this engine; no index depends on a value.
    unsafe {
        arguments.launch::<T>(
            engine,
            by_rank::<T>(m, rank, ["select_outer", "select_outer_middle", "select_outer_inner"]),
            blocks_for(d),
        )
    }
}
