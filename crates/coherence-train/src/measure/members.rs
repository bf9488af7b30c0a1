//! The second pass: each example's squared norm and dot product with a sum of gradients.

use super::{plan::Plan, slots::Slots};
use crate::{
    collective::Collective,
    tally::{ChunkSums, Tally, zeros},
};
use coherence_core::Member;
use coherence_data::ReadError;
use coherence_nn::{Layout, device::Device};
use core::ops::Range;

/// Squared norms of all per-example gradients and their dots with a sum, by tensor.
///
/// Legend: m: examples, t: tensors, d: parameters; a place is a position in the plan's order.
pub(super) struct Members<D: Device<f32>> {
    m: usize,
    /// ‖g_e‖² by tensor and place [t, m].
    sq_norms: Vec<f64>,
    /// Dots with the sum by tensor and place [t, m].
    dots: Vec<f64>,
    /// Both over the whole network, by place \[m\].
    network: Vec<Member>,
    /// The sum \[d\], in the network's precision.
    sum: D::Buffer<f32>,
    /// The product of a chunk's examples with the sum.
    product: D::Buffer<f32>,
    /// The dots of some examples of a chunk, by tensor and example.
    computed: D::Buffer<f64>,
}

impl<D: Device<f32>> Members<D> {
    /// Buffers for all examples of `plan`.
    pub(super) fn new(device: &D, layout: &Layout, plan: &Plan) -> Self {
        let (m, tensors) = (plan.len(), layout.tensors().len());
        Self {
            m,
            sq_norms: vec![0.0; tensors * m],
            dots: vec![0.0; tensors * m],
            network: vec![Member { dot_with_sum: 0.0, sq_norm: 0.0 }; m],
            sum: device.zeros(layout.parameters()),
            product: device.zeros(0),
            computed: device.zeros(0),
        }
    }

    /// Copies the squared norms of the examples at `places` from `piece`.
    pub(super) fn set_sq_norms(&mut self, places: Range<usize>, piece: &ChunkSums<D>) {
        for (t, sq_norms) in self.sq_norms.chunks_exact_mut(self.m).enumerate() {
            sq_norms[places.clone()].copy_from_slice(piece.sq_norms(t));
        }
    }

    /// Computes the dots of all examples of `pieces` with S of `sums`; each worker those of its chunks.
    ///
    /// Runs backwards, to begin with the passes computed last, which may still be in the cache.
    pub(super) fn dot(
        &mut self,
        workers: &dyn Collective,
        slots: &mut Slots<'_, D>,
        plan: &Plan,
        pieces: &[usize],
        sums: &Tally<D>,
    ) -> Result<(), ReadError> {
        let (model, device) = (slots.model(), slots.model().device());
        sums.narrow_to(D::view_mut(&mut self.sum));
        let runs = plan.runs(pieces);
        for (c, places) in runs.iter().filter(|(c, _)| plan.own.contains(c)).rev() {
            let (pass, start) = (slots.pass(*c, plan)?, plan.chunks[*c].start);
            let rows = places.start - start..places.end - start;
            let Self { sum, product, computed, dots, .. } = self;
            let (sum, m) = (D::view(sum), places.len());
            let mut computed = zeros(device, computed, model.layout().tensors().len() * m);
            model.factors(pass.x, pass.workspace, |factors| {
                let of_tensor = factors.tensor * m..(factors.tensor + 1) * m;
                let dots = D::part_mut(D::reborrow(&mut computed), of_tensor);
                let sum = D::part(sum, factors.range.clone());
                factors.rows(rows.clone()).dots(sum, product, dots);
            });
            device.with_host(D::read(&computed), |computed| {
                let tensors = dots.chunks_exact_mut(self.m).zip(computed.chunks_exact(m));
                tensors.for_each(|(dots, of)| dots[places.clone()].copy_from_slice(of));
            });
        }
        self.gather(workers, plan, &runs);
        runs.into_iter().for_each(|(_, places)| self.add_tensors(places));
        Ok(())
    }

    /// Takes the squared norms and dots of the examples of `runs` that are of other workers.
    fn gather(&mut self, workers: &dyn Collective, plan: &Plan, runs: &[(usize, Range<usize>)]) {
        if workers.is_solo() {
            return;
        }
        let rows = self.sq_norms.chunks_exact_mut(self.m).chain(self.dots.chunks_exact_mut(self.m));
        for row in rows {
            let own = runs.iter().filter(|(c, _)| plan.own.contains(c));
            let own = own.flat_map(|(_, places)| &row[places.clone()]);
            let all = workers.concatenate(own.copied().collect());
            let places = runs.iter().flat_map(|(_, places)| places.clone());
            places.zip(all).for_each(|(place, value)| row[place] = value);
        }
    }

    fn add_tensors(&mut self, places: Range<usize>) {
        let network = &mut self.network[places.clone()];
        network.fill(Member { dot_with_sum: 0.0, sq_norm: 0.0 });
        for t in 0..self.dots.len() / self.m {
            let at = t * self.m + places.start..t * self.m + places.end;
            let of = self.dots[at.clone()].iter().zip(&self.sq_norms[at]);
            for (member, (dot, sq_norm)) in network.iter_mut().zip(of) {
                member.dot_with_sum += dot;
                member.sq_norm += sq_norm;
            }
        }
    }

    /// The statistics of the example at `place` over the whole network.
    pub(super) fn network(&self, place: usize) -> Member {
        self.network[place]
    }

    /// The statistics of the example at `place` in tensor `t`.
    pub(super) fn tensor(&self, t: usize, place: usize) -> Member {
        let at = t * self.m + place;
        Member { dot_with_sum: self.dots[at], sq_norm: self.sq_norms[at] }
    }
}
