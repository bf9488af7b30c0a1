//! Workers that train one network together.
//!
//! Legend: P: workers, r: the rank of one of them, d: length of a vector, k: examples of a mini-batch.
//!
//! Every worker holds the whole network and all settings, computes the gradient of its share of each
//! mini-batch, and makes the same update. A vector of all workers is combined in three steps: each worker
//! receives one block of coordinates of all P vectors, combines it, and sends the result to all. Every rule over
//! coordinates is exact this way: 2 (P − 1)/P · d numbers are sent by each worker, as for a sum, and
//! memory is O(d).

mod aggregate;
mod agreement;
mod division;
mod operations;
mod threads;

pub use aggregate::SharedRuleError;
pub(crate) use agreement::{Fingerprint, compared};
pub(crate) use division::{Division, Pass, THREE};
pub use threads::threads;

use core::{fmt, ops::Range};

/// What workers exchange: values of one type, in blocks of coordinates.
///
/// All workers call the same functions in the same order, with slices of the same lengths. A worker that ends
/// or fails ends the others, with a message.
pub trait Exchange<T> {
    /// Overwrites `rows` [P, b] with block r of the `values` \[d\] of every worker, by rank; b is the length of
    /// [`block`] r.
    fn exchange(&self, values: &[T], rows: &mut [T]);

    /// Overwrites `values` \[d\] with block 0 of worker 0, block 1 of worker 1, and so on.
    fn gather(&self, values: &mut [T]);
}

/// One of several workers, with its connections to the others.
pub trait Collective: Exchange<f32> + Exchange<f64> + fmt::Debug + Send + Sync {
    /// r, from 0 to P − 1.
    fn rank(&self) -> usize;

    /// P, the number of workers.
    fn size(&self) -> usize;
}

/// The coordinates of a vector \[d\] that worker `rank` combines: r d/P to (r + 1) d/P, rounded down.
///
/// ```
/// use coherence_train::collective::block;
/// assert_eq!([0, 1, 2].map(|rank| block(10, 3, rank)), [0..3, 3..6, 6..10]);
/// ```
pub fn block(d: usize, size: usize, rank: usize) -> Range<usize> {
    let start = |rank: usize| (d as u128 * rank as u128 / size as u128) as usize;
    start(rank)..start(rank + 1)
}

/// A worker without others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Solo;

impl Collective for Solo {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }
}

impl<T: Copy> Exchange<T> for Solo {
    fn exchange(&self, values: &[T], rows: &mut [T]) {
        rows.copy_from_slice(values);
    }

    fn gather(&self, _: &mut [T]) {}
}
