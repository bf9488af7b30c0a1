//! From a spec to a record: plan, execute, resume.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use coherence_nn::device::{Cpu, Device};
use coherence_train::collective::Collective;

use crate::made::{Sitting, made, wall_seconds};
use crate::memory::Needed;
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
mod timing;
mod training;
mod trial;
pub mod worked;

pub use cost::{Cost, cost};
pub use data::noisy;
pub use error::RunError;
pub use plan::{OF_SEEDS, PlannedRun, plan};
pub use pool::{ThreadsError, TooManyWorkers, Workers, check_threads};
pub use trial::{Change, Changed, Trial, Tried};

/// How experiments are run.
#[derive(Debug)]
pub struct Options<'a, D: Device<f32> = Cpu> {
    /// Scale.
    pub scale: Scale,
    /// Run folders are `out/<experiment>/<cell>/seed-<n>/`.
    pub out: PathBuf,
    /// The first n seeds instead of the experiment's own number.
    pub seeds: Option<u64>,
    /// Runs at a time and threads for each.
    pub workers: Workers,
    /// Where networks are trained and measured: each run that goes at the same time has a queue of its own there.
    pub device: D,
    /// Raised to stop: every run saves and ends. A run that panics raises it for the others.
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

/// Runs what is not yet finished of an experiment and gathers its rows. A worked example has no network and is
/// computed on the processor.
///
/// # Errors
///
/// The first [`RunError`] in the order of the plan; the other runs are finished all the same and
/// are not repeated next time. [`RunError::Interrupted`] when `stop` was raised.
///
/// # Panics
///
/// With the message of the device if it fails. The other runs save and end before.
pub fn run<D: Device<f32>>(
    experiment: &Experiment,
    options: &Options<'_, D>,
    watch: &dyn Watch,
) -> Result<Record, RunError> {
    let Some(worked) = &experiment.worked else {
        return train(experiment, options, watch);
    };
    watch.begin(experiment, 1, worked.steps);
    let clock = Instant::now();
    let mut sitting = Sitting::begin(1, None);
    let rows = worked::rows(worked, options.stop).ok_or(RunError::Interrupted);
    sitting.end(clock);
    watch.advance(worked.steps);
    watch.end();
    let header = header(experiment, options.scale, Vec::new(), &[vec![sitting]]);
    Ok(Record { header, rows: rows? })
}

fn train<D: Device<f32>>(
    experiment: &Experiment,
    options: &Options<'_, D>,
    watch: &dyn Watch,
) -> Result<Record, RunError> {
    let runs = plan(experiment, options.scale, options.seeds);
    if limits::RUNS < runs.len() {
        let (found, most) = (runs.len(), limits::RUNS);
        let reason = format!("{found} runs, and {most} are the most: ask for fewer seeds");
        return Err(RunError::Settings { run: experiment.id.to_string(), reason });
    }
    let sittings = complete(experiment, &runs, options, watch)?;
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.dedup();
    let header = header(experiment, options.scale, seeds, &sittings);
    let rows = metrics::gather(&runs, &options.out)?;
    Ok(Record { header, rows })
}

/// Executes `runs`, and before them those that find the difficulty of their examples; their sittings in this order.
fn complete<D: Device<f32>>(
    experiment: &Experiment,
    runs: &[PlannedRun],
    options: &Options<'_, D>,
    watch: &dyn Watch,
) -> Result<Vec<Vec<Sitting>>, RunError> {
    let stages = [&difficulty::earlier(runs)[..], runs];
    let all = stages.concat();
    let workers = fitting(experiment, &all, options.workers, &options.device)?;
    watch.begin(experiment, all.len(), all.iter().map(|run| run.settings.steps).sum());
    let done: Result<Vec<_>, _> =
        stages.into_iter().map(|runs| execute(runs, workers, options, watch)).collect();
    watch.end();
    Ok(done?.concat())
}

/// Executes runs side by side; the next stage needs all of them.
fn execute<D: Device<f32>>(
    runs: &[PlannedRun],
    workers: Workers,
    options: &Options<'_, D>,
    watch: &dyn Watch,
) -> Result<Vec<Vec<Sitting>>, RunError> {
    let (size, rank) = (options.processes.size(), options.processes.rank());
    let train = |device: &D, run: &PlannedRun, advance: &dyn Fn(u64)| {
        training::execute(device, run, &options.out, options.stop, advance)
    };
    let own: Vec<&PlannedRun> = runs.iter().skip(rank).step_by(size).collect();
    let done = workers.map(&options.device, options.stop, &own, |device, run| {
        train(device, run, &|steps| watch.advance(steps))
    });
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
        train(&options.device, run, &|steps| watch.advance(if is_own { 0 } else { steps }))
    };
    runs.iter().enumerate().map(read).collect()
}

/// As many of the `workers` as the runs fit in memory side by side, before anything is allocated.
///
/// # Errors
///
/// [`RunError::Memory`] if they do not fit, and may not be fewer or are one.
fn fitting<D: Device<f32>>(
    experiment: &Experiment,
    runs: &[PlannedRun],
    workers: Workers,
    device: &D,
) -> Result<Workers, RunError> {
    let mut needs: Vec<Needed> = runs.iter().map(training::memory::<D>).collect();
    needs.sort_unstable_by_key(|needed| Reverse(needed.total()));
    let check = |jobs: usize| {
        let needed = needs.iter().take(jobs).copied().fold(Needed::default(), Needed::plus);
        let what = format!("{} with {jobs} of its runs at a time (--jobs)", experiment.id);
        needed.check(&what, device)
    };
    let mut jobs = workers.jobs.min(runs.len());
    let mut checked = check(jobs);
    while checked.is_err() && workers.may_be_fewer && jobs > 1 {
        jobs -= 1;
        checked = check(jobs);
    }
    checked?;
    Ok(Workers { jobs, ..workers })
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
    fn runs_that_do_not_fit_in_memory_side_by_side_are_fewer_or_refused() {
        let mut experiment = Library::Embedded.load("C1").unwrap();
        let one = Workers { jobs: 1, threads: 1, may_be_fewer: false };
        let many = Workers { jobs: 1000, ..one };
        let mut check = |hidden: &[usize], workers| {
            let smoke = experiment.scales.get_mut(&Scale::Smoke).unwrap();
            smoke.hidden = hidden.to_vec();
            let runs = plan(&experiment, Scale::Smoke, Some(200));
            fitting(&experiment, &runs, workers, &Cpu::detect())
        };
        assert_eq!(check(&[64], one).unwrap(), one);
        // 885 million parameters in 1,000 runs: 7 TB.
        let error = check(&[1_000_000, 100], many).unwrap_err().to_string();
        assert!(error.contains("C1 with 1000 of its runs at a time (--jobs) needs"), "{error}");
        assert!(error.contains("TiB of memory"), "{error}");
        // 24 million parameters in 1,000 runs: 0.8 TB.
        let fewer = check(&[30_000], Workers { may_be_fewer: true, ..many }).unwrap();
        assert!((1..1000).contains(&fewer.jobs), "{fewer:?}");
    }
}
