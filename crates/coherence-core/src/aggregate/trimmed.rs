//! The trimmed mean, by count.

use num_traits::Float;

use super::order::{is_ordered, mean_within, sort};
use super::{CoordinateRule, Mean, Median};
use crate::number::wide;

/// The trimmed mean: the `trim` lowest and the `trim` highest values are left out.
///
/// With x_(1) ≤ … ≤ x_(n): (1/(n − 2·trim)) Σ_{i = trim+1 … n−trim} x_(i).
///
/// - `trim` = 0 is the [`Mean`]; 2·`trim` ≥ n, where nothing would be left, is the [`Median`].
///   n = 0 gives NaN.
/// - The values kept are summed in ascending order in `f64`: the same to the bit for every order.
/// - Breakdown: bears `trim` bad values (⌊(n−1)/2⌋ where it is the median); the result then lies in
///   the range of the others.
/// - Cost: O(n log n), one sort.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, Trimmed};
///
/// assert_eq!(Trimmed { trim: 1 }.aggregate(&mut [3.0, 100.0, 1.0, 5.0, 4.0]), 4.0);
/// ```
///
/// Source: Yin et al. (2018), definition 2, where β = trim/n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trimmed {
    /// How many values are left out at either end.
    pub trim: usize,
}

impl CoordinateRule for Trimmed {
    fn aggregate<T: Float>(&self, values: &mut [T]) -> T {
        let n = values.len();
        match self.trim {
            0 => Mean.aggregate(values),
            trim if trim >= n.div_ceil(2) => Median.aggregate(values),
            _ if !is_ordered(values) => T::nan(),
            trim => {
                sort(values);
                mean_of_sorted(&values[trim..n - trim])
            }
        }
    }

    fn tolerates(&self, n: usize) -> usize {
        self.trim.min(Median.tolerates(n))
    }
}

/// The mean of ascending `values` `[n]`, n ≥ 1.
pub(super) fn mean_of_sorted<T: Float>(values: &[T]) -> T {
    let n = values.len();
    mean_within(values.iter().map(|&x| wide(x)), n, wide(values[0]), wide(values[n - 1]))
}
