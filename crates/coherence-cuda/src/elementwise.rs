//! Operations on each value by itself.

use crate::{
    View, ViewMut,
    argument::{Arguments, blocks_for},
    engine::{Engine, Real},
};

/// `y += factor · x`.
pub fn axpy<T: Real>(engine: &impl Engine, factor: T, x: View<'_, T>, y: ViewMut<'_, T>) {
    let n = y.len();
    x.check(engine, n);
    y.check(engine, n);
    // SAFETY: x and y have n values on this engine.
    unsafe { (factor, x, y, n).launch::<T>(engine, "axpy", blocks_for(n)) }
}
