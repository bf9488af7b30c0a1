//! Independent runs side by side on the cores.

use std::iter;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rayon::ThreadPoolBuilder;
use thiserror::Error;

use super::RunError;
use crate::machine::cores;

/// How many runs go at a time and how many threads each has. Results do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Runs at a time, at least 1.
    pub jobs: usize,
    /// Threads of one run, at least 1.
    pub threads: usize,
}

/// More workers than there are cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{option} is {asked}, and this machine has {cores} cores: write at most {cores}")]
pub struct TooManyWorkers {
    option: &'static str,
    asked: usize,
    cores: usize,
}

impl Workers {
    /// What was asked for; by default one run a core, and one thread a run, which wastes least.
    ///
    /// # Errors
    ///
    /// [`TooManyWorkers`] for more jobs or more threads than cores.
    pub fn new(
        jobs: Option<NonZero<usize>>,
        threads: Option<NonZero<usize>>,
    ) -> Result<Self, TooManyWorkers> {
        let cores = cores();
        let bounded = |option, asked: Option<NonZero<usize>>| match asked.map(usize::from) {
            Some(asked) if cores < asked => Err(TooManyWorkers { option, asked, cores }),
            asked => Ok(asked),
        };
        let (jobs, threads) = (bounded("--jobs", jobs)?, bounded("--threads", threads)?);
        let jobs = jobs.unwrap_or_else(|| (cores / threads.unwrap_or(1)).max(1));
        Ok(Self { jobs, threads: threads.unwrap_or_else(|| (cores / jobs).max(1)) })
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
        let mut refused = String::new();
        thread::scope(|scope| {
            for _ in 0..self.jobs.min(items.len()) {
                if let Err(e) = thread::Builder::new().spawn_scoped(scope, worker) {
                    refused = e.to_string();
                }
            }
        });
        // Fewer workers do the same work; without any, every slot is still empty.
        let none = || Err(RunError::Threads(refused.clone()));
        slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(none)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_workers_than_cores_are_refused_with_the_number_of_cores() {
        let many = NonZero::new(100_000);
        for (jobs, threads, option) in [(many, None, "--jobs"), (None, many, "--threads")] {
            let error = Workers::new(jobs, threads).unwrap_err().to_string();
            let cores = format!("{} cores", cores());
            assert!(error.contains(&format!("{option} is 100000")), "{error}");
            assert!(error.contains(&cores), "{error}");
        }
    }

    #[test]
    fn all_cores_are_used_by_default() {
        let all = cores();
        assert_eq!(Workers::new(None, None), Ok(Workers { jobs: all, threads: 1 }));
        assert_eq!(Workers::new(None, NonZero::new(all)), Ok(Workers { jobs: 1, threads: all }));
    }
}
