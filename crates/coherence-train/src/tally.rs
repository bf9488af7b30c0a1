//! S and Q of a group of examples, tensor by tensor, with memory for d numbers.
//!
//! Legend: m: examples, t: tensors, d: parameters, S = Σ g_e, Q = Σ ‖g_e‖².

use crate::collective::Collective;
use coherence_core::Coherence;
use coherence_cpu::{Element, norms::row_dots, product::Output};
use coherence_nn::{Factors, Layout};
use core::{iter, ops::Range};
use rayon::prelude::*;

/// The sums over some examples of a chunk, to be added to the tallies of their groups.
#[derive(Debug, Clone)]
pub(crate) struct ChunkSums {
    m: usize,
    /// S \[d\], a product of the examples' factors, in f32.
    sum: Vec<f32>,
    /// ‖g_e‖² by tensor and example [t, m].
    sq_norms: Vec<f64>,
}

impl ChunkSums {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { m: 0, sum: vec![0.0; layout.parameters()], sq_norms: Vec::new() }
    }

    /// Starts the sums of `m` examples, to which every tensor is then [`add`](Self::add)ed once.
    pub(crate) fn begin(&mut self, layout: &Layout, m: usize) {
        self.m = m;
        self.sq_norms.clear();
        self.sq_norms.resize(layout.tensors().len() * m, 0.0);
    }

    /// Computes the sums of one tensor.
    pub(crate) fn add(&mut self, factors: &Factors<'_, f32>) {
        let sum = &mut self.sum[factors.range.clone()];
        let sq_norms = &mut self.sq_norms[factors.tensor * self.m..][..self.m];
        factors.sum_and_sq_norms(Output::Overwrite, sum, sq_norms);
    }

    /// The statistics of the whole network.
    pub(crate) fn network(&self) -> Coherence {
        Coherence {
            m: self.m as u64,
            sq_norm_of_sum: dot(&self.sum, &self.sum),
            sum_sq_norms: self.sq_norms.iter().sum(),
        }
    }

    /// The statistics of the whole network over this and another chunk:
    /// ‖S + S′‖² = ‖S‖² + 2 S·S′ + ‖S′‖².
    pub(crate) fn network_with(&self, other: &Self) -> Coherence {
        let (this, that) = (self.network(), other.network());
        let between = 2.0 * dot(&self.sum, &other.sum);
        Coherence {
            m: this.m + that.m,
            sq_norm_of_sum: this.sq_norm_of_sum + between + that.sq_norm_of_sum,
            sum_sq_norms: this.sum_sq_norms + that.sum_sq_norms,
        }
    }

    /// Each example's ‖g_e‖² \[m\] in tensor `t`.
    pub(crate) fn sq_norms(&self, t: usize) -> &[f64] {
        &self.sq_norms[t * self.m..][..self.m]
    }
}

/// Running sums over per-example gradients of the SUM loss. Chunks are added in f64.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    m: u64,
    /// S \[d\].
    sum: Vec<f64>,
    /// Q of each tensor.
    sum_sq_norms: Vec<f64>,
    ranges: Vec<Range<usize>>,
}

impl Tally {
    pub(crate) fn new(layout: &Layout) -> Self {
        let ranges: Vec<_> = layout.tensors().iter().map(|tensor| tensor.range.clone()).collect();
        Self {
            m: 0,
            sum: vec![0.0; layout.parameters()],
            sum_sq_norms: vec![0.0; ranges.len()],
            ranges,
        }
    }

    /// Forgets all examples; the next sums added overwrite the old ones.
    pub(crate) fn clear(&mut self) {
        self.m = 0;
        self.sum_sq_norms.fill(0.0);
    }

    /// Adds the examples of a chunk.
    pub(crate) fn add(&mut self, chunk: &ChunkSums) {
        self.add_sum(0..chunk.sum.len(), chunk.m as u64, &chunk.sum);
        for (t, q) in self.sum_sq_norms.iter_mut().enumerate() {
            *q += chunk.sq_norms(t).iter().sum::<f64>();
        }
    }

    /// Adds another group's sums.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.m > 0 {
            self.add_sum(0..other.sum.len(), other.m, &other.sum);
        }
        self.sum_sq_norms.iter_mut().zip(&other.sum_sq_norms).for_each(|(q, o)| *q += o);
    }

    /// Adds one chunk of each of the first `count` workers, in the order of ranks: coordinates of S that are not
    /// of this worker's block come with [`complete`](Self::complete). `rows` is overwritten, and grows to d values.
    pub(crate) fn add_round(
        &mut self,
        workers: &dyn Collective,
        count: usize,
        chunk: &ChunkSums,
        rows: &mut Vec<f32>,
    ) {
        if workers.is_solo() {
            return self.add(chunk);
        }
        let own = workers.receive(&chunk.sum, rows);
        let sq_norms = (0..self.ranges.len()).map(|t| chunk.sq_norms(t).iter().sum());
        let mine: Vec<f64> = iter::once(chunk.m as f64).chain(sq_norms).collect();
        let mut all = vec![0.0; workers.size() * mine.len()];
        workers.gather_f64(&mine, &mut all);
        for (rank, numbers) in all.chunks_exact(mine.len()).enumerate().take(count) {
            let row = &rows[rank * own.len()..][..own.len()];
            self.add_sum(own.clone(), numbers[0] as u64, row);
            self.sum_sq_norms.iter_mut().zip(&numbers[1..]).for_each(|(q, more)| *q += more);
        }
    }

    /// Takes the coordinates of S that the other workers have summed.
    pub(crate) fn complete(&mut self, workers: &dyn Collective) {
        if self.m > 0 {
            workers.gather(&mut self.sum);
        }
    }

    /// Adds the examples of all workers, which have tallies of their own: S and Q are added in the order of ranks.
    pub(crate) fn sum_over(&mut self, workers: &dyn Collective) {
        if workers.is_solo() {
            return;
        }
        if self.m == 0 {
            self.sum.fill(0.0);
        }
        workers.sum_f64(&mut self.sum);
        workers.sum_f64(&mut self.sum_sq_norms);
        let mut m = [self.m as f64];
        workers.sum_f64(&mut m);
        self.m = m[0] as u64;
    }

    /// Adds coordinates `range` of S of `m` more examples, on all threads; coordinates are independent of each other.
    fn add_sum<T: Copy + Sync + Into<f64>>(&mut self, range: Range<usize>, m: u64, x: &[T]) {
        let blocks = self.sum[range].par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK));
        if self.m == 0 {
            blocks.for_each(|(sum, x)| sum.iter_mut().zip(x).for_each(|(s, &x)| *s = x.into()));
        } else {
            blocks.for_each(|(sum, x)| sum.iter_mut().zip(x).for_each(|(s, &x)| *s += x.into()));
        }
        self.m += m;
    }

    /// The statistics of the whole network.
    pub(crate) fn network(&self) -> Coherence {
        self.statistics(self.sum(), self.sum_sq_norms.iter().sum())
    }

    /// The statistics of tensor `t` alone.
    pub(crate) fn tensor(&self, t: usize) -> Coherence {
        let sum = self.sum().get(self.ranges[t].clone()).unwrap_or_default();
        self.statistics(sum, self.sum_sq_norms[t])
    }

    fn statistics(&self, sum: &[f64], sum_sq_norms: f64) -> Coherence {
        Coherence { m: self.m, sq_norm_of_sum: dot(sum, sum), sum_sq_norms }
    }

    /// S \[d\]; empty if there are no examples.
    pub(crate) fn sum(&self) -> &[f64] {
        if self.m == 0 { &[] } else { &self.sum }
    }
}

/// Coordinates in a thread's unit of work.
const BLOCK: usize = 1 << 14;

/// x · y: fixed blocks on all threads, added in order.
pub(crate) fn dot<T: Element>(x: &[T], y: &[T]) -> f64 {
    let blocks = x.par_chunks(BLOCK).zip(y.par_chunks(BLOCK)).map(|(x, y)| {
        let mut dot = [0.0];
        row_dots(x, y, &mut dot);
        dot[0]
    });
    blocks.collect::<Vec<f64>>().into_iter().sum()
}
