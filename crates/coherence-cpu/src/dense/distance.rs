//! The distance of two vectors.

use crate::{Element, Isa, isa::run_loop};

/// Running sums of a row, which hide the latency of an addition.
pub(super) const LANES: usize = 16;

/// ‖x − y‖² from differences in `f64`: the same bits on every instruction set.
///
/// # Panics
///
/// If the lengths differ.
///
/// ```
/// use coherence_cpu::{Isa, dense::square_between};
/// assert_eq!(square_between(Isa::detect(), &[1.0f32, 5.0], &[4.0, 1.0]), 25.0);
/// ```
pub fn square_between<T: Element>(isa: Isa, x: &[T], y: &[T]) -> f64 {
    run_loop!(isa, { sum_of_squares(x, y) })
}

/// [`square_between`] of values of two types, on the caller's instruction set.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // lanes of several arrays, side by side
pub(super) fn sum_of_squares<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    assert_eq!(x.len(), y.len(), "the lengths differ");
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in xs.iter().zip(ys) {
        for l in 0..LANES {
            let difference = x[l].widen() - y[l].widen();
            sums[l] += difference * difference;
        }
    }
    let rest = x_rest.iter().zip(y_rest).map(|(x, y)| (x.widen() - y.widen()).powi(2));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}
