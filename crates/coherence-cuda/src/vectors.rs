//! Vectors of all parameters: dots and running sums in `f64`, and updates.

use crate::{
    View, ViewMut,
    argument::{Arguments, add, blocks_for},
    engine::{Engine, Real},
    rows::dots_of_segments,
};
use coherence_cpu::{product::Output, vectors::Descent};

/// x · y in `f64`, for the host; 0 for vectors of no coordinates. The order of additions depends on the length
/// alone.
///
/// # Panics
///
/// When the lengths differ.
pub fn dot<T: Real>(engine: &impl Engine, x: View<'_, T>, y: View<'_, T>) -> f64 {
    let parts = dots_of_segments(engine, [x, y], 1, x.len());
    let mut values = vec![0.0; parts.view().len()];
    parts.view().download(engine, &mut values);
    values.iter().sum()
}

/// `sum [d] (+)= x`, in `f64`.
///
/// # Panics
///
/// When the lengths differ.
pub fn accumulate<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    output: Output,
    sum: ViewMut<'_, f64>,
) {
    let n = sum.len();
    x.check(engine, n);
    sum.check(engine, n);
    let arguments = (x, add(output), sum, n);
    // SAFETY: x and sum have n values on this engine.
    unsafe { arguments.launch::<T>(engine, "accumulate", blocks_for(n)) }
}

/// Updates w along g, as [`coherence_cpu::vectors::descend`]: the same bits.
///
/// # Panics
///
/// When the lengths differ.
pub fn descend<T: Real>(
    engine: &impl Engine,
    by: Descent<T>,
    g: View<'_, T>,
    velocity: Option<ViewMut<'_, T>>,
    w: ViewMut<'_, T>,
) {
    let Descent { rate, momentum, nesterov, weight_decay } = by;
    let n = w.len();
    g.check(engine, n);
    w.check(engine, n);
    velocity.iter().for_each(|velocity| velocity.check(engine, n));
    let arguments = (rate, momentum, u32::from(nesterov), weight_decay, g, velocity, w, n);
    // SAFETY: g, velocity and w have n values on this engine.
    unsafe { arguments.launch::<T>(engine, "descend", blocks_for(n)) }
}

/// `w -= rate · median(factor g₀, factor g₁, factor g₂)`, coordinate by coordinate, of the products rounded to
/// `T`.
///
/// # Panics
///
/// When the lengths differ.
pub fn median_of_three_step<T: Real>(
    engine: &impl Engine,
    gradients: [View<'_, T>; 3],
    factor: T,
    rate: T,
    w: ViewMut<'_, T>,
) {
    let n = w.len();
    gradients.iter().for_each(|g| g.check(engine, n));
    w.check(engine, n);
    let [g0, g1, g2] = gradients;
    let arguments = (g0, g1, g2, factor, rate, w, n);
    // SAFETY: the gradients and w have n values on this engine.
    unsafe { arguments.launch::<T>(engine, "median_of_three_step", blocks_for(n)) }
}

/// `out[j] = x[indices[j]]`, and 0 for an index that is not below the length of x.
///
/// # Panics
///
/// When `indices` and `out` differ in length.
pub fn gather<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    indices: View<'_, u32>,
    out: ViewMut<'_, T>,
) {
    let (d, n) = (x.len(), out.len());
    x.check(engine, d);
    indices.check(engine, n);
    out.check(engine, n);
    let arguments = (x, d, indices, out, n);
    // SAFETY: x has d values, indices and out n, on this engine; an index is compared with d.
    unsafe { arguments.launch::<T>(engine, "gather", blocks_for(n)) }
}
