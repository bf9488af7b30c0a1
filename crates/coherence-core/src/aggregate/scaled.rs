//! Rows times a power of two, so that squares of distances stay in `f64`'s range.

use num_traits::Float;

use super::Rows;
use super::order::{mean, narrow, total};
use crate::number::wide;
use crate::squares::SquareSum;

/// A view of rows whose values are read in `f64`, times a power of two.
///
/// Multiplying by a power of two is exact: what is computed from the scaled rows is, unscaled, bit for bit
/// what it would be without scaling where that leaves no range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled<'a, T> {
    pub(super) rows: Rows<'a, T>,
    scale: f64,
}

/// Rows of magnitudes between 2^−400 and 2^400 are taken as they are.
const ORDINARY: i32 = 400;

/// The power of two by which vectors are multiplied before squares of their distances are taken.
///
/// `magnitudes` \[n\] holds the largest magnitude of each vector, ∞ for one that is not finite; it is
/// reordered. Scaled, their median is in [1, 2): a minority of Byzantine vectors cannot reduce the precision
/// of the others. No finite value exceeds 2^1021 by it. The scale is 1 where the median is between 2^−400 and
/// 2^400, where all is zero, and where no majority is finite.
///
/// Every rule over distances applies it itself. It is public for programs that hold the vectors in memory of their own.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::distance_scale;
///
/// assert_eq!(distance_scale(&mut [1.0, 2.5, 1e200]), 1.0);
/// assert_eq!(distance_scale(&mut [2f64.powi(500), 1.0, 2f64.powi(600)]), 2f64.powi(-500));
/// ```
pub fn distance_scale(magnitudes: &mut [f64]) -> f64 {
    if magnitudes.is_empty() {
        return 1.0;
    }
    let finite = magnitudes.iter().copied().filter(|x| x.is_finite());
    let greatest = finite.fold(0.0, f64::max);
    let median = *magnitudes.select_nth_unstable_by(magnitudes.len() / 2, total).1;
    let reference = if median == 0.0 { greatest } else { median };
    if reference == 0.0 || reference.is_infinite() {
        return 1.0;
    }
    let exponent = -libm::ilogb(reference);
    if exponent.abs() <= ORDINARY {
        return 1.0;
    }
    let exponent = exponent.min(1020 - libm::ilogb(greatest));
    libm::scalbn(1.0, exponent.clamp(-1022, 1023))
}

impl<'a, T: Float> Scaled<'a, T> {
    /// The rows as they are.
    pub(super) fn unscaled(rows: Rows<'a, T>) -> Self {
        Self { rows, scale: 1.0 }
    }

    /// The rows [n] times their [`distance_scale`]. `magnitudes` [at least n] is scratch.
    pub(super) fn new(rows: Rows<'a, T>, magnitudes: &mut [f64]) -> Self {
        let magnitudes = &mut magnitudes[..rows.len()];
        for (slot, row) in magnitudes.iter_mut().zip(rows.iter()) {
            let is_finite = row.iter().all(|x| x.is_finite());
            let largest = row.iter().map(|&x| wide(x).abs()).fold(0.0, f64::max);
            *slot = if is_finite { largest } else { f64::INFINITY };
        }
        Self { rows, scale: distance_scale(magnitudes) }
    }

    /// n
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The values of row `i` `[d]`.
    pub(super) fn values(&self, i: usize) -> impl Iterator<Item = f64> + Clone + 'a {
        let scale = self.scale;
        self.rows.row(i).iter().map(move |&x| wide(x) * scale)
    }

    /// Value `j` of row `i`.
    pub(super) fn value(&self, i: usize, j: usize) -> f64 {
        wide(self.rows.row(i)[j]) * self.scale
    }

    /// The power of two.
    pub(super) fn power(&self) -> f64 {
        self.scale
    }

    /// A number among the scaled rows, in their own units.
    pub(super) fn unscale(&self, x: f64) -> f64 {
        x / self.scale
    }

    /// The point `y` among the scaled rows, in their own units and type, into `out` `[d]`.
    pub(super) fn write(&self, y: &[f64], out: &mut [T]) {
        out.iter_mut().zip(y).for_each(|(slot, &value)| *slot = narrow(self.unscale(value)));
    }
}

/// √(Σ x²), finite and exact to rounding whenever the root itself is an f64.
pub(super) fn norm(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let square: f64 = values.clone().map(|x| x * x).sum();
    if let Some(root) = SquareSum::exact_root(square) {
        return root;
    }
    let mut ranges = SquareSum::default();
    values.for_each(|x| ranges.add(x));
    ranges.root()
}

/// The mean of the rows of these indices, into `out` `[d]`.
pub(super) fn mean_of_rows<T: Float>(rows: Rows<'_, T>, indices: &[usize], out: &mut [T]) {
    for (j, slot) in out.iter_mut().enumerate() {
        let values = indices.iter().map(|&i| wide(rows.row(i)[j]));
        *slot = narrow(mean(values, indices.len()));
    }
}
