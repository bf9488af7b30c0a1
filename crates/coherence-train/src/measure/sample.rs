//! The examples measured: their passes, and what each has in common with a sum over many.

use super::{
    ExampleMeasure, Part,
    losses::Losses,
    members::Members,
    plan::{Piece, Plan},
    slots::Slots,
};
use crate::tally::{ChunkSums, Tally};
use coherence_core::{
    Coherence,
    helpfulness::helpfulness,
    unbiased::{Estimate, jackknife},
};
use coherence_data::{Dataset, Target};
use coherence_nn::Mlp;

/// A network's passes over a sample of m examples.
///
/// A place is a position in the plan's order; groups are given by the numbers of their pieces.
pub(super) struct Sample<'a> {
    pub(super) plan: Plan,
    slots: Slots<'a>,
    data: &'a dyn Dataset,
    losses: Losses,
    /// What a second pass finds, if there is one.
    members: Option<Members>,
}

impl<'a> Sample<'a> {
    pub(super) fn new(
        mlp: &'a Mlp<f32>,
        data: &'a dyn Dataset,
        plan: Plan,
        second_pass: Option<usize>,
        examples: bool,
    ) -> Self {
        Self {
            slots: Slots::new(mlp, data, &plan, second_pass.unwrap_or(0)),
            data,
            losses: Losses::new(examples),
            members: second_pass.map(|_| Members::new(mlp.layout(), &plan)),
            plan,
        }
    }

    pub(super) fn mlp(&self) -> &'a Mlp<f32> {
        self.slots.mlp()
    }

    /// Forgets the passes of the last measurement.
    pub(super) fn begin(&mut self) {
        self.losses.clear();
        self.slots.forget();
    }

    /// Goes forward and backward over chunk `c` and sums its gradients into `sum` \[d\].
    pub(super) fn gradient(&mut self, c: usize, sum: &mut [f32]) {
        let (mlp, passes) = (self.slots.mlp(), self.slots.passes(c, &self.plan));
        mlp.gradient(passes.x, passes.workspace, sum);
    }

    /// The first pass over piece `p`, after those before it: its sums to `sums`.
    pub(super) fn sum(&mut self, p: usize, sums: &mut ChunkSums) {
        let Piece { places, chunk, .. } = &self.plan.pieces[p];
        let (mlp, passes) = (self.slots.mlp(), self.slots.passes(*chunk, &self.plan));
        let of_chunk = self.plan.chunks[*chunk].clone();
        let rows = places.start - of_chunk.start..places.end - of_chunk.start;
        sums.set(mlp, passes.x, passes.workspace, rows);
        if places.start == of_chunk.start {
            self.losses.add(of_chunk.map(|place| self.plan.index(place)), passes.losses);
        }
        if let Some(members) = &mut self.members {
            members.set_sq_norms(places.clone(), sums);
        }
    }

    /// The MEAN loss.
    pub(super) fn loss(&self) -> f64 {
        self.losses.sum() / self.plan.len() as f64
    }

    /// The first example in the order of the data set whose loss is not finite, and that loss.
    pub(super) fn not_finite(&self) -> Option<(usize, f64)> {
        self.losses.not_finite()
    }

    /// The network over the group of `pieces`, whose sums are `sums`; with `errors` a second pass
    /// over the group.
    pub(super) fn part(&mut self, sums: &Tally, pieces: &[usize], errors: bool) -> Part {
        let coherence = sums.network();
        let members = self.members.as_mut().filter(|_| errors);
        let alpha_unbiased = members.map(|members| {
            members.dot(&mut self.slots, &self.plan, pieces, sums.sum());
            jackknife(coherence, self.plan.places(pieces).map(|place| members.network(place)))
        });
        Part { coherence, alpha_unbiased: alpha_unbiased.filter(is_defined) }
    }

    /// Tensor `t` over all examples, after [`part`](Self::part) over them.
    pub(super) fn tensor(&self, sums: &Tally, t: usize) -> Part {
        let coherence = sums.tensor(t);
        let alpha_unbiased = self.members.as_ref().map(|members| {
            jackknife(coherence, (0..self.plan.len()).map(|place| members.tensor(t, place)))
        });
        Part { coherence, alpha_unbiased: alpha_unbiased.filter(is_defined) }
    }

    /// The MEAN helpfulness of the examples of `pieces`, after [`part`](Self::part) over all.
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

    /// All examples in the order of the data set, after [`part`](Self::part) over all.
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

/// Whether there were examples enough for a standard error.
fn is_defined(estimate: &Estimate) -> bool {
    !estimate.standard_error.is_nan()
}
