//! Matrix products.

use crate::{
    View, ViewMut,
    argument::len_of,
    engine::{Engine, Product, Real},
};

/// `out [rows, columns] (+)= left · right`; see [`Product`].
///
/// # Panics
///
/// When a length is not the product of its sizes.
pub fn multiply<T: Real>(
    engine: &impl Engine,
    product: Product,
    left: View<'_, T>,
    right: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    multiply_each(engine, 1, product, left, right, out);
}

/// [`multiply`] of `count` factors and results, which lie one after the other: left [count, rows, inner],
/// right [count, inner, columns], out [count, rows, columns].
///
/// # Panics
///
/// When a length is not the product of its sizes.
pub fn multiply_each<T: Real>(
    engine: &impl Engine,
    count: usize,
    product: Product,
    left: View<'_, T>,
    right: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let Product { rows, inner, columns, add, .. } = product;
    left.check(engine, len_of([count, rows, inner]));
    right.check(engine, len_of([count, inner, columns]));
    out.check(engine, len_of([count, rows, columns]));
    if inner > 0 && !out.is_empty() {
        let addresses = [left.address(), right.address(), out.address()];
        // SAFETY: the sizes were checked; a view to write overlaps no other.
        unsafe { engine.multiply::<T>(count, product, addresses) }
    } else if !add {
        out.fill(engine, T::zero());
    }
}
