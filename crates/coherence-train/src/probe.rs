//! Coherence and helpfulness during training: over a fixed sample and over the mini-batch.

use crate::{
    Examples,
    examples::Halt,
    passes::ChunkedPasses,
    tally::{ChunkSums, Tally, dot},
};
use coherence_core::{Coherence, Member, helpfulness::helpfulness};
use coherence_data::{Designation, random};
use coherence_nn::Model;
use std::sync::atomic::AtomicBool;

/// The fixed sample, with the buffers to measure it and the mini-batches.
#[derive(Debug)]
pub(crate) struct Probe {
    sample: ByDesignation,
    tallies: [Tally; 2],
    whole: Tally,
    passes: ChunkedPasses,
    chunk: ChunkSums,
}

/// Indices of the pristine and of the corrupt examples.
type ByDesignation = [Vec<usize>; 2];

impl Probe {
    /// Draws `size` examples (at most all); the sample is a pure function of seed, size and number of
    /// examples.
    pub(crate) fn new(model: &Model<f32>, examples: &Examples, size: usize, seed: u64) -> Self {
        let mut chosen = random::permutation(&mut random::stream(seed, "probe"), examples.len());
        chosen.truncate(size);
        chosen.sort_unstable();
        Self {
            sample: by_designation(examples, &chosen),
            tallies: [(); 2].map(|()| Tally::new(model.layout())),
            whole: Tally::new(model.layout()),
            passes: ChunkedPasses::new(model),
            chunk: ChunkSums::new(model.layout()),
        }
    }

    /// Measures the sample and the mini-batch `batch`, and sends the series `probe.…` and `batch.…`.
    ///
    /// # Errors
    ///
    /// As [`Examples::visit`].
    pub(crate) fn observe(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32>,
        examples: &Examples,
        batch: &[usize],
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<(), Halt> {
        let sample = self.sample.clone();
        self.measure(stop, model, examples, &sample)?;
        self.report("probe", send);
        for (t, tensor) in model.layout().tensors().iter().enumerate() {
            rows(&format!("probe.{}", tensor.name), self.whole.tensor(t), send);
        }
        self.measure(stop, model, examples, &by_designation(examples, batch))?;
        self.report("batch", send);
        Ok(())
    }

    fn measure(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32>,
        examples: &Examples,
        groups: &ByDesignation,
    ) -> Result<(), Halt> {
        self.whole.clear();
        for (indices, tally) in groups.iter().zip(&mut self.tallies) {
            tally.clear();
            let add = |chunk: &ChunkSums| tally.add(chunk);
            self.passes.run(stop, model, examples, indices, &mut self.chunk, add)?;
            self.whole.merge(tally);
        }
        Ok(())
    }

    /// Sends the statistics of the whole sample and of its groups, in series that begin with `prefix`.
    fn report(&self, prefix: &str, send: &mut dyn FnMut(&str, f64)) {
        let whole = self.whole.network();
        send(&format!("{prefix}.alpha"), whole.alpha());
        rows(prefix, whole, send);
        for (designation, tally) in Designation::ALL.iter().zip(&self.tallies) {
            let (name, group) = (designation.name(), tally.network());
            if group.m == 0 {
                continue;
            }
            rows(&format!("{prefix}.{name}"), group, send);
            // h is linear in the example, so the sum over a group follows from the group's sums.
            let dot_with_sum = dot(self.whole.sum(), tally.sum());
            let members = Member { dot_with_sum, sq_norm: group.sum_sq_norms };
            let sum = helpfulness(whole, members);
            if !sum.is_nan() {
                send(&format!("{prefix}.{name}.helpfulness"), sum / group.m as f64);
            }
        }
    }
}

fn by_designation(examples: &Examples, indices: &[usize]) -> ByDesignation {
    Designation::ALL.map(|designation| {
        let belongs = |&i: &usize| examples.designations()[i] == designation;
        indices.iter().copied().filter(belongs).collect()
    })
}

fn rows(prefix: &str, coherence: Coherence, send: &mut dyn FnMut(&str, f64)) {
    send(&format!("{prefix}.m_coherence"), coherence.m_coherence());
    send(&format!("{prefix}.sq_norm_of_sum"), coherence.sq_norm_of_sum);
    send(&format!("{prefix}.sum_sq_norms"), coherence.sum_sq_norms);
}
