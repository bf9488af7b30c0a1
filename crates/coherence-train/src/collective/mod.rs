//! Workers that train one network together.
//!
//! Legend: P: workers, r: the rank of one of them, d: length of a vector, k: examples of a mini-batch.
//!
//! Every worker holds the whole network and all settings, computes the gradient of its share of each
//! mini-batch, and makes the same update. A vector of all workers is combined in three steps: each worker
//! receives one block of coordinates of all P vectors, combines it, and sends the result to all. Every rule over
//! coordinates is exact this way: 2 (P − 1)/P · d numbers are sent by each worker, as for a sum, and memory is
//! O(d).

mod division;
mod threads;

pub(crate) use division::{Division, THREE};
pub use threads::threads;

use coherence_cpu::elementwise::axpy;
use core::{fmt, ops::Range};

/// What workers exchange.
///
/// All workers call the same functions in the same order, with slices of the same lengths. A worker that ends
/// or fails ends the others, with a message.
pub trait Collective: fmt::Debug + Send + Sync {
    /// r, from 0 to P − 1.
    fn rank(&self) -> usize;

    /// P, the number of workers.
    fn size(&self) -> usize;

    /// Overwrites `rows` [P, b] with block r of the `values` \[d\] of every worker, by rank; b is the length of
    /// [`block`] r.
    fn exchange(&self, values: &[f32], rows: &mut [f32]);

    /// Overwrites `values` \[d\] with block 0 of worker 0, block 1 of worker 1, and so on.
    fn gather(&self, values: &mut [f32]);

    /// Overwrites `all` [P, n] with the values `mine` \[n\] of every worker, by rank.
    fn gather_f64(&self, mine: &[f64], all: &mut [f64]);
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

    fn exchange(&self, values: &[f32], rows: &mut [f32]) {
        rows.copy_from_slice(values);
    }

    fn gather(&self, _: &mut [f32]) {}

    fn gather_f64(&self, mine: &[f64], all: &mut [f64]) {
        all.copy_from_slice(mine);
    }
}

impl dyn Collective + '_ {
    /// Whether there are no other workers.
    pub(crate) fn is_solo(&self) -> bool {
        self.size() == 1
    }

    /// Combines the `values` \[d\] of all workers by `rule`, which is given rows [P, b] and overwrites \[b\]; every
    /// worker gets the result. `rows` is overwritten, and grows to d values.
    pub(crate) fn combine(
        &self,
        values: &mut [f32],
        rows: &mut Vec<f32>,
        rule: impl FnOnce(&[f32], &mut [f32]),
    ) {
        let own = self.receive(values, rows);
        rule(rows, &mut values[own]);
        self.gather(values);
    }

    /// As [`combine`](Self::combine), with a result \[d\] elsewhere: `rule` is given rows [P, b] of `values` and
    /// changes block \[b\] of `out`.
    pub(crate) fn combine_into(
        &self,
        values: &[f32],
        rows: &mut Vec<f32>,
        out: &mut [f32],
        rule: impl FnOnce(&[f32], &mut [f32]),
    ) {
        let own = self.receive(values, rows);
        rule(rows, &mut out[own]);
        self.gather(out);
    }

    /// Overwrites `rows` [P, b] with this worker's block of the values of all; returns its coordinates.
    fn receive(&self, values: &[f32], rows: &mut Vec<f32>) -> Range<usize> {
        let own = block(values.len(), self.size(), self.rank());
        rows.resize(self.size() * own.len(), 0.0);
        self.exchange(values, rows);
        own
    }

    /// Overwrites the values of all workers with their sum, added in the order of ranks.
    pub(crate) fn sum(&self, values: &mut [f32], rows: &mut Vec<f32>) {
        if self.is_solo() || values.is_empty() {
            return;
        }
        self.combine(values, rows, |rows, out| {
            let (first, others) = rows.split_at(out.len());
            out.copy_from_slice(first);
            others.chunks_exact(out.len().max(1)).for_each(|row| axpy(1.0, row, out));
        });
    }

    /// Whether the flag of any worker is raised.
    pub(crate) fn any(&self, flag: bool) -> bool {
        if self.is_solo() {
            return flag;
        }
        let mut flags = vec![0.0; self.size()];
        self.gather_f64(&[flag.into()], &mut flags);
        flags.contains(&1.0)
    }

    /// The ranks whose bytes differ from those of worker 0.
    pub(crate) fn differing(&self, digest: [u8; 32]) -> Vec<usize> {
        let mine: Vec<f64> = digest.iter().map(|&byte| byte.into()).collect();
        let mut all = vec![0.0; self.size() * mine.len()];
        self.gather_f64(&mine, &mut all);
        let digests: Vec<&[f64]> = all.chunks_exact(mine.len()).collect();
        (0..self.size()).filter(|&rank| digests[rank] != digests[0]).collect()
    }
}
