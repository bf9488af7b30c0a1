//! Loss and prediction of every example of a set, in large chunks.

use crate::{
    Examples,
    collective::{Collective, block},
    examples::Halt,
    memory,
    passes::Staged,
};
use coherence_nn::{
    Keep, Model, Workspace,
    device::Device,
    loss::{self, Loss, Targets},
};
use std::sync::{Arc, atomic::AtomicBool};

/// Examples per forward pass of an evaluation at most. Constant, so that results do not depend on settings.
pub(crate) const CHUNK: usize = 1000;

/// Evaluates networks of one shape, with buffers for one chunk. Each of several workers evaluates a run of the
/// chunks; outcomes have the bits of one worker.
#[derive(Debug)]
pub(crate) struct Evaluator<D: Device<f32>> {
    workers: Arc<dyn Collective>,
    loss: Loss,
    staged: Staged<D>,
    workspace: Workspace<f32, D>,
    losses: D::Buffer<f64>,
}

/// The results of an evaluation for each example.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    /// Losses \[n\].
    pub(crate) losses: Vec<f64>,
    /// Whether each prediction was correct \[n\].
    pub(crate) correct: Vec<bool>,
}

impl<D: Device<f32>> Evaluator<D> {
    pub(crate) fn new(workers: Arc<dyn Collective>, model: &Model<f32, D>, loss: Loss) -> Self {
        let chunk = memory::chunk(model.graph(), CHUNK);
        Self {
            workers,
            loss,
            staged: Staged::new(model.device()),
            workspace: model.workspace(chunk, Keep::Logits),
            losses: model.device().zeros(chunk),
        }
    }

    /// Evaluates the `examples` of these `indices`; overwrites `outcomes`.
    ///
    /// # Errors
    ///
    /// As [`Examples::visit`]; `outcomes` are then of some examples only.
    pub(crate) fn run(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        (examples, indices): (&Examples, &[usize]),
        outcomes: &mut Outcomes,
    ) -> Result<(), Halt> {
        let Self { workers, loss, staged, workspace, losses } = self;
        let (device, n, chunk) = (model.device(), indices.len(), workspace.capacity());
        outcomes.losses.clear();
        outcomes.correct.clear();
        let own = block(n.div_ceil(chunk), workers.size(), workers.rank());
        let own = indices[n.min(own.start * chunk)..n.min(own.end * chunk)].to_vec();
        let chunks = (0..own.len().div_ceil(chunk))
            .map(move |c| own[c * chunk..own.len().min((c + 1) * chunk)].to_vec());
        examples.visit(stop, chunks, |x, labels| {
            let m = labels.len();
            let (x, targets) = staged.batch(device, x, labels);
            model.forward(x, m, workspace);
            let to = D::part_mut(D::view_mut(losses), 0..m);
            workspace.evaluate(*loss, Targets::Labels(targets), to);
            let losses = D::part(D::view(losses), 0..m);
            device.with_host(losses, |losses| outcomes.losses.extend(losses));
            device.with_host(workspace.logits(), |logits| {
                let rows = logits.chunks_exact(model.classes()).zip(labels);
                let correct = rows.map(|(row, &label)| loss::is_correct(row, label));
                outcomes.correct.extend(correct);
            });
        })?;
        outcomes.gather(&**workers);
        Ok(())
    }
}

/// MEAN loss and accuracy of a group of examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score {
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
}

impl Outcomes {
    /// Takes in the outcomes of all workers, by rank.
    fn gather(&mut self, workers: &dyn Collective) {
        if workers.is_solo() {
            return;
        }
        let pairs = self.losses.iter().zip(&self.correct);
        let all = workers.concatenate(pairs.flat_map(|(&l, &c)| [l, c.into()]).collect());
        let (pairs, _) = all.as_chunks();
        self.losses = pairs.iter().map(|&[loss, _]| loss).collect();
        self.correct = pairs.iter().map(|&[_, correct]| correct == 1.0).collect();
    }

    /// The score of the examples at these places; `None` if there are none.
    pub(crate) fn score(&self, places: impl Iterator<Item = usize>) -> Option<Score> {
        let (mut m, mut loss, mut correct) = (0usize, 0.0, 0usize);
        for i in places {
            m += 1;
            loss += self.losses[i];
            correct += usize::from(self.correct[i]);
        }
        let mean = |sum: f64| sum / m as f64;
        (m > 0).then(|| Score { loss: mean(loss), accuracy: mean(correct as f64) })
    }
}
