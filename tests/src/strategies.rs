//! Inputs: ordinary, degenerate and adversarial.

use proptest::prelude::*;

/// A coherence α in [0, 1], including both ends.
pub fn alpha() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..=1.0, 1 => Just(0.0), 1 => Just(1.0), 1 => 1e-12..1e-6, 1 => Just(1.0 - 1e-12)]
}

/// One coordinate of a gradient of ordinary size; exact zeros are common, as after a ReLU.
pub fn coordinate() -> impl Strategy<Value = f64> {
    prop_oneof![6 => -10.0..10.0, 2 => Just(0.0), 1 => Just(-0.0), 1 => (-3i32..=3).prop_map(f64::from)]
}

/// m gradients of d coordinates, `1 ≤ m ≤ max_m`, `1 ≤ d ≤ max_d`: mixed, all equal, all zero,
/// with copies and their negatives, pairwise orthogonal, or with one example that dwarfs the rest.
pub fn sample(max_m: usize, max_d: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1..=max_m, 1..=max_d, 0..12u8).prop_flat_map(|(m, d, kind)| {
        prop::collection::vec(prop::collection::vec(coordinate(), d), m)
            .prop_map(move |rows| degenerate(rows, kind))
    })
}

fn degenerate(mut rows: Vec<Vec<f64>>, kind: u8) -> Vec<Vec<f64>> {
    let m = rows.len();
    match kind {
        0 => rows.iter_mut().flatten().for_each(|x| *x = 0.0),
        1 => (1..m).for_each(|i| rows[i] = rows[0].clone()),
        2 => (m / 2..m).for_each(|i| rows[i] = rows[i - m / 2].iter().map(|x| -x).collect()),
        3 => return orthogonal(m, 2.0),
        4 => rows[0].iter_mut().for_each(|x| *x *= 1e6),
        5 => rows[m - 1].iter_mut().for_each(|x| *x = 0.0),
        _ => {}
    }
    rows
}

/// m pairwise orthogonal gradients [m, m] of the given length, along the axes.
pub fn orthogonal(m: usize, length: f64) -> Vec<Vec<f64>> {
    (0..m).map(|i| (0..m).map(|j| if i == j { length } else { 0.0 }).collect()).collect()
}

/// NaN or an infinity.
pub fn non_finite() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]
}

/// A sample, and the exponent e of a power of two to multiply it by: squares of the scaled values
/// overflow or underflow, their sums do not.
pub fn extreme_sample(max_m: usize, max_d: usize) -> impl Strategy<Value = (Vec<Vec<f64>>, i32)> {
    (sample(max_m, max_d), prop_oneof![-990..=990i32, Just(-990), Just(990), Just(0)])
}

/// Values of one coordinate for an aggregator, `1 ≤ n ≤ max_n`: ties, ±0, subnormals and extremes.
pub fn values(max_n: usize) -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        6 => -100.0..100.0,
        3 => (-2i32..=2).prop_map(f64::from),
        1 => Just(0.0),
        1 => Just(-0.0),
        1 => prop_oneof![Just(5e-324), Just(-5e-324), Just(f64::MIN_POSITIVE)],
        1 => prop_oneof![Just(1e300), Just(-1e300), Just(1e30), Just(-1e30)],
    ];
    prop::collection::vec(value, 1..=max_n)
}
