//! Operations on each value by itself.

use crate::{
    View, ViewMut,
    argument::{Arguments, ByValue, Structure, blocks_for},
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

/// `x *= factor`.
pub fn scale<T: Real>(engine: &impl Engine, factor: T, x: ViewMut<'_, T>) {
    let n = x.len();
    x.check(engine, n);
    // SAFETY: x has n values on this engine.
    unsafe { (factor, x, n).launch::<T>(engine, "scale", blocks_for(n)) }
}

/// `sums /= m`: from SUMS to means. A zero is +0.
pub(crate) fn divide<T: Real>(engine: &impl Engine, m: usize, sums: ViewMut<'_, T>) {
    let n = sums.len();
    sums.check(engine, n);
    // SAFETY: sums has n values on this engine.
    unsafe { (T::narrow(m as f64), sums, n).launch::<T>(engine, "divide", blocks_for(n)) }
}

/// Which units of values are dropped: unit u is if the u-th 64 bits of a ChaCha8 stream are below a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Dropping {
    /// The key of the cipher, 8 little-endian words.
    pub key: [u32; 8],
    /// The number of the stream.
    pub stream: u64,
    /// The probability of a unit to be dropped, times 2⁶⁴.
    pub threshold: u64,
    /// Neighbouring values in a unit.
    pub unit: u64,
}

// SAFETY: the fields of structures.h, in their order.
unsafe impl Structure for Dropping {
    const NAME: &'static str = "Dropping";
}

/// `out += factor · from` for the values that are not dropped.
///
/// # Panics
///
/// When the lengths differ or are no whole units.
pub fn add_kept<T: Real>(
    engine: &impl Engine,
    by: Dropping,
    factor: T,
    from: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    from.check(engine, n);
    out.check(engine, n);
    assert!(
        by.unit > 0 && (n as u64).is_multiple_of(by.unit),
        "{n} values in units of {}",
        by.unit
    );
    // SAFETY: from and out have n values on this engine; the unit is not 0.
    unsafe { (ByValue(by), factor, from, out, n).launch::<T>(engine, "add_kept", blocks_for(n)) }
}
