//! The choice of the examples of each mini-batch.

use coherence_data::random;

/// Draws without replacement: a fresh permutation per epoch, a pure function of (seed, epoch).
///
/// An epoch has ⌊n/k⌋ mini-batches of k examples; the remaining n mod k examples are not used in that
/// epoch.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    seed: u64,
    examples: usize,
    batch: usize,
    /// The epoch of `order`.
    epoch: Option<u64>,
    order: Vec<usize>,
}

impl Sampler {
    pub(crate) fn new(seed: u64, examples: usize, batch: usize) -> Self {
        Self { seed, examples, batch, epoch: None, order: Vec::new() }
    }

    /// The epoch to which the mini-batch after the first `step` ones belongs.
    pub(crate) fn epoch(&self, step: u64) -> u64 {
        step / (self.examples / self.batch) as u64
    }

    /// The indices \[k\] of the mini-batch after the first `step` ones.
    pub(crate) fn batch(&mut self, step: u64) -> &[usize] {
        let per_epoch = (self.examples / self.batch) as u64;
        let epoch = self.epoch(step);
        if self.epoch != Some(epoch) {
            let mut rng = random::stream(self.seed, &format!("epoch {epoch}"));
            self.order = random::permutation(&mut rng, self.examples);
            self.epoch = Some(epoch);
        }
        &self.order[(step % per_epoch) as usize * self.batch..][..self.batch]
    }
}

#[cfg(test)]
mod tests {
    use super::Sampler;

    #[test]
    fn an_epoch_visits_every_example_once() {
        let mut sampler = Sampler::new(7, 12, 3);
        for epoch in 0..3 {
            let mut seen: Vec<usize> =
                (0..4).flat_map(|b| sampler.batch(4 * epoch + b).to_vec()).collect();
            seen.sort();
            assert_eq!(seen, (0..12).collect::<Vec<_>>());
        }
    }

    #[test]
    fn different_epochs_and_seeds_have_different_orders() {
        let first = Sampler::new(7, 1000, 1000).batch(0).to_vec();
        assert_ne!(first, Sampler::new(7, 1000, 1000).batch(1));
        assert_ne!(first, Sampler::new(8, 1000, 1000).batch(0));
    }

    #[test]
    fn a_batch_does_not_depend_on_the_batches_requested_before() {
        let mut visited = Sampler::new(7, 10, 3);
        (0..20).for_each(|step| drop(visited.batch(step).to_vec()));
        assert_eq!(visited.batch(4), Sampler::new(7, 10, 3).batch(4));
    }

    #[test]
    fn examples_left_over_are_not_used_in_that_epoch() {
        let mut sampler = Sampler::new(7, 11, 4);
        let mut seen: Vec<usize> = (0..2).flat_map(|b| sampler.batch(b).to_vec()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 8);
    }
}
