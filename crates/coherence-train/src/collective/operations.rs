//! What workers compute together from what they exchange.

use super::{Collective, Exchange, block};
use coherence_cpu::{Isa, elementwise::axpy};
use core::ops::Range;

impl dyn Collective + '_ {
    /// Overwrites `all` [P, n] with the values `mine` \[n\] of every worker, by rank.
    pub fn gather_f64(&self, mine: &[f64], all: &mut [f64]) {
        all[self.rank() * mine.len()..][..mine.len()].copy_from_slice(mine);
        self.gather(all);
    }

    /// Whether there are no other workers.
    pub(crate) fn is_solo(&self) -> bool {
        self.size() == 1
    }

    /// Combines the `values` \[d\] of all workers by `rule`, which is given rows [P, b] and overwrites \[b\]; every
    /// worker gets the result. `rows` is overwritten, and grows to d values.
    pub(crate) fn combine<T: Copy + Default>(
        &self,
        values: &mut [T],
        rows: &mut Vec<T>,
        rule: impl FnOnce(&[T], &mut [T]),
    ) where
        Self: Exchange<T>,
    {
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
    pub(crate) fn receive<T: Copy + Default>(&self, values: &[T], rows: &mut Vec<T>) -> Range<usize>
    where
        Self: Exchange<T>,
    {
        let own = block(values.len(), self.size(), self.rank());
        rows.resize(self.size() * own.len(), T::default());
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
            others
                .chunks_exact(out.len().max(1))
                .for_each(|row| axpy(Isa::detect(), 1.0, row, out));
        });
    }

    /// As [`sum`](Self::sum), in f64.
    pub(crate) fn sum_f64(&self, values: &mut [f64]) {
        if self.is_solo() || values.is_empty() {
            return;
        }
        self.combine(values, &mut Vec::new(), |rows, out| {
            let (first, others) = rows.split_at(out.len());
            out.copy_from_slice(first);
            for row in others.chunks_exact(out.len().max(1)) {
                out.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
        });
    }

    /// The lists of all workers, by rank, one after the other.
    pub(crate) fn concatenate(&self, mine: Vec<f64>) -> Vec<f64> {
        if self.is_solo() {
            return mine;
        }
        let mut lengths = vec![0.0; self.size()];
        self.gather_f64(&[mine.len() as f64], &mut lengths);
        let lengths: Vec<usize> = lengths.iter().map(|&length| length as usize).collect();
        // Lists of one length can be gathered; what fills them up is left out again.
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mut padded = mine;
        padded.resize(longest, 0.0);
        let mut all = vec![0.0; self.size() * longest];
        self.gather_f64(&padded, &mut all);
        let lists = all.chunks(longest.max(1)).zip(lengths);
        lists.flat_map(|(list, length)| list[..length].iter().copied()).collect()
    }

    /// Whether the flag of any worker is raised.
    pub fn any(&self, flag: bool) -> bool {
        self.first(flag).is_some()
    }

    /// The lowest rank of a worker whose flag is raised.
    pub(crate) fn first(&self, flag: bool) -> Option<usize> {
        let mut flags = vec![0.0; self.size()];
        self.gather_f64(&[flag.into()], &mut flags);
        flags.iter().position(|&flag| flag == 1.0)
    }
}
