//! The mini-batches of training, in order.

use crate::{Config, Examples, sampler::Sampler};
use coherence_data::{Batches, ReadError, augment::Augmentation};
use rayon::prelude::*;
use std::sync::Arc;

/// Loads the examples of one mini-batch after the other; of a set that is not held in memory, a thread
/// decodes the next mini-batch meanwhile.
#[derive(Debug)]
pub(crate) struct Feed {
    sampler: Sampler,
    augmentation: Option<Augmentation>,
    seed: u64,
    /// The thread and the step of the mini-batch that it yields next.
    ahead: Option<(u64, Batches)>,
}

impl Feed {
    pub(crate) fn new(config: &Config, examples: &Examples) -> Self {
        let Config { seed, batch, augmentation, .. } = *config;
        let sampler = Sampler::new(seed, examples.len(), batch);
        Self { sampler, augmentation, seed, ahead: None }
    }

    /// The indices \[k\] of the mini-batch after the first `step` ones.
    pub(crate) fn indices(&mut self, step: u64) -> &[usize] {
        self.sampler.batch(step)
    }

    /// Writes images [k, features], augmented, and labels \[k\] of the mini-batch after the first `step` ones.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if an image cannot be read.
    pub(crate) fn load(
        &mut self,
        step: u64,
        examples: &Examples,
        x: &mut [f32],
        labels: &mut [u32],
    ) -> Result<(), ReadError> {
        self.read(step, examples, x, labels)?;
        if let Some(by) = self.augmentation {
            let (seed, epoch, shape) = (self.seed, self.sampler.epoch(step), examples.shape());
            let rows = x.par_chunks_exact_mut(shape.features()).zip(self.sampler.batch(step));
            let black = |channel: usize| examples.black()[channel];
            rows.for_each(|(image, &i)| by.apply(seed, epoch, i, shape, black, image));
        }
        Ok(())
    }

    fn read(
        &mut self,
        step: u64,
        examples: &Examples,
        x: &mut [f32],
        labels: &mut [u32],
    ) -> Result<(), ReadError> {
        examples.gather(self.sampler.batch(step), x, labels);
        let Some(data) = examples.streamed() else { return Ok(()) };
        let (next, mut batches) = self.ahead.take().unwrap_or_else(|| {
            let mut sampler = self.sampler.clone();
            let order = (step..).map(move |step| sampler.batch(step).to_vec());
            (step, Batches::new(Arc::clone(data), order))
        });
        if next != step {
            return self.read(step, examples, x, labels);
        }
        let batch = batches.next().expect("the order has no end")?;
        x.copy_from_slice(&batch.inputs);
        self.ahead = Some((step + 1, batches));
        Ok(())
    }
}
