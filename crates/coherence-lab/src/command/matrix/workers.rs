//! Jobs on several threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{panic, thread};

use anyhow::Result;

/// The number of threads for work on a file: one more than processors, so that the others compute
/// while one waits for the disk.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(2, |count| count.get() + 1)
}

/// Calls `work` for every job on the next free one of `threads` threads, and returns the answers in the
/// order of the jobs. A thread keeps one `State` for all of its jobs.
///
/// # Errors
/// The error of the first job, in their order, that fails; later jobs may not have been started.
pub(crate) fn each<J, A, State>(
    threads: usize,
    jobs: impl Iterator<Item = J> + Send,
    state: impl Fn() -> State + Sync,
    work: impl Fn(&mut State, J) -> Result<A> + Sync,
) -> Result<Vec<A>>
where
    J: Send,
    A: Send,
{
    let jobs = Mutex::new(jobs.enumerate());
    let answers = Mutex::new(Vec::new());
    let failed = AtomicBool::new(false);
    let run = || {
        let mut state = state();
        while !failed.load(Relaxed) {
            // A lock is poisoned only if another thread panics, which also ends this call.
            let Some((number, job)) = jobs.lock().expect("no panic").next() else { break };
            let answer = work(&mut state, job);
            failed.fetch_or(answer.is_err(), Relaxed);
            answers.lock().expect("no panic").push((number, answer));
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        run();
        for other in others {
            // A panic goes on with its own message.
            other.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        }
    });
    let mut answers = answers.into_inner().expect("no panic");
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_jobs() {
        for threads in [1, 2, 7] {
            let squares = each(threads, 0..100, || (), |(), job| Ok(job * job)).unwrap();
            assert!(squares.into_iter().eq((0..100).map(|job| job * job)));
        }
    }

    #[test]
    fn the_error_of_the_first_job_is_returned_for_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let work = |(): &mut (), job: usize| match job % 10 {
                9 => Err(anyhow::anyhow!("job {job}")),
                _ => Ok(()),
            };
            let error = each(threads, 0..100, || (), work).unwrap_err();
            assert_eq!(error.to_string(), "job 9");
        }
    }
}
