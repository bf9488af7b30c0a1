//! Independent runs side by side on the cores.

use std::iter;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rayon::ThreadPoolBuilder;

use super::RunError;

/// How many runs go at a time and how many threads each has. Results do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Runs at a time, at least 1.
    pub jobs: usize,
    /// Threads of one run, at least 1.
    pub threads: usize,
}

impl Workers {
    /// What was asked for; by default one run a core, and one thread a run, which wastes least.
    pub fn new(jobs: Option<NonZero<usize>>, threads: Option<NonZero<usize>>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.map(usize::from);
        let jobs = jobs.map_or_else(|| (cores / threads.unwrap_or(1)).max(1), usize::from);
        Self { jobs, threads: threads.unwrap_or_else(|| (cores / jobs).max(1)) }
    }

    /// Applies `work` to every item, each in a pool of `threads`, and keeps the order.
    pub(super) fn map<T: Sync, R: Send + Sync>(
        self,
        items: &[T],
        work: impl Fn(&T) -> Result<R, RunError> + Sync,
    ) -> Vec<Result<R, RunError>> {
        let next = AtomicUsize::new(0);
        let slots: Vec<OnceLock<Result<R, RunError>>> =
            items.iter().map(|_| OnceLock::new()).collect();
        let worker = || {
            let pool = ThreadPoolBuilder::new().num_threads(self.threads).build();
            // Each index is taken by one worker, so its slot is empty.
            let take = || {
                let index = next.fetch_add(1, Ordering::Relaxed);
                items.get(index).map(|item| (index, item))
            };
            for (index, item) in iter::from_fn(take) {
                let done = match &pool {
                    Ok(pool) => pool.install(|| work(item)),
                    Err(e) => Err(RunError::Threads(e.to_string())),
                };
                let _ = slots[index].set(done);
            }
        };
        thread::scope(|scope| {
            (0..self.jobs.min(items.len())).for_each(|_| drop(scope.spawn(worker)));
        });
        slots.into_iter().map(|slot| slot.into_inner().expect("every index was taken")).collect()
    }
}
