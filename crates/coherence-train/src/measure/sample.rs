//! The examples to be measured: their passes and their statistics.

use super::{
    ExampleMeasure, Statistics,
    losses::Losses,
    members::Members,
    plan::{Piece, Plan},
    slots::Slots,
};
use crate::{
    collective::Collective,
    tally::{ChunkSums, Tally},
};
use coherence_core::{
    Coherence,
    helpfulness::helpfulness,
    unbiased::{Estimate, jackknife},
};
use coherence_cpu::product::Output;
use coherence_data::{Dataset, ReadError, Target};
use coherence_nn::{Model, device::Device, loss::is_correct};
use std::sync::Arc;

/// A network's passes over a sample of m examples.
///
/// A place is a position in the plan's order; groups are given by the indices of their pieces.
pub(super) struct Sample<'a, D: Device<f32>> {
    workers: Arc<dyn Collective>,
    pub(super) plan: Plan,
    slots: Slots<'a, D>,
    data: &'a dyn Dataset,
    losses: Losses,
    /// The number of correct predictions.
    correct: usize,
    /// The results of the second pass, if there is one.
    members: Option<Members<D>>,
}

impl<'a, D: Device<f32>> Sample<'a, D> {
    pub(super) fn new(
        workers: Arc<dyn Collective>,
        model: &'a Model<f32, D>,
        data: &'a dyn Dataset,
        plan: Plan,
        second_pass: Option<usize>,
        examples: bool,
    ) -> Self {
        let examples = examples || !workers.is_solo();
        Self {
            workers,
            slots: Slots::new(model, data, &plan, second_pass.unwrap_or(0)),
            data,
            losses: Losses::new(examples),
            correct: 0,
            members: second_pass.map(|_| Members::new(model.device(), model.layout(), &plan)),
            plan,
        }
    }

    pub(super) fn model(&self) -> &'a Model<f32, D> {
        self.slots.model()
    }

    /// Forgets the passes of the previous measurement.
    pub(super) fn begin(&mut self) {
        self.losses.clear();
        self.correct = 0;
        self.slots.forget();
    }

    /// Runs the forward and backward pass over chunk `c` and writes the sum of its gradients to `sum`
    /// \[d\].
    pub(super) fn gradient(
        &mut self,
        c: usize,
        mut sum: D::SliceMut<'_, f32>,
    ) -> Result<(), ReadError> {
        let (model, pass) = (self.slots.model(), self.slots.pass(c, &self.plan)?);
        model.factors(pass.x, pass.workspace, |factors| {
            let tensor = D::part_mut(D::reborrow(&mut sum), factors.range.clone());
            factors.sum(Output::Overwrite, tensor);
        });
        Ok(())
    }

    /// The first pass over piece `p` of this worker, after all pieces before it; writes its sums to `sums`.
    pub(super) fn sum(&mut self, p: usize, sums: &mut ChunkSums<D>) -> Result<(), ReadError> {
        let Piece { places, chunk, .. } = &self.plan.pieces[p];
        let (model, pass) = (self.slots.model(), self.slots.pass(*chunk, &self.plan)?);
        let of_chunk = self.plan.chunks[*chunk].clone();
        let rows = places.start - of_chunk.start..places.end - of_chunk.start;
        sums.compute(model.layout(), rows.len(), |add| {
            model.factors(pass.x, pass.workspace, |factors| add(&factors.rows(rows.clone())));
        });
        if places.start == of_chunk.start {
            self.losses.add(of_chunk.map(|place| self.plan.index(place)), pass.losses);
            let correct = |logits: &[f32]| correct(logits, pass.labels);
            self.correct += model.device().with_host(pass.workspace.logits(), correct);
        }
        if let Some(members) = &mut self.members {
            members.set_sq_norms(places.clone(), sums);
        }
        Ok(())
    }

    /// Takes the losses and predictions of all workers, after the first pass.
    pub(super) fn gather(&mut self) {
        if self.workers.is_solo() {
            return;
        }
        self.losses.gather(&*self.workers, |place| self.plan.index(place));
        let mut correct = [self.correct as f64];
        self.workers.sum_f64(&mut correct);
        self.correct = correct[0] as usize;
    }

    /// The MEAN loss.
    pub(super) fn loss(&self) -> f64 {
        self.losses.sum() / self.plan.len() as f64
    }

    /// The share of correct predictions.
    pub(super) fn accuracy(&self) -> f64 {
        self.correct as f64 / self.plan.len() as f64
    }

    /// The first example in the order of the data set whose loss is not finite, and that loss.
    pub(super) fn not_finite(&self) -> Option<(usize, f64)> {
        self.losses.not_finite()
    }

    /// The statistics of the network over the group of `pieces`, whose sums are `sums` and give `coherence`; with
    /// `errors` a second pass over the group.
    pub(super) fn statistics(
        &mut self,
        coherence: Coherence,
        sums: &Tally<D>,
        pieces: &[usize],
        errors: bool,
    ) -> Result<Statistics, ReadError> {
        let members = self.members.as_mut().filter(|_| errors);
        let Some(members) = members else {
            return Ok(Statistics { coherence, alpha_debiased: None });
        };
        members.dot(&*self.workers, &mut self.slots, &self.plan, pieces, sums)?;
        let of_pieces = self.plan.places(pieces).map(|place| members.network(place));
        let alpha_debiased = Some(jackknife(coherence, of_pieces)).filter(is_defined);
        Ok(Statistics { coherence, alpha_debiased })
    }

    /// The statistics of tensor `t` with this `coherence` over all examples, after
    /// [`statistics`](Self::statistics) over them.
    pub(super) fn tensor(&self, coherence: Coherence, t: usize) -> Statistics {
        let alpha_debiased = self.members.as_ref().map(|members| {
            jackknife(coherence, (0..self.plan.len()).map(|place| members.tensor(t, place)))
        });
        Statistics { coherence, alpha_debiased: alpha_debiased.filter(is_defined) }
    }

    /// The MEAN helpfulness of the examples of `pieces`, after [`statistics`](Self::statistics)
    /// over all.
    pub(super) fn helpfulness(&self, network: Coherence, pieces: &[usize]) -> Option<f64> {
        let members = self.members.as_ref()?;
        let of = |place| helpfulness(network, members.network(place));
        let (mut count, mut sum) = (0_usize, 0.0);
        for place in self.plan.places(pieces) {
            count += 1;
            sum += of(place);
        }
        Some(sum / count as f64).filter(|mean| !mean.is_nan())
    }

    /// All examples in the order of the data set, after [`statistics`](Self::statistics) over all.
    pub(super) fn examples(&self, network: Coherence) -> Vec<ExampleMeasure> {
        let Some(members) = &self.members else { return Vec::new() };
        let mut places = vec![0; self.plan.len()];
        (0..places.len()).for_each(|place| places[self.plan.index(place)] = place);
        let measured = places.into_iter().enumerate().map(|(index, place)| {
            let (loss, member) = (self.losses.each()[place], members.network(place));
            let Target { label, designation } = self.data.target(index);
            let helpfulness = Some(helpfulness(network, member)).filter(|h| !h.is_nan());
            ExampleMeasure { index, label, designation, loss, member, helpfulness }
        });
        measured.collect()
    }
}

/// The number of rows of `logits` [m, k] with the largest value at the label.
fn correct(logits: &[f32], labels: &[u32]) -> usize {
    let rows = logits.chunks_exact(logits.len() / labels.len()).zip(labels);
    rows.filter(|(row, label)| is_correct(row, **label)).count()
}

/// Whether there were enough examples for a standard error.
fn is_defined(estimate: &Estimate) -> bool {
    !estimate.standard_error.is_nan()
}
