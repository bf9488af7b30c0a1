//! Forward and backward passes over chosen examples, chunk by chunk.

use crate::{
    Examples,
    collective::Collective,
    examples::Halt,
    memory,
    tally::{ChunkSums, Tally},
};
use coherence_nn::{
    Factors, Keep, Model, Workspace,
    device::{Device, Memory},
    loss::{Loss, Targets},
};
use std::sync::atomic::AtomicBool;

/// Examples in a chunk at most. Constant, so that results do not depend on settings. Large enough that
/// adding the d sums of a chunk in f64 is cheap compared with its matrix products.
pub(crate) const CHUNK: usize = 500;

/// Memory of a device for the images and labels of a batch; empty where the device reads those of the host.
#[derive(Debug)]
pub(crate) struct Staged<D: Memory> {
    x: D::Buffer<f32>,
    labels: D::Buffer<u32>,
}

impl<D: Memory> Staged<D> {
    pub(crate) fn new(device: &D) -> Self {
        Self { x: device.zeros(0), labels: device.zeros(0) }
    }

    /// Images and labels of a batch as the device reads them.
    pub(crate) fn batch<'a>(
        &'a mut self,
        device: &D,
        x: &'a [f32],
        labels: &'a [u32],
    ) -> (D::Slice<'a, f32>, D::Slice<'a, u32>) {
        (device.stage(x, &mut self.x), device.stage(labels, &mut self.labels))
    }
}

/// Buffers of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkedPasses<D: Device<f32>> {
    loss: Loss,
    staged: Staged<D>,
    workspace: Workspace<f32, D>,
    losses: D::Buffer<f64>,
}

impl<D: Device<f32>> ChunkedPasses<D> {
    pub(crate) fn new(model: &Model<f32, D>, loss: Loss) -> Self {
        let chunk = memory::chunk(model.graph(), CHUNK);
        Self {
            loss,
            staged: Staged::new(model.device()),
            workspace: model.workspace(chunk, Keep::Activations),
            losses: model.device().zeros(chunk),
        }
    }

    /// The sums over the examples `indices`, chunk by chunk: `chunk` is overwritten with the sums of
    /// each, and then `visit` is called with them and the activations.
    ///
    /// # Errors
    ///
    /// As [`Examples::visit`].
    pub(crate) fn run(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        examples: &Examples,
        indices: &[usize],
        chunk: &mut ChunkSums<D>,
        mut visit: impl FnMut(&mut ChunkSums<D>, &Workspace<f32, D>),
    ) -> Result<(), Halt> {
        self.backward(stop, model, examples, indices, |x, m, workspace| {
            chunk.compute(model.layout(), m, |add| model.backward(x, workspace, add));
            visit(chunk, workspace);
        })
    }

    /// Adds the examples `indices` to `tally`. Of P workers, worker r passes over chunks r, P + r and so on, and sums are
    /// added in the order of chunks: to the same bits for any P. `visit` is called with the activations of each
    /// chunk of this worker; `chunk` is overwritten.
    ///
    /// # Errors
    ///
    /// As [`Examples::visit`].
    pub(crate) fn tally(
        &mut self,
        workers: &dyn Collective,
        stop: &AtomicBool,
        (model, examples, indices): (&Model<f32, D>, &Examples, &[usize]),
        (chunk, tally): (&mut ChunkSums<D>, &mut Tally<D>),
        mut visit: impl FnMut(&Workspace<f32, D>),
    ) -> Result<(), Halt> {
        let (size, capacity) = (workers.size(), self.workspace.capacity());
        let (chunks, mut rows, mut round) = (indices.len().div_ceil(capacity), Vec::new(), 0);
        let in_round = |round: usize| (chunks - round * size).min(size);
        let own = indices.chunks(capacity).skip(workers.rank()).step_by(size);
        let own: Vec<usize> = own.flatten().copied().collect();
        self.run(stop, model, examples, &own, chunk, |chunk, workspace| {
            tally.add_round(workers, in_round(round), chunk, &mut rows);
            round += 1;
            visit(workspace);
        })?;
        // In the last round some workers have no chunk.
        if round < chunks.div_ceil(size) {
            tally.add_round(workers, in_round(round), chunk, &mut rows);
        }
        tally.complete(workers);
        Ok(())
    }

    /// As [`run`](Self::run), but `visit` is called with the factors of each tensor, and with the place in `indices` of
    /// the first of their examples.
    ///
    /// # Errors
    ///
    /// As [`Examples::visit`].
    pub(crate) fn factors(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        examples: &Examples,
        indices: &[usize],
        mut visit: impl FnMut(usize, &Factors<'_, f32, D>),
    ) -> Result<(), Halt> {
        let mut start = 0;
        self.backward(stop, model, examples, indices, |x, m, workspace| {
            model.backward(x, workspace, |factors| visit(start, factors));
            start += m;
        })
    }

    /// Forward passes and losses chunk by chunk; `backward` is called with the images, their number and the
    /// workspace.
    fn backward(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        examples: &Examples,
        indices: &[usize],
        mut backward: impl FnMut(D::Slice<'_, f32>, usize, &mut Workspace<f32, D>),
    ) -> Result<(), Halt> {
        let Self { loss, staged, workspace, losses } = self;
        let lists = indices.chunks(workspace.capacity()).map(<[usize]>::to_vec);
        let lists = lists.collect::<Vec<_>>().into_iter();
        examples.visit(stop, lists, |x, labels| {
            let m = labels.len();
            let (x, labels) = staged.batch(model.device(), x, labels);
            let losses = D::part_mut(D::view_mut(losses), 0..m);
            forward(*loss, model, x, labels, workspace, losses);
            backward(x, m, workspace);
        })
    }
}

/// Forward pass of `x` [m, features], losses \[m\] and the deltas from which the backward pass starts; returns the SUM of losses.
pub(crate) fn forward<D: Device<f32>>(
    loss: Loss,
    model: &Model<f32, D>,
    x: D::Slice<'_, f32>,
    labels: D::Slice<'_, u32>,
    workspace: &mut Workspace<f32, D>,
    losses: D::SliceMut<'_, f64>,
) -> f64 {
    model.forward(x, D::len(labels), workspace);
    workspace.loss(loss, Targets::Labels(labels), losses)
}

/// Runs `f` on a thread of the current rayon pool. On a thread outside the pool, each of the many short
/// parallel loops in `f` would have to wake the pool and wait for it.
pub(crate) fn on_worker_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}
