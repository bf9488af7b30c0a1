//! Whether workers have the same settings, network and data, before they begin.

use super::Collective;
use crate::{Examples, examples::Halt};
use coherence_data::{ReadError, verify::Checksum};
use coherence_nn::{Model, device::Device};
use core::iter;
use std::sync::atomic::AtomicBool;

/// A digest of what a worker has.
#[derive(Default)]
pub(crate) struct Fingerprint(Checksum);

/// Indices of the examples, of n, whose images are compared: sets with the same labels may be normalised or
/// corrupted differently.
pub(crate) fn compared(n: usize) -> impl Iterator<Item = usize> {
    const MOST: usize = 16;
    (0..n).step_by(n.div_ceil(MOST).max(1))
}

impl Fingerprint {
    pub(crate) fn bytes(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.add(bytes.as_ref());
    }

    pub(crate) fn numbers(&mut self, numbers: &[f32]) {
        numbers.iter().for_each(|x| self.0.add(&x.to_le_bytes()));
    }

    pub(crate) fn network<D: Device<f32>>(&mut self, model: &Model<f32, D>) {
        self.bytes(format!("{} {:?}", model.graph().name(), model.layout()));
        for numbers in [model.parameters(), model.statistics()] {
            model.device().with_host(numbers, |numbers| self.numbers(numbers));
        }
    }

    /// # Errors
    ///
    /// [`ReadError`] if an image cannot be read.
    pub(crate) fn examples(&mut self, examples: &Examples) -> Result<(), ReadError> {
        self.bytes(format!("{:?} {:?}", examples.shape(), examples.labels()));
        self.bytes(format!("{:?}", examples.designations()));
        let some = iter::once(compared(examples.len()).collect());
        match examples.visit(&AtomicBool::new(false), some, |x, _| self.numbers(x)) {
            Err(Halt::Read(error)) => Err(error),
            Ok(()) | Err(Halt::Stopped) => Ok(()),
        }
    }

    /// The digest in hexadecimal digits.
    pub(crate) fn digits(&self) -> String {
        self.0.digits()
    }

    /// The ranks of the workers whose digest is not that of worker 0.
    pub(crate) fn differing(self, workers: &dyn Collective) -> Vec<usize> {
        let mine: Vec<f64> = self.digits().bytes().map(f64::from).collect();
        let mut all = vec![0.0; workers.size() * mine.len()];
        workers.gather_f64(&mine, &mut all);
        let digests: Vec<&[f64]> = all.chunks_exact(mine.len()).collect();
        (0..workers.size()).filter(|&rank| digests[rank] != digests[0]).collect()
    }
}
