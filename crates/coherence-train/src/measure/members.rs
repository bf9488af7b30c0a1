//! What each example has in common with a sum over many: the second pass.

use super::{plan::Plan, slots::Slots};
use crate::tally::ChunkSums;
use coherence_core::{
    Coherence, Member,
    unbiased::{Estimate, jackknife},
};
use coherence_nn::Layout;
use core::ops::Range;

/// Squared norms and dots of all per-example gradients, by tensor.
///
/// Legend: m: examples, t: tensors, d: parameters; a place is a position in the plan's order.
pub(super) struct Members {
    m: usize,
    tensors: usize,
    /// ‖g_e‖² by tensor and place [t, m].
    sq_norms: Vec<f64>,
    /// Dots with a sum by tensor and place [t, m].
    dots: Vec<f64>,
    /// That sum \[d\], in the network's precision.
    sum: Vec<f32>,
    /// A chunk's product with it.
    product: Vec<f32>,
}

impl Members {
    pub(super) fn new(layout: &Layout, m: usize) -> Self {
        let tensors = layout.tensors().len();
        Self {
            m,
            tensors,
            sq_norms: vec![0.0; tensors * m],
            dots: vec![0.0; tensors * m],
            sum: vec![0.0; layout.parameters()],
            product: Vec::new(),
        }
    }

    /// Takes over the squared norms of the examples at `places`.
    pub(super) fn set_sq_norms(&mut self, places: Range<usize>, chunk: &ChunkSums) {
        for (t, sq_norms) in self.sq_norms.chunks_exact_mut(self.m).enumerate() {
            sq_norms[places.clone()].copy_from_slice(chunk.sq_norms(t));
        }
    }

    /// Overwrites the dots of all examples of some chunks by those with `sum` \[d\].
    ///
    /// Backwards, so that what was computed last, and may still be in the cache, comes first.
    pub(super) fn dot(&mut self, slots: &mut Slots, plan: &Plan, chunks: &[usize], sum: &[f64]) {
        let mlp = slots.mlp();
        self.sum.iter_mut().zip(sum).for_each(|(narrow, &s)| *narrow = s as f32);
        for &c in chunks.iter().rev() {
            let (places, passes) = (plan.chunks[c].places.clone(), slots.passes(c, plan));
            for (t, factors) in mlp.factors(passes.x, passes.workspace).enumerate() {
                let dots = &mut self.dots[t * self.m..][places.clone()];
                dots.fill(0.0);
                self.product.resize(factors.delta.len(), 0.0);
                factors.dots(&self.sum[factors.range.clone()], &mut self.product, dots);
            }
        }
    }

    /// The example at `place`, as far as `tensors` go.
    pub(super) fn of(&self, tensors: Range<usize>, place: usize) -> Member {
        let over = |values: &[f64]| tensors.clone().map(|t| values[t * self.m + place]).sum();
        Member { dot_with_sum: over(&self.dots), sq_norm: over(&self.sq_norms) }
    }

    /// All tensors.
    pub(super) fn network(&self) -> Range<usize> {
        0..self.tensors
    }

    /// α̂ of a sample with its standard error, where the dots are those with the sample's sum.
    pub(super) fn estimate(
        &self,
        sample: Coherence,
        tensors: Range<usize>,
        places: impl Iterator<Item = usize>,
    ) -> Option<Estimate> {
        jackknife(sample, places.map(|place| self.of(tensors.clone(), place)))
    }
}
