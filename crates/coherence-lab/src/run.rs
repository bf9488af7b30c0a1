//! From a spec to a record: plan, execute, resume.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::record::{Header, Record};
use crate::scale::Scale;
use crate::spec::Experiment;

mod data;
mod echo;
mod error;
mod metrics;
mod plan;
mod pool;
mod training;
pub mod worked;

pub use data::noisy;
pub use error::RunError;
pub use plan::{Run, plan};
pub use pool::Workers;

/// How experiments are run.
#[derive(Debug)]
pub struct Options<'a> {
    /// Scale.
    pub scale: Scale,
    /// Run folders are `out/<experiment>/<cell>/seed-<n>/`.
    pub out: PathBuf,
    /// Seeds 1 … n instead of the experiment's own number.
    pub seeds: Option<u64>,
    /// Runs at a time and threads for each.
    pub workers: Workers,
    /// Raised to stop: every run saves and ends.
    pub stop: &'a AtomicBool,
}

/// Is told how far an experiment is; called from several threads.
pub trait Watch: Sync {
    /// An experiment of so many steps begins.
    fn begin(&self, experiment: &Experiment, steps: u64);
    /// So many more steps are done (or were done in an earlier sitting).
    fn advance(&self, steps: u64);
    /// The experiment is over.
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
    watch.begin(experiment, worked.steps);
    let started = Instant::now();
    let rows = worked::rows(worked);
    let mut header = header(experiment, options.scale, Vec::new());
    header.wall_seconds = started.elapsed().as_secs_f64();
    watch.end();
    Ok(Record { header, rows })
}

fn train(
    experiment: &Experiment,
    options: &Options,
    watch: &dyn Watch,
) -> Result<Record, RunError> {
    let runs = plan(experiment, options.scale, options.seeds);
    watch.begin(experiment, runs.iter().map(|run| run.settings.steps).sum());
    let done = options.workers.map(&runs, |run| {
        training::execute(run, &options.out, options.stop, &|steps| watch.advance(steps))
    });
    watch.end();
    let seconds: Vec<f64> = done.into_iter().collect::<Result<_, _>>()?;

    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.dedup();
    let mut header = header(experiment, options.scale, seeds);
    header.wall_seconds = seconds.iter().sum::<f64>() / options.workers.jobs as f64;
    let rows = metrics::gather(&runs, &options.out)?;
    Ok(Record { header, rows })
}

fn header(experiment: &Experiment, scale: Scale, seeds: Vec<u64>) -> Header {
    Header {
        experiment: experiment.id.clone(),
        scale,
        seeds,
        date: today(),
        wall_seconds: 0.0,
        axes: experiment.axes(scale),
        settings: experiment.settings(scale),
        machine: crate::machine::Machine::here(),
    }
}

/// Today, ISO 8601, in universal time.
pub fn today() -> String {
    jiff::Timestamp::now().to_string()[..10].to_owned()
}

/// Where an experiment's record lies under `out`.
pub fn record_path(out: &Path, id: &str) -> PathBuf {
    out.join("records").join(format!("{id}.csv"))
}
