//! S and Q of a group of examples, tensor by tensor, with memory for d numbers.
//!
//! Legend: m: examples, t: tensors, d: parameters, S = Σ g_e, Q = Σ ‖g_e‖².

use crate::{collective::Collective, sum::Sum};
use coherence_core::Coherence;
use coherence_cpu::product::Output;
use coherence_nn::{
    Factors, Layout,
    device::{Device, Memory},
};
use core::{iter, ops::Range};

/// The sums over some examples of a chunk, to be added to the tallies of their groups.
#[derive(Debug, Clone)]
pub(crate) struct ChunkSums<D: Device<f32>> {
    device: D,
    m: usize,
    /// S \[d\], a product of the examples' factors, in f32; empty when a tally has taken it.
    sum: D::Buffer<f32>,
    /// ‖g_e‖² by tensor and example [t, m], on the device.
    computed: D::Buffer<f64>,
    /// The same on the host.
    sq_norms: Vec<f64>,
}

impl<D: Device<f32>> ChunkSums<D> {
    pub(crate) fn new(device: &D) -> Self {
        let (sum, computed) = (device.zeros(0), device.zeros(0));
        Self { device: device.clone(), m: 0, sum, computed, sq_norms: Vec::new() }
    }

    /// Computes the sums of `m` examples: `pass` gives the factors of every tensor to its argument once.
    pub(crate) fn compute(
        &mut self,
        layout: &Layout,
        m: usize,
        pass: impl FnOnce(&mut dyn FnMut(&Factors<'_, f32, D>)),
    ) {
        let Self { device, sum, computed, sq_norms, .. } = self;
        let len = layout.tensors().len() * m;
        device.reserve(sum, layout.parameters());
        let mut to = zeros(device, computed, len);
        pass(&mut |factors| {
            let sum = D::part_mut(D::view_mut(sum), factors.range.clone());
            let of_tensor = factors.tensor * m..(factors.tensor + 1) * m;
            let sq_norms = D::part_mut(D::reborrow(&mut to), of_tensor);
            factors.sum_and_sq_norms(Output::Overwrite, sum, sq_norms);
        });
        sq_norms.resize(len, 0.0);
        device.download(D::read(&to), sq_norms);
        self.m = m;
    }

    /// The statistics of the whole network.
    pub(crate) fn network(&self) -> Coherence {
        Coherence {
            m: self.m as u64,
            sq_norm_of_sum: self.dot(self),
            sum_sq_norms: self.sq_norms.iter().sum(),
        }
    }

    /// The statistics of the whole network over this and another chunk:
    /// ‖S + S′‖² = ‖S‖² + 2 S·S′ + ‖S′‖².
    pub(crate) fn network_with(&self, other: &Self) -> Coherence {
        let (this, that) = (self.network(), other.network());
        let between = 2.0 * self.dot(other);
        Coherence {
            m: this.m + that.m,
            sq_norm_of_sum: this.sq_norm_of_sum + between + that.sq_norm_of_sum,
            sum_sq_norms: this.sum_sq_norms + that.sum_sq_norms,
        }
    }

    /// S · S′.
    fn dot(&self, other: &Self) -> f64 {
        self.device.dot(D::view(&self.sum), D::view(&other.sum))
    }

    /// Each example's ‖g_e‖² \[m\] in tensor `t`.
    pub(crate) fn sq_norms(&self, t: usize) -> &[f64] {
        &self.sq_norms[t * self.m..][..self.m]
    }

    /// Q of each of the tensors.
    fn sum_sq_norms(&self, tensors: usize) -> impl Iterator<Item = f64> {
        (0..tensors).map(|t| self.sq_norms(t).iter().sum())
    }
}

/// The first `len` numbers of a buffer, set to 0; it grows if it has fewer.
pub(crate) fn zeros<'a, D: Memory>(
    device: &D,
    buffer: &'a mut D::Buffer<f64>,
    len: usize,
) -> D::SliceMut<'a, f64> {
    device.reserve(buffer, len);
    let mut zeros = D::part_mut(D::view_mut(buffer), 0..len);
    device.fill(0.0, D::reborrow(&mut zeros));
    zeros
}

/// Running sums over per-example gradients of the SUM loss. Chunks are added in f64.
#[derive(Debug, Clone)]
pub(crate) struct Tally<D: Device<f32>> {
    device: D,
    m: u64,
    sum: Sum<D>,
    /// Q of each tensor.
    sum_sq_norms: Vec<f64>,
    ranges: Vec<Range<usize>>,
}

impl<D: Device<f32>> Tally<D> {
    pub(crate) fn new(device: &D, layout: &Layout) -> Self {
        let ranges: Vec<_> = layout.tensors().iter().map(|tensor| tensor.range.clone()).collect();
        Self {
            device: device.clone(),
            m: 0,
            sum: Sum::new(device, layout.parameters()),
            sum_sq_norms: vec![0.0; ranges.len()],
            ranges,
        }
    }

    /// Forgets all examples; the next sums added overwrite the old ones.
    pub(crate) fn clear(&mut self) {
        self.m = 0;
        self.sum.clear();
        self.sum_sq_norms.fill(0.0);
    }

    /// Adds the examples of a chunk.
    pub(crate) fn add(&mut self, chunk: &ChunkSums<D>) {
        self.sum.add(&chunk.sum);
        self.count_chunk(chunk);
    }

    /// As [`add`](Self::add), in less time; S of the chunk is not defined any more.
    pub(crate) fn take(&mut self, chunk: &mut ChunkSums<D>) {
        self.sum.take(&mut chunk.sum);
        self.count_chunk(chunk);
    }

    fn count_chunk(&mut self, chunk: &ChunkSums<D>) {
        self.count(chunk.m as u64, chunk.sum_sq_norms(self.ranges.len()));
    }

    /// Adds to m and to the Q of each tensor.
    fn count(&mut self, m: u64, sum_sq_norms: impl Iterator<Item = f64>) {
        self.m += m;
        self.sum_sq_norms.iter_mut().zip(sum_sq_norms).for_each(|(q, more)| *q += more);
    }

    /// Adds another group's sums.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        self.count(other.m, other.sum_sq_norms.iter().copied());
    }

    /// Adds one chunk of each of the first `count` workers, in the order of ranks: coordinates of S that are not
    /// of this worker's block come with [`complete`](Self::complete). `rows` is overwritten, and grows to d values.
    pub(crate) fn add_round(
        &mut self,
        workers: &dyn Collective,
        count: usize,
        chunk: &mut ChunkSums<D>,
        rows: &mut Vec<f32>,
    ) {
        if workers.is_solo() {
            return self.take(chunk);
        }
        let device = self.device.clone();
        device.reserve(&mut chunk.sum, self.sum.len());
        let own = device.with_host(D::view(&chunk.sum), |sum| workers.receive(sum, rows));
        let sums = chunk.sum_sq_norms(self.ranges.len());
        let mine: Vec<f64> = iter::once(chunk.m as f64).chain(sums).collect();
        let mut all = vec![0.0; workers.size() * mine.len()];
        workers.gather_f64(&mine, &mut all);
        let mut staged = device.zeros(0);
        for (rank, numbers) in all.chunks_exact(mine.len()).enumerate().take(count) {
            let block = device.stage(&rows[rank * own.len()..][..own.len()], &mut staged);
            self.sum.add_block(own.clone(), block);
            self.count(numbers[0] as u64, numbers[1..].iter().copied());
        }
    }

    /// Takes the coordinates of S that the other workers have summed.
    pub(crate) fn complete(&mut self, workers: &dyn Collective) {
        if !workers.is_solo() {
            self.sum.complete(workers);
        }
    }

    /// Adds the examples of all workers, which have tallies of their own: S and Q are added in the order of ranks.
    pub(crate) fn sum_over(&mut self, workers: &dyn Collective) {
        if workers.is_solo() {
            return;
        }
        let mut counts = [self.m as f64, self.sum.chunks() as f64];
        workers.sum_f64(&mut counts);
        self.m = counts[0] as u64;
        self.sum.sum_over(workers, counts[1] as usize);
        workers.sum_f64(&mut self.sum_sq_norms);
    }

    /// The statistics of the whole network: ‖S‖² and Q are the sums of those of its tensors.
    pub(crate) fn network(&self) -> Coherence {
        self.network_and_tensors().0
    }

    /// The statistics of the whole network and of each tensor alone.
    pub(crate) fn network_and_tensors(&self) -> (Coherence, Vec<Coherence>) {
        let tensor = |(range, &sum_sq_norms): (&Range<usize>, &f64)| {
            let sq_norm_of_sum = self.sum.sq_norm(range.clone());
            Coherence { m: self.m, sq_norm_of_sum, sum_sq_norms }
        };
        let tensors: Vec<_> = self.ranges.iter().zip(&self.sum_sq_norms).map(tensor).collect();
        let sq_norm_of_sum = tensors.iter().map(|tensor| tensor.sq_norm_of_sum).sum();
        let sum_sq_norms = self.sum_sq_norms.iter().sum();
        (Coherence { m: self.m, sq_norm_of_sum, sum_sq_norms }, tensors)
    }

    /// Writes S of one example or more to `to` \[d\].
    pub(crate) fn narrow_to(&self, to: D::SliceMut<'_, f32>) {
        self.sum.narrow_to(to);
    }

    /// S · S′ of two groups that have examples.
    pub(crate) fn dot(&mut self, other: &mut Self) -> f64 {
        self.sum.dot(&mut other.sum)
    }
}
