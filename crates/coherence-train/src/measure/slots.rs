//! Forward and backward passes by chunk, kept within a memory budget.

use super::plan::Plan;
use crate::passes::{Staged, forward};
use coherence_data::{Dataset, ReadError};
use coherence_nn::{Keep, Model, Workspace, device::Device, loss::Loss};
use rayon::prelude::*;

/// The passes of this worker's chunks of a plan: computed on demand, or kept from the first time.
///
/// As many chunks as fit the budget have a workspace each; all others share the last one.
/// Images are decoded each time, unless those of all chunks fit.
pub(super) struct Slots<'a, D: Device<f32>> {
    model: &'a Model<f32, D>,
    data: &'a dyn Dataset,
    images: Vec<Slot<ChunkImages>>,
    staged: Staged<D>,
    /// The losses of a chunk, on the device and on the host.
    computed: D::Buffer<f64>,
    losses: Vec<f64>,
    workspaces: Vec<Slot<Workspace<f32, D>>>,
}

/// Images [m, features] and labels \[m\] of one chunk.
struct ChunkImages {
    x: Vec<f32>,
    labels: Vec<u32>,
}

/// A buffer for data of one chunk.
struct Slot<T> {
    /// Index of the chunk held in this slot.
    holds: Option<usize>,
    value: T,
}

impl<T> Slot<T> {
    /// `count` slots, at least one; `value` makes their buffers.
    fn with_count(count: usize, value: impl Fn() -> T) -> Vec<Self> {
        (0..count.max(1)).map(|_| Self { holds: None, value: value() }).collect()
    }

    /// The value of the slot of chunk `c`, and whether it must be computed.
    fn for_chunk(slots: &mut [Self], c: usize) -> (&mut T, bool) {
        let last = slots.len() - 1;
        let Self { holds, value } = &mut slots[c.min(last)];
        (value, holds.replace(c) != Some(c))
    }

    fn forget(slots: &mut [Self]) {
        slots.iter_mut().for_each(|slot| slot.holds = None);
    }
}

/// A chunk after its backward pass.
pub(super) struct ChunkPass<'a, D: Device<f32>> {
    /// The images [m, features].
    pub(super) x: D::Slice<'a, f32>,
    /// The labels \[m\].
    pub(super) labels: &'a [u32],
    /// Activations and deltas.
    pub(super) workspace: &'a Workspace<f32, D>,
    /// The losses \[m\]; empty for a chunk that was kept.
    pub(super) losses: &'a [f64],
}

impl<'a, D: Device<f32>> Slots<'a, D> {
    /// Slots for this worker's chunks of `plan` in at most `budget` bytes, but at least one slot.
    pub(super) fn new(
        model: &'a Model<f32, D>,
        data: &'a dyn Dataset,
        plan: &Plan,
        budget: usize,
    ) -> Self {
        let (capacity, chunks, features) = (plan.capacity(), plan.own.len(), model.inputs());
        let room = |bytes_per_example: usize| budget / (capacity * bytes_per_example);
        let passes = size_of::<f32>() * model.graph().workspace_values(Keep::Deltas);
        let images = if room(passes + size_of::<f32>() * features) < chunks { 1 } else { chunks };
        let buffers =
            || ChunkImages { x: vec![0.0; capacity * features], labels: vec![0; capacity] };
        Self {
            model,
            data,
            images: Slot::with_count(images, buffers),
            staged: Staged::new(model.device()),
            computed: model.device().zeros(capacity),
            losses: vec![0.0; capacity],
            workspaces: Slot::with_count(chunks.min(room(passes)), || {
                model.workspace(capacity, Keep::Deltas)
            }),
        }
    }

    /// The network.
    pub(super) fn model(&self) -> &'a Model<f32, D> {
        self.model
    }

    /// Forgets everything, so that it is computed again.
    pub(super) fn forget(&mut self) {
        Slot::forget(&mut self.images);
        Slot::forget(&mut self.workspaces);
    }

    /// The passes of chunk `c` of this worker, computed unless kept.
    pub(super) fn pass(&mut self, c: usize, plan: &Plan) -> Result<ChunkPass<'_, D>, ReadError> {
        let places = plan.chunks[c].clone();
        let (m, own) = (places.len(), c - plan.own.start);
        let (ChunkImages { x, labels }, to_decode) = Slot::for_chunk(&mut self.images, own);
        let (x, labels) = (&mut x[..m * self.model.inputs()], &mut labels[..m]);
        if to_decode {
            decode(self.data, |e| plan.index(places.start + e), x, labels)?;
        }
        let (model, device, labels) = (self.model, self.model.device(), &*labels);
        let (x, targets) = self.staged.batch(device, x, labels);
        let (workspace, fresh) = Slot::for_chunk(&mut self.workspaces, own);
        let losses = &mut self.losses[..if fresh { m } else { 0 }];
        if fresh {
            let mut computed = D::part_mut(D::view_mut(&mut self.computed), 0..m);
            let to = D::reborrow(&mut computed);
            forward(Loss::default(), model, x, targets, workspace, to);
            model.backward_to_deltas(x, workspace);
            device.download(D::read(&computed), losses);
        }
        Ok(ChunkPass { x, labels, workspace, losses })
    }
}

/// Images [m, features] and labels \[m\] of the examples `index(0)`, `index(1)`, …, on all threads.
pub(super) fn decode(
    data: &dyn Dataset,
    index: impl Fn(usize) -> usize + Sync,
    x: &mut [f32],
    labels: &mut [u32],
) -> Result<(), ReadError> {
    let rows = x.par_chunks_exact_mut(x.len() / labels.len()).zip(labels).enumerate();
    rows.with_min_len(32).try_for_each(|(e, (row, label))| {
        *label = data.get(index(e), row)?.label;
        Ok(())
    })
}
