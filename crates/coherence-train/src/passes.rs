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
    loss::{Loss, Targets},
};
use std::sync::atomic::AtomicBool;

/// Examples in a chunk at most. Constant, so that results do not depend on settings. Large enough that
/// adding the d sums of a chunk in f64 is cheap compared with its matrix products.
pub(crate) const CHUNK: usize = 500;

/// Buffers of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkedPasses {
    loss: Loss,
    workspace: Workspace<f32>,
    losses: Vec<f64>,
}

impl ChunkedPasses {
    pub(crate) fn new(model: &Model<f32>, loss: Loss) -> Self {
        let chunk = memory::chunk(model.graph(), CHUNK);
        Self {
            loss,
            workspace: model.workspace(chunk, Keep::Activations),
            losses: vec![0.0; chunk],
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
        model: &Model<f32>,
        examples: &Examples,
        indices: &[usize],
        chunk: &mut ChunkSums,
        mut visit: impl FnMut(&ChunkSums, &Workspace<f32>),
    ) -> Result<(), Halt> {
        let lists = self.lists(indices);
        examples.visit(stop, lists, |x, labels| {
            let losses = &mut self.losses[..labels.len()];
            forward(self.loss, model, x, labels, &mut self.workspace, losses);
            chunk.begin(model.layout(), labels.len());
            model.backward(x, &mut self.workspace, |factors| chunk.add(factors));
            visit(chunk, &self.workspace);
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
        (model, examples, indices): (&Model<f32>, &Examples, &[usize]),
        (chunk, tally): (&mut ChunkSums, &mut Tally),
        mut visit: impl FnMut(&Workspace<f32>),
    ) -> Result<(), Halt> {
        let (size, capacity) = (workers.size(), self.losses.len());
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
        model: &Model<f32>,
        examples: &Examples,
        indices: &[usize],
        mut visit: impl FnMut(usize, &Factors<'_, f32>),
    ) -> Result<(), Halt> {
        let (lists, mut start) = (self.lists(indices), 0);
        examples.visit(stop, lists, |x, labels| {
            let losses = &mut self.losses[..labels.len()];
            forward(self.loss, model, x, labels, &mut self.workspace, losses);
            model.backward(x, &mut self.workspace, |factors| visit(start, factors));
            start += labels.len();
        })
    }

    /// The indices chunk by chunk.
    fn lists(&self, indices: &[usize]) -> impl Iterator<Item = Vec<usize>> + Send + use<> {
        let lists = indices.chunks(self.losses.len()).map(<[usize]>::to_vec);
        lists.collect::<Vec<_>>().into_iter()
    }
}

/// Forward pass of `x` [m, features], losses \[m\] and the deltas from which the backward pass starts; returns the SUM of losses.
pub(crate) fn forward(
    loss: Loss,
    model: &Model<f32>,
    x: &[f32],
    labels: &[u32],
    workspace: &mut Workspace<f32>,
    losses: &mut [f64],
) -> f64 {
    model.forward(x, labels.len(), workspace);
    workspace.loss(loss, Targets::Labels(labels), losses)
}

/// Runs `f` on a thread of the current rayon pool. On a thread outside the pool, each of the many short
/// parallel loops in `f` would have to wake the pool and wait for it.
pub(crate) fn on_worker_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}
