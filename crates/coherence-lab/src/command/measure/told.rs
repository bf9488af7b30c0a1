//! A data set whose reading is shown as the progress of a measurement.

use coherence_data::{Dataset, ReadError, Target, forward};

use crate::watch::{Passes, Progress};

/// A data set that tells how many of its examples were read. Passes read them one after the other.
pub(super) struct Told<D> {
    data: D,
    passes: Passes,
}

impl<D: Dataset> Told<D> {
    pub(super) fn new(data: D, progress: Progress) -> Self {
        let all = data.len();
        let passes = Passes::new(progress, "measure", format!("{all} examples"), all as u64);
        Self { data, passes }
    }
}

impl<D: Dataset> Dataset for Told<D> {
    forward!(self => self.data; len, shape, classes, black, target);

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        self.passes.add(1);
        self.data.get(i, input)
    }
}
