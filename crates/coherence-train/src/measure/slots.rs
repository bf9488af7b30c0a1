//! Forward and backward passes by chunk, kept as far as a budget goes.

use super::plan::Plan;
use crate::passes::forward;
use coherence_data::Dataset;
use coherence_nn::{Mlp, Workspace};
use rayon::prelude::*;

/// The passes of every chunk of a plan: computed when asked for, or kept from the time before.
///
/// The first chunks have a slot of their own each; all that find no room share the last one.
pub(super) struct Slots<'a> {
    mlp: &'a Mlp<f32>,
    data: &'a dyn Dataset,
    slots: Vec<Slot>,
}

/// One chunk's images, losses, activations and deltas.
#[derive(Debug)]
pub(super) struct Slot {
    /// The chunk that is here.
    holds: Option<usize>,
    x: Vec<f32>,
    labels: Vec<u32>,
    losses: Vec<f64>,
    m: usize,
    pub(super) workspace: Workspace<f32>,
}

impl<'a> Slots<'a> {
    /// Slots for the chunks of `plan` in at most `budget` bytes, but at least one.
    pub(super) fn new(
        mlp: &'a Mlp<f32>,
        data: &'a dyn Dataset,
        plan: &Plan,
        budget: usize,
    ) -> Self {
        let capacity = plan.largest();
        let room = budget / (capacity * bytes_of_example(mlp));
        let count = plan.chunks.len().min(room).max(1);
        Self { mlp, data, slots: (0..count).map(|_| Slot::new(mlp, capacity)).collect() }
    }

    /// The network.
    pub(super) fn mlp(&self) -> &'a Mlp<f32> {
        self.mlp
    }

    /// Forgets all passes, so that the next ones are computed.
    pub(super) fn forget(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.holds = None);
    }

    /// The passes of chunk `c`.
    pub(super) fn passes(&mut self, c: usize, plan: &Plan) -> &Slot {
        let last = self.slots.len() - 1;
        let slot = &mut self.slots[c.min(last)];
        if slot.holds != Some(c) {
            slot.fill(self.mlp, self.data, &plan.order[plan.chunks[c].places.clone()]);
            slot.holds = Some(c);
        }
        slot
    }
}

/// Bytes of an example's image, activations and deltas.
fn bytes_of_example(mlp: &Mlp<f32>) -> usize {
    let outputs: usize = mlp.widths()[1..].iter().sum();
    size_of::<f32>() * (mlp.inputs() + 2 * outputs)
}

impl Slot {
    fn new(mlp: &Mlp<f32>, capacity: usize) -> Self {
        Self {
            holds: None,
            x: vec![0.0; capacity * mlp.inputs()],
            labels: vec![0; capacity],
            losses: vec![0.0; capacity],
            m: 0,
            workspace: mlp.workspace(capacity),
        }
    }

    /// The images [m, features].
    pub(super) fn x(&self) -> &[f32] {
        &self.x[..self.x.len() / self.labels.len() * self.m]
    }

    /// The losses \[m\].
    pub(super) fn losses(&self) -> &[f64] {
        &self.losses[..self.m]
    }

    fn fill(&mut self, mlp: &Mlp<f32>, data: &dyn Dataset, indices: &[usize]) {
        self.m = indices.len();
        let x = &mut self.x[..self.m * mlp.inputs()];
        let labels = &mut self.labels[..self.m];
        let rows = x.par_chunks_exact_mut(mlp.inputs()).zip(&mut *labels).zip(indices);
        rows.with_min_len(32).for_each(|((row, label), &i)| *label = data.get(i, row).label);
        forward(mlp, x, labels, &mut self.workspace, &mut self.losses[..self.m]);
        mlp.backward(&mut self.workspace);
    }
}
