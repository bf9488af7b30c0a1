//! A data set whose reading is shown as the progress of a measurement.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use coherence_data::{Dataset, ReadError, Target, forward};

use crate::watch::Progress;

/// A measurement that ends within this time shows nothing.
const SOON: Duration = Duration::from_secs(2);

/// A data set that tells how many of its examples were read. Passes read them one after the other.
pub(super) struct Told<D> {
    data: D,
    progress: Progress,
    begun: Instant,
    shown: OnceLock<()>,
    read: AtomicU64,
}

impl<D: Dataset> Told<D> {
    pub(super) fn new(data: D, progress: Progress) -> Self {
        let (shown, read) = (OnceLock::new(), AtomicU64::new(0));
        Self { data, progress, begun: Instant::now(), shown, read }
    }

    fn tell(&self, read: u64) {
        if self.begun.elapsed() < SOON {
            return;
        }
        let all = self.data.len() as u64;
        let (pass, done) = ((read - 1) / all + 1, (read - 1) % all + 1);
        self.shown.get_or_init(|| {
            self.progress.start("measure", &format!("{all} examples"), [done, all]);
        });
        self.progress.reach(done, || format!("pass {pass} over the examples"));
    }
}

impl<D> Drop for Told<D> {
    fn drop(&mut self) {
        if self.shown.get().is_some() {
            self.progress.finish();
        }
    }
}

impl<D: Dataset> Dataset for Told<D> {
    forward!(self => self.data; len, shape, classes, black, target);

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        self.tell(self.read.fetch_add(1, Relaxed) + 1);
        self.data.get(i, input)
    }
}
