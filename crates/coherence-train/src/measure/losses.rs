//! The losses of the first pass: their sum, the first non-finite one and, if requested, all of them.

use crate::collective::Collective;

/// The sum of the losses, the first non-finite one and, if requested, all of them.
#[derive(Debug)]
pub(super) struct Losses {
    sum: f64,
    /// The index in the data set and the value of the first non-finite loss.
    not_finite: Option<(usize, f64)>,
    /// By place; `None` unless requested.
    each: Option<Vec<f64>>,
}

impl Losses {
    pub(super) fn new(each: bool) -> Self {
        Self { sum: 0.0, not_finite: None, each: each.then(Vec::new) }
    }

    /// Forgets all losses.
    pub(super) fn clear(&mut self) {
        (self.sum, self.not_finite) = (0.0, None);
        self.each.iter_mut().for_each(Vec::clear);
    }

    /// Takes the losses of all workers, by rank: to the bits of one worker.
    ///
    /// # Panics
    ///
    /// If losses by place were not requested.
    pub(super) fn gather(&mut self, workers: &dyn Collective, index: impl Fn(usize) -> usize) {
        let mine = self.each.take().expect("several workers need each loss");
        let all = workers.concatenate(mine);
        *self = Self::new(true);
        self.add((0..all.len()).map(index), &all);
    }

    /// Adds the losses at the next places, whose indices in the data set are `indices`.
    pub(super) fn add(&mut self, indices: impl Iterator<Item = usize>, losses: &[f64]) {
        for (index, &loss) in indices.zip(losses) {
            self.sum += loss;
            if !loss.is_finite() && self.not_finite.is_none_or(|(first, _)| index < first) {
                self.not_finite = Some((index, loss));
            }
        }
        self.each.iter_mut().for_each(|each| each.extend(losses));
    }

    /// The SUM of the losses.
    pub(super) fn sum(&self) -> f64 {
        self.sum
    }

    /// The first example in the order of the data set whose loss is not finite, and that loss.
    pub(super) fn not_finite(&self) -> Option<(usize, f64)> {
        self.not_finite
    }

    /// The losses by place; empty unless they were requested.
    pub(super) fn each(&self) -> &[f64] {
        self.each.as_deref().unwrap_or_default()
    }
}
