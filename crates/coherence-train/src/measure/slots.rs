//! Forward and backward passes by chunk, kept as far as a budget goes.

use super::plan::Plan;
use crate::passes::forward;
use coherence_data::Dataset;
use coherence_nn::{Mlp, Workspace};
use rayon::prelude::*;

/// The passes of every chunk of a plan: computed when asked for, or kept from the time before.
///
/// The first chunks have a workspace of their own each; all that find no room share the last one.
/// Images are decoded each time, which is cheaper than to keep them.
pub(super) struct Slots<'a> {
    mlp: &'a Mlp<f32>,
    data: &'a dyn Dataset,
    /// The chunk whose images and labels are here.
    decoded: Option<usize>,
    x: Vec<f32>,
    labels: Vec<u32>,
    losses: Vec<f64>,
    slots: Vec<Slot>,
}

/// Activations and deltas of one chunk.
struct Slot {
    /// The chunk that is here.
    holds: Option<usize>,
    workspace: Workspace<f32>,
}

/// A chunk after its backward pass.
pub(super) struct Passes<'a> {
    /// The images [m, features].
    pub(super) x: &'a [f32],
    /// Activations and deltas.
    pub(super) workspace: &'a Workspace<f32>,
    /// The losses \[m\]; empty for a chunk that was kept.
    pub(super) losses: &'a [f64],
}

impl<'a> Slots<'a> {
    /// Slots for the chunks of `plan` in at most `budget` bytes, but at least one.
    pub(super) fn new(
        mlp: &'a Mlp<f32>,
        data: &'a dyn Dataset,
        plan: &Plan,
        budget: usize,
    ) -> Self {
        let capacity = plan.capacity();
        let room = budget / (capacity * bytes_of_example(mlp));
        let count = plan.chunks.len().min(room).max(1);
        let slot = |_| Slot { holds: None, workspace: mlp.workspace(capacity) };
        Self {
            mlp,
            data,
            decoded: None,
            x: vec![0.0; capacity * mlp.inputs()],
            labels: vec![0; capacity],
            losses: vec![0.0; capacity],
            slots: (0..count).map(slot).collect(),
        }
    }

    /// The network.
    pub(super) fn mlp(&self) -> &'a Mlp<f32> {
        self.mlp
    }

    /// Forgets everything, so that it is computed again.
    pub(super) fn forget(&mut self) {
        self.decoded = None;
        self.slots.iter_mut().for_each(|slot| slot.holds = None);
    }

    /// The passes of chunk `c`.
    pub(super) fn passes(&mut self, c: usize, plan: &Plan) -> Passes<'_> {
        let places = plan.chunks[c].places.clone();
        let m = places.len();
        let (x, labels) = (&mut self.x[..m * self.mlp.inputs()], &mut self.labels[..m]);
        if self.decoded != Some(c) {
            decode(self.data, |e| plan.index(places.start + e), x, labels);
            self.decoded = Some(c);
        }
        let last = self.slots.len() - 1;
        let Slot { holds, workspace } = &mut self.slots[c.min(last)];
        let fresh = *holds != Some(c);
        if fresh {
            forward(self.mlp, x, labels, workspace, &mut self.losses[..m]);
            self.mlp.backward(workspace);
            *holds = Some(c);
        }
        Passes { x, workspace, losses: &self.losses[..if fresh { m } else { 0 }] }
    }
}

/// Images [m, features] and labels \[m\] of the examples `index(0)`, `index(1)`, …, on all threads.
fn decode(
    data: &dyn Dataset,
    index: impl Fn(usize) -> usize + Sync,
    x: &mut [f32],
    labels: &mut [u32],
) {
    let rows = x.par_chunks_exact_mut(x.len() / labels.len()).zip(labels).enumerate();
    rows.with_min_len(32).for_each(|(e, (row, label))| *label = data.get(index(e), row).label);
}

/// Bytes of an example's activations and deltas.
fn bytes_of_example(mlp: &Mlp<f32>) -> usize {
    2 * size_of::<f32>() * mlp.widths()[1..].iter().sum::<usize>()
}
