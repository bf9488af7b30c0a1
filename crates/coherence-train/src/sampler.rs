//! The choice of the examples of each mini-batch.

use crate::Config;
use coherence_data::random;

/// Draws without replacement: a fresh permutation per epoch, a pure function of (seed, epoch). An epoch has
/// [`Config::steps_of_epoch`] mini-batches.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    seed: u64,
    examples: usize,
    batch: usize,
    steps_of_epoch: u64,
    /// The epoch of `order`.
    epoch: Option<u64>,
    order: Vec<usize>,
}

impl Sampler {
    /// The sampler of a run that [`Config::check`] accepts.
    pub(crate) fn new(config: &Config, examples: usize) -> Self {
        let Config { seed, batch, .. } = *config;
        let steps_of_epoch = config.steps_of_epoch(examples);
        Self { seed, examples, batch, steps_of_epoch, epoch: None, order: Vec::new() }
    }

    /// The epoch to which the mini-batch after the first `step` ones belongs.
    pub(crate) fn epoch(&self, step: u64) -> u64 {
        step / self.steps_of_epoch
    }

    /// The indices \[k\] of the mini-batch after the first `step` ones.
    pub(crate) fn batch(&mut self, step: u64) -> &[usize] {
        let epoch = self.epoch(step);
        if self.epoch != Some(epoch) {
            let mut rng = random::stream(self.seed, &format!("epoch {epoch}"));
            self.order = random::permutation(&mut rng, self.examples);
            self.epoch = Some(epoch);
        }
        &self.order[(step % self.steps_of_epoch) as usize * self.batch..][..self.batch]
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Sampler};

    fn sampler(seed: u64, examples: usize, batch: usize) -> Sampler {
        Sampler::new(&Config { seed, batch, ..Config::default() }, examples)
    }

    #[test]
    fn an_epoch_visits_every_example_once() {
        let mut sampler = sampler(7, 12, 3);
        for epoch in 0..3 {
            let mut seen: Vec<usize> =
                (0..4).flat_map(|b| sampler.batch(4 * epoch + b).to_vec()).collect();
            seen.sort();
            assert_eq!(seen, (0..12).collect::<Vec<_>>());
        }
    }

    #[test]
    fn different_epochs_and_seeds_have_different_orders() {
        let first = sampler(7, 1000, 1000).batch(0).to_vec();
        assert_ne!(first, sampler(7, 1000, 1000).batch(1));
        assert_ne!(first, sampler(8, 1000, 1000).batch(0));
    }

    #[test]
    fn a_batch_does_not_depend_on_the_batches_requested_before() {
        let mut visited = sampler(7, 10, 3);
        (0..20).for_each(|step| drop(visited.batch(step).to_vec()));
        assert_eq!(visited.batch(4), sampler(7, 10, 3).batch(4));
    }

    #[test]
    fn examples_left_over_are_not_used_in_that_epoch() {
        let mut sampler = sampler(7, 11, 4);
        let mut seen: Vec<usize> = (0..2).flat_map(|b| sampler.batch(b).to_vec()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 8);
    }
}
