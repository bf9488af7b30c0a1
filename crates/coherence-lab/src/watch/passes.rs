//! Progress of work that reads the same things once or several times.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Progress;

/// Work that ends within this time shows nothing.
const SOON: Duration = Duration::from_secs(2);

/// How much was read, in passes over `all` of it one after the other.
pub(crate) struct Passes {
    progress: Progress,
    /// The name of the work.
    name: &'static str,
    /// What is read.
    what: String,
    all: u64,
    begun: Instant,
    shown: OnceLock<()>,
    read: AtomicU64,
}

impl Passes {
    pub(crate) fn new(progress: Progress, name: &'static str, what: String, all: u64) -> Self {
        let (shown, read) = (OnceLock::new(), AtomicU64::new(0));
        Self { progress, name, what, all: all.max(1), begun: Instant::now(), shown, read }
    }

    /// So much more was read.
    pub(crate) fn add(&self, more: u64) {
        let before = self.read.fetch_add(more, Relaxed);
        if more == 0 || self.begun.elapsed() < SOON {
            return;
        }
        let last = before + more - 1;
        let (pass, done) = (last / self.all + 1, last % self.all + 1);
        self.shown.get_or_init(|| self.progress.start(self.name, &self.what, [done, self.all]));
        self.progress.reach(done, || format!("pass {pass}"));
    }
}

impl Drop for Passes {
    fn drop(&mut self) {
        if self.shown.get().is_some() {
            self.progress.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;

    use super::*;

    #[test]
    fn after_two_seconds_the_position_is_that_within_the_present_pass() {
        let bar = ProgressBar::hidden();
        let progress = Progress::Bar(bar.clone());
        let mut passes = Passes::new(progress, "alpha", "10 bytes".to_owned(), 10);
        let mut after = |more| {
            passes.add(more);
            let shown = (bar.position(), bar.message());
            passes.begun -= SOON;
            shown
        };
        assert_eq!(after(3), (0, String::new()));
        assert_eq!(after(4), (7, "pass 1".to_owned()));
        assert_eq!(after(4), (1, "pass 2".to_owned()));
        assert_eq!(after(9), (10, "pass 2".to_owned()));
    }
}
