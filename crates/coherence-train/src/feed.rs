//! The mini-batches of training, in order.

use crate::{Examples, sampler::Sampler};
use coherence_data::{Batches, ReadError};
use std::sync::Arc;

/// Loads the examples of one mini-batch after the other; of a set that is not held in memory, a thread
/// decodes the next mini-batch meanwhile.
#[derive(Debug)]
pub(crate) struct Feed {
    sampler: Sampler,
    /// The thread and the step of the mini-batch that it yields next.
    ahead: Option<(u64, Batches)>,
}

impl Feed {
    pub(crate) fn new(sampler: Sampler) -> Self {
        Self { sampler, ahead: None }
    }

    /// The indices \[k\] of the mini-batch after the first `step` ones.
    pub(crate) fn indices(&mut self, step: u64) -> &[usize] {
        self.sampler.batch(step)
    }

    /// Writes images [k, features] and labels \[k\] of the mini-batch after the first `step` ones.
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
        examples.gather(self.sampler.batch(step), x, labels);
        let Some(data) = examples.streamed() else { return Ok(()) };
        let (next, mut batches) = self.ahead.take().unwrap_or_else(|| {
            let mut sampler = self.sampler.clone();
            let order = (step..).map(move |step| sampler.batch(step).to_vec());
            (step, Batches::new(Arc::clone(data), order))
        });
        if next != step {
            return self.load(step, examples, x, labels);
        }
        let batch = batches.next().expect("the order has no end")?;
        x.copy_from_slice(&batch.inputs);
        self.ahead = Some((step + 1, batches));
        Ok(())
    }
}
