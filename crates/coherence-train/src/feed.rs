//! The mini-batches of training, in order.

use crate::{Config, Examples, sampler::Sampler};
use coherence_data::{Batches, ReadError, augment::Augmentation};
use core::ops::Range;
use rayon::prelude::*;
use std::sync::Arc;

/// Loads the examples of one mini-batch after the other; of a set that is not held in memory, a thread
/// decodes the next mini-batch meanwhile.
#[derive(Debug)]
pub(crate) struct Feed {
    sampler: Sampler,
    augmentation: Option<Augmentation>,
    seed: u64,
    /// The examples of each mini-batch that are loaded.
    share: Range<usize>,
    /// The mini-batches from one that is loaded to the next.
    stride: u64,
    /// The thread and the step of the mini-batch that it yields next.
    ahead: Option<(u64, Batches)>,
}

impl Feed {
    /// Loads the examples `share` of every `stride`-th mini-batch.
    pub(crate) fn new(
        config: &Config,
        examples: &Examples,
        share: Range<usize>,
        stride: u64,
    ) -> Self {
        let Config { seed, augmentation, .. } = *config;
        let sampler = Sampler::new(config, examples.len());
        Self { sampler, augmentation, seed, share, stride, ahead: None }
    }

    /// The indices \[k\] of the mini-batch after the first `step` ones.
    pub(crate) fn indices(&mut self, step: u64) -> &[usize] {
        self.sampler.batch(step)
    }

    /// Writes images [share, features], augmented, and labels \[share\] of the mini-batch after the first `step`
    /// ones.
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
            let indices = &self.sampler.batch(step)[self.share.clone()];
            let rows = x.par_chunks_exact_mut(shape.features()).zip(indices);
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
        let (share, stride) = (self.share.clone(), self.stride);
        examples.gather(&self.sampler.batch(step)[share.clone()], x, labels);
        let Some(data) = examples.streamed() else { return Ok(()) };
        let (next, mut batches) = self.ahead.take().unwrap_or_else(|| {
            let mut sampler = self.sampler.clone();
            let steps = (step..).step_by(stride as usize);
            let order = steps.map(move |step| sampler.batch(step)[share.clone()].to_vec());
            (step, Batches::new(Arc::clone(data), order))
        });
        if next != step {
            return self.read(step, examples, x, labels);
        }
        let batch = batches.next().expect("the order has no end")?;
        x.copy_from_slice(&batch.inputs);
        self.ahead = Some((step + stride, batches));
        Ok(())
    }
}
