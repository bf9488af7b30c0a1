//! Rules that move a centre among vectors.

use num_traits::Float;

use super::scaled::Scaled;
use super::vector::refuse_non_finite;
use super::weiszfeld::{distance, start};
use super::{AggregateError, Requirements, Rows, Scratch};

/// n vectors x_i `[d]` among which a point y `[d]` moves: what a [`CenterRule`] asks of them.
///
/// Two sums over all values do the work of such a rule, whatever holds the values: the distances to a point, and a
/// weighted sum of the differences from it. All values are finite.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CenterRule, GeometricMedian, VectorSet};
///
/// /// Numbers, as vectors of one coordinate.
/// struct Numbers<'a>(&'a [f64]);
///
/// impl VectorSet for Numbers<'_> {
///     fn count(&self) -> usize {
///         self.0.len()
///     }
///     fn copy_vector(&self, i: usize, out: &mut [f64]) {
///         out[0] = self.0[i];
///     }
///     fn distances(&self, y: &[f64], out: &mut [f64]) {
///         out.iter_mut().zip(self.0).for_each(|(slot, x)| *slot = (x - y[0]).abs());
///     }
///     fn projections(&self, y: &[f64], weights: &[f64], v: &[f64], out: &mut [f64]) {
///         out.iter_mut().zip(self.0).zip(weights).for_each(|((slot, x), w)| *slot = (x - y[0]) * w * v[0]);
///     }
///     fn weighted_sum(&self, y: &[f64], weights: &[f64], out: &mut [f64]) {
///         out[0] = self.0.iter().zip(weights).map(|(x, w)| w * (x - y[0])).sum();
///     }
/// }
///
/// let (mut center, mut scratch) = ([2.5], [0.0; 16]); // a median of five numbers would be better to start from
/// let rule = GeometricMedian::default();
/// let vector = rule.move_center(&Numbers(&[1.0, 2.0, 3.0, 5.0, 90.0]), &mut center, &mut scratch).unwrap();
/// assert_eq!((center, vector), ([3.0], Some(2)));
/// ```
pub trait VectorSet {
    /// n.
    fn count(&self) -> usize;

    /// The power of two by which the vectors are multiplied in all answers.
    fn scale(&self) -> f64 {
        1.0
    }

    /// `out [d]` = x_i.
    fn copy_vector(&self, i: usize, out: &mut [f64]);

    /// `out[i]` = ‖x_i − y‖, `[n]`: 0 for x_i = y alone.
    fn distances(&self, y: &[f64], out: &mut [f64]);

    /// `out[i]` = Σ_j (x_ij − y_j) w_i v_j, `[n]`, multiplied in this order.
    fn projections(&self, y: &[f64], weights: &[f64], v: &[f64], out: &mut [f64]);

    /// `out [d]` = Σ_i w_i (x_i − y), without the vectors of weight 0.
    fn weighted_sum(&self, y: &[f64], weights: &[f64], out: &mut [f64]);
}

/// A rule that moves a centre among vectors, which it asks for distances and sums alone.
///
/// [`GeometricMedian`](super::GeometricMedian) and [`CenteredClipping`](super::CenteredClipping) are of this kind. A
/// program with faster loops, or with vectors elsewhere, brings a [`VectorSet`].
pub trait CenterRule: Requirements {
    /// Moves `center` `[d]` from where it starts, the coordinate-wise median, to the aggregate. The geometric median may
    /// start anywhere. If the aggregate is one of the vectors, bit for bit, and the rule knows, the index of that is
    /// returned.
    ///
    /// `scratch` \[at least d less than [`scratch_len`](Requirements::scratch_len) says\]. The n for which the rule
    /// is defined is the caller's to [check](Requirements::check).
    ///
    /// # Errors
    ///
    /// [`AggregateError::NotConverged`]; `center` is then the last iterate.
    fn move_center(
        &self,
        vectors: &dyn VectorSet,
        center: &mut [f64],
        scratch: &mut [f64],
    ) -> Result<Option<usize>, AggregateError>;
}

/// The aggregate of `rows` by a rule around a centre into `out` `[d]`: NaN unless all values are finite.
pub(super) fn compute<T: Float>(
    rule: &impl CenterRule,
    rows: Rows<'_, T>,
    scratch: Scratch<'_>,
    out: &mut [T],
) -> Result<(), AggregateError> {
    if refuse_non_finite(rows).is_err() {
        out.fill(T::nan());
        return Ok(());
    }
    let (center, rest) = scratch.values.split_at_mut(rows.dim());
    let scaled = Scaled::new(rows, rest);
    start(scaled, rest, center);
    match rule.move_center(&scaled, center, rest)? {
        Some(i) => out.copy_from_slice(rows.row(i)),
        None => scaled.write(center, out),
    }
    Ok(())
}

impl<T: Float> VectorSet for Scaled<'_, T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn scale(&self) -> f64 {
        self.power()
    }

    fn copy_vector(&self, i: usize, out: &mut [f64]) {
        out.iter_mut().zip(self.values(i)).for_each(|(slot, x)| *slot = x);
    }

    fn distances(&self, y: &[f64], out: &mut [f64]) {
        out.iter_mut().enumerate().for_each(|(i, slot)| *slot = distance(self.values(i), y));
    }

    fn projections(&self, y: &[f64], weights: &[f64], v: &[f64], out: &mut [f64]) {
        for (i, (slot, w)) in out.iter_mut().zip(weights).enumerate() {
            *slot = self.values(i).zip(y).zip(v).map(|((x, y), v)| (x - y) * w * v).sum();
        }
    }

    fn weighted_sum(&self, y: &[f64], weights: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (i, &w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            for ((slot, x), y) in out.iter_mut().zip(self.values(i)).zip(y) {
                *slot += w * (x - y);
            }
        }
    }
}
