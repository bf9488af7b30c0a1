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
    let Product { rows, inner, columns, add, .. } = product;
    left.check(engine, len_of([rows, inner]));
    right.check(engine, len_of([inner, columns]));
    out.check(engine, len_of([rows, columns]));
    if inner > 0 && !out.is_empty() {
        // SAFETY: the sizes were checked; a view to write overlaps no other.
        unsafe { engine.multiply::<T>(product, left.address(), right.address(), out.address()) }
    } else if !add {
        out.fill(engine, T::zero());
    }
}
