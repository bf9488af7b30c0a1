//! From a spec to a record: plan, execute, resume.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use coherence_train::collective::Collective;

use crate::made::{Sitting, made, wall_seconds};
use crate::memory;
use crate::record::{Header, Record};
use crate::scale::Scale;
use crate::spec::{Experiment, limits};

mod bound;
mod cost;
mod data;
mod difficulty;
mod error;
mod metrics;
mod plan;
mod pool;
mod pretraining;
mod run_file;
mod single;
mod training;
pub mod worked;

pub use cost::{Cost, cost};
pub use data::noisy;
pub use error::RunError;
pub use plan::{OF_SEEDS, PlannedRun, plan};
pub use pool::{TooManyWorkers, Workers};

/// How experiments are run.
#[derive(Debug)]
pub struct Options<'a> {
    /// Scale.
    pub scale: Scale,
    /// Run folders are `out/<experiment>/<cell>/seed-<n>/`.
    pub out: PathBuf,
    /// The first n seeds instead of the experiment's own number.
    pub seeds: Option<u64>,
    /// Runs at a time and threads for each.
    pub workers: Workers,
    /// Raised to stop: every run saves and ends.
    pub stop: &'a AtomicBool,
    /// This process among those that share the runs and have one folder: process r of P trains runs r, P + r and so
    /// on, and all gather the same record.
    pub processes: Arc<dyn Collective>,
}

/// Receives the progress of an experiment; called from several threads.
pub trait Watch: Sync {
    /// An experiment begins, with so many runs of so many steps together.
    fn begin(&self, experiment: &Experiment, runs: usize, steps: u64);
    /// So many more steps are done (or were done in an earlier sitting).
    fn advance(&self, steps: u64);
    /// The experiment has ended, whether it is complete or not.
    fn end(&self);
}

/// Runs what is not yet finished of an experiment and gathers its rows.
///
/// # Errors
///
/// The first [`RunError`] in the order of the plan; the other runs are finished all the same and
/// are not repeated next time. [`RunError::Interrupted`] when `stop` was raised.
pub fn run(
    experiment: &Experiment,
    options: &Options,
    watch: &dyn Watch,
) -> Result<Record, RunError> {
    let Some(worked) = &experiment.worked else {
        return train(experiment, options, watch);
    };
    watch.begin(experiment, 1, worked.steps);
    let clock = Instant::now();
    let mut sitting = Sitting::begin(1);
    let rows = worked::rows(worked, options.stop).ok_or(RunError::Interrupted);
    sitting.end(clock);
    watch.advance(worked.steps);
    watch.end();
    let header = header(experiment, options.scale, Vec::new(), &[vec![sitting]]);
    Ok(Record { header, rows: rows? })
}

fn train(
    experiment: &Experiment,
    options: &Options,
    watch: &dyn Watch,
) -> Result<Record, RunError> {
    let runs = plan(experiment, options.scale, options.seeds);
    if limits::RUNS < runs.len() {
        let (found, most) = (runs.len(), limits::RUNS);
        let reason = format!("{found} runs, and {most} are the most: ask for fewer seeds");
        return Err(RunError::Settings { run: experiment.id.to_string(), reason });
    }
    let stages = [difficulty::earlier(&runs), runs];
    let all = stages.concat();
    check_memory(experiment, &all, options.workers)?;
    watch.begin(experiment, all.len(), all.iter().map(|run| run.settings.steps).sum());
    let done: Result<Vec<_>, _> = stages.iter().map(|runs| execute(runs, options, watch)).collect();
    watch.end();
    let sittings: Vec<Vec<Sitting>> = done?.concat();
    let [_, runs] = stages;

    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.dedup();
    let header = header(experiment, options.scale, seeds, &sittings);
    let rows = metrics::gather(&runs, &options.out)?;
    Ok(Record { header, rows })
}

/// Executes runs side by side; the next stage needs all of them.
fn execute(
    runs: &[PlannedRun],
    options: &Options,
    watch: &dyn Watch,
) -> Result<Vec<Vec<Sitting>>, RunError> {
    let (size, rank) = (options.processes.size(), options.processes.rank());
    let train = |run: &PlannedRun, advance: &dyn Fn(u64)| {
        training::execute(run, &options.out, options.stop, advance)
    };
    let own: Vec<&PlannedRun> = runs.iter().skip(rank).step_by(size).collect();
    let done = options.workers.map(&own, |run| train(run, &|steps| watch.advance(steps)));
    let done: Result<Vec<_>, _> = done.into_iter().collect();
    if size == 1 {
        return done;
    }
    if options.processes.any(done.is_err()) {
        done?;
        return Err(RunError::Elsewhere);
    }
    // All are finished now: their sittings are read from their folders.
    let read = |(index, run)| {
        let is_own = index % size == rank;
        train(run, &|steps| watch.advance(if is_own { 0 } else { steps }))
    };
    runs.iter().enumerate().map(read).collect()
}

/// Refuses runs that do not fit in memory side by side, before anything is allocated.
fn check_memory(
    experiment: &Experiment,
    runs: &[PlannedRun],
    workers: Workers,
) -> Result<(), RunError> {
    let mut needs: Vec<u64> = runs.iter().map(training::memory).collect();
    needs.sort_unstable_by(|a, b| b.cmp(a));
    let jobs = workers.jobs.min(runs.len());
    let needed = needs[..jobs].iter().copied().fold(0, u64::saturating_add);
    let what = format!("{} with {jobs} of its runs at a time (--jobs)", experiment.id);
    Ok(memory::check(&what, needed)?)
}

fn header(
    experiment: &Experiment,
    scale: Scale,
    seeds: Vec<u64>,
    sittings: &[Vec<Sitting>],
) -> Header {
    Header {
        experiment: experiment.id.clone(),
        scale,
        seeds,
        wall_seconds: wall_seconds(sittings.iter().flatten()),
        axes: experiment.axes(scale),
        settings: experiment.settings(scale),
        made: made(sittings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Library;

    #[test]
    fn runs_that_do_not_fit_in_memory_side_by_side_are_refused() {
        let mut experiment = Library::Embedded.load("C1").unwrap();
        let workers = Workers { jobs: 1000, threads: 1 };
        let mut check = |hidden: &[usize], workers| {
            let smoke = experiment.scales.get_mut(&Scale::Smoke).unwrap();
            smoke.hidden = hidden.to_vec();
            check_memory(&experiment, &plan(&experiment, Scale::Smoke, Some(200)), workers)
        };
        check(&[64], Workers { jobs: 1, threads: 1 }).unwrap();
        // 885 million parameters in 1,000 runs: 7 TB.
        let error = check(&[1_000_000, 100], workers).unwrap_err().to_string();
        assert!(error.contains("C1 with 1000 of its runs at a time (--jobs) needs"), "{error}");
        assert!(error.contains("TiB of memory"), "{error}");
    }
}
