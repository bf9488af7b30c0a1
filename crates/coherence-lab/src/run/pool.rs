//! Independent runs side by side on the cores.

use std::iter;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use coherence_nn::device::Memory;
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
    /// Whether fewer runs go at a time if so many do not fit in memory; otherwise they are refused.
    pub may_be_fewer: bool,
}

/// More workers or threads than the cores have use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{option} is {asked}, and this machine has {cores} cores: write at most {most}")]
pub struct TooManyWorkers {
    option: &'static str,
    asked: usize,
    cores: usize,
    most: usize,
}

impl TooManyWorkers {
    /// `asked`, if it is no more than `per_core` a core.
    fn check(option: &'static str, asked: usize, per_core: usize) -> Result<usize, Self> {
        let cores = cores();
        let most = cores.saturating_mul(per_core);
        if asked <= most { Ok(asked) } else { Err(Self { option, asked, cores, most }) }
    }
}

/// The variable by which the environment asks for threads.
const THREADS: &str = "RAYON_NUM_THREADS";

/// A number of threads that cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ThreadsError {
    /// There are too many.
    #[error(transparent)]
    TooMany(#[from] TooManyWorkers),
    /// It is no number, and would be ignored.
    #[error("{THREADS} is {0:?}: write a number of threads, or remove the variable")]
    NoNumber(String),
}

/// Checks the number of threads that the environment asks of rayon; they are started where they are first needed,
/// and there it would be too late.
///
/// # Errors
///
/// [`ThreadsError`] for more than 16 a core (results do not depend on their number, and a test may want more than
/// cores), and for what is no number.
pub fn check_threads() -> Result<(), ThreadsError> {
    let Some(text) = std::env::var_os(THREADS).filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let text = text.to_string_lossy();
    let asked = text.parse().map_err(|_| ThreadsError::NoNumber(text.to_string()))?;
    TooManyWorkers::check(THREADS, asked, 16)?;
    Ok(())
}

impl Workers {
    /// What was asked for. By default one run a core, as far as they fit in memory, and one thread a run, which wastes
    /// least. The same for a GPU: small networks are bound by the launches of their kernels, and each run has a thread
    /// of the host that queues its own.
    ///
    /// # Errors
    ///
    /// [`TooManyWorkers`] for more jobs or more threads than cores.
    pub fn new(
        jobs: Option<NonZero<usize>>,
        threads: Option<NonZero<usize>>,
    ) -> Result<Self, TooManyWorkers> {
        let cores = cores();
        let bounded = |option, asked: Option<NonZero<usize>>| {
            asked.map(|asked| TooManyWorkers::check(option, asked.get(), 1)).transpose()
        };
        let may_be_fewer = jobs.is_none();
        let (jobs, threads) = (bounded("--jobs", jobs)?, bounded("--threads", threads)?);
        let jobs = jobs.unwrap_or_else(|| (cores / threads.unwrap_or(1)).max(1));
        let threads = threads.unwrap_or_else(|| (cores / jobs).max(1));
        Ok(Self { jobs, threads, may_be_fewer })
    }

    /// Applies `work` to every item and keeps the order. Each worker has a pool of `threads` and a queue of its own on
    /// the device.
    ///
    /// # Panics
    ///
    /// If `work` panics, with the same message. `stop` is raised for the other workers, which end before.
    pub(super) fn map<D: Memory, T: Sync, R: Send + Sync>(
        self,
        device: &D,
        stop: &AtomicBool,
        items: &[T],
        work: impl Fn(&D, &T) -> Result<R, RunError> + Sync,
    ) -> Vec<Result<R, RunError>> {
        let next = AtomicUsize::new(0);
        let slots: Vec<OnceLock<Result<R, RunError>>> =
            items.iter().map(|_| OnceLock::new()).collect();
        let take_items = || {
            let device = device.with_own_queue();
            let pool = ThreadPoolBuilder::new().num_threads(self.threads).build();
            // Each index is taken by one worker, so its slot is empty.
            let take = || {
                let index = next.fetch_add(1, Ordering::Relaxed);
                items.get(index).map(|item| (index, item))
            };
            for (index, item) in iter::from_fn(take) {
                let done = match &pool {
                    Ok(pool) => pool.install(|| work(&device, item)),
                    Err(e) => Err(RunError::Threads(e.to_string())),
                };
                let _ = slots[index].set(done);
            }
        };
        let worker = || {
            let ended = panic::catch_unwind(AssertUnwindSafe(take_items));
            ended.inspect_err(|_| stop.store(true, Ordering::Relaxed))
        };
        let mut refused = String::new();
        let ended = thread::scope(|scope| {
            let mut workers = Vec::new();
            for _ in 0..self.jobs.min(items.len()) {
                match thread::Builder::new().spawn_scoped(scope, worker) {
                    Ok(worker) => workers.push(worker),
                    Err(e) => refused = e.to_string(),
                }
            }
            // All are joined before a panic goes on.
            let ended = workers.into_iter().map(|worker| worker.join().and_then(|ended| ended));
            ended.fold(Ok(()), Result::and)
        });
        if let Err(panic) = ended {
            panic::resume_unwind(panic);
        }
        // Fewer workers do the same work; without any, every slot is still empty.
        let none = || Err(RunError::Threads(refused.clone()));
        slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(none)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coherence_nn::device::Cpu;

    const ONE: Workers = Workers { jobs: 1, threads: 1, may_be_fewer: false };

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
    fn a_run_that_panics_stops_the_others_and_its_message_goes_on() {
        let (stop, workers) = (AtomicBool::new(false), Workers { jobs: 2, ..ONE });
        let saved = AtomicBool::new(false);
        let run = |_: &Cpu, item: &usize| -> Result<(), RunError> {
            assert_eq!(*item, 0, "no memory");
            while !stop.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            saved.store(true, Ordering::Relaxed);
            Err(RunError::Interrupted)
        };
        let map = || workers.map(&Cpu::detect(), &stop, &[0, 1], run);
        let payload = panic::catch_unwind(AssertUnwindSafe(map)).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.contains("no memory"), "{message}");
        assert!(saved.into_inner());
    }

    #[test]
    fn all_cores_are_used_by_default() {
        let all = cores();
        let may_be_fewer = true;
        let expected = Workers { jobs: all, threads: 1, may_be_fewer };
        assert_eq!(Workers::new(None, None), Ok(expected));
        let expected = Workers { jobs: 1, threads: all, may_be_fewer };
        assert_eq!(Workers::new(None, NonZero::new(all)), Ok(expected));
    }
}
