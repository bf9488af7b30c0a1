//! What `run` and `reproduce` share: run experiments, judge, write, say.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::record::Record;
use crate::run::{self, Options, Workers};
use crate::scale::Scale;
use crate::spec::{Experiment, limits};
use crate::summarize::{Ran, summarize, write};
use crate::summary::Summary;
use coherence_nn::device::Device;
use coherence_train::collective::Collective;

use super::device::{On, Work};
use super::workers::{self, Patience};
use super::{cost, data, interrupt, trial};
use crate::output::{self, Status};
use crate::watch::{self, Progress};

/// Processes that share runs wait for each other as long as runs may take: a week. One that dies ends the others at
/// once.
const PATIENCE: Patience = Patience::with_seconds(7 * 24 * 60 * 60);

/// Options of a sitting.
#[derive(Debug, Args)]
pub(super) struct Sitting {
    /// How big: smoke and quick use the embedded digits, desk the full data sets, paper the
    /// papers' own settings
    #[arg(long, value_enum, default_value_t = Scale::Quick)]
    scale: Scale,
    /// The first N seeds instead of each experiment's own number; claims need at least 3
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=limits::SEEDS))]
    seeds: Option<u64>,
    #[command(flatten)]
    on: On,
    /// Folder of runs, records, summary.json and report.html [default: target/reproduce/SCALE]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also file the records as DIR/ID/SCALE-DATE-MACHINE.csv; the name of a GPU follows that of the machine
    #[arg(long, value_name = "DIR")]
    records: Option<PathBuf>,
    /// Runs at a time, at most one for each core [default: one for each core, as far as they fit in memory]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Threads of each run, at most one for each core [default: the cores that jobs leave]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
    /// Print the summary as JSON instead of the table of claims
    #[arg(long)]
    json: bool,
    /// An undecided claim, or one that is not shown, gives exit status 1
    #[arg(long)]
    strict: bool,
    /// Train nothing; say how many steps, multiply-adds, bytes and core-hours it would take, with the experiment's own
    /// counts. Steps and measurements are timed on images of noise
    #[arg(long)]
    dry_run: bool,
    /// Only see whether all networks start, on the data that are there, however few: lower every count that exceeds
    /// them (examples, mini-batch, probe, …) and take N steps of training [default N: 3, in which rules over three
    /// mini-batches update once], one seed unless --seeds says more. Each change is told on stderr. Nothing is recorded
    /// and no claim is judged; the folders of the runs are in target/trial/SCALE unless --out says otherwise
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "3",
        value_parser = clap::value_parser!(u64).range(1..=limits::STEPS),
        conflicts_with_all = ["records", "strict", "dry_run"]
    )]
    trial: Option<u64>,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

impl Sitting {
    pub(super) fn scale(&self) -> Scale {
        self.scale
    }

    /// Writes a line to stderr, unless it is to be quiet.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            watch::line(text);
        }
    }

    /// Runs the experiments, judges their claims, writes everything and prints the result.
    pub(super) fn run(self, experiments: Vec<Experiment>) -> anyhow::Result<Status> {
        if self.dry_run {
            self.on.needs_processor("the cost of experiments is estimated")?;
        }
        workers::among(PATIENCE, |processes| {
            if self.dry_run {
                return match processes.rank() {
                    0 => {
                        let workers = Workers::new(self.jobs, self.threads)?;
                        cost::print(self.json, &experiments, self.scale, self.seeds, workers)
                    }
                    _ => Ok(Status::Holds),
                };
            }
            self.on.run(Running { sitting: &self, processes, experiments })
        })
    }

    fn run_on<D: Device<f32>>(
        &self,
        device: D,
        processes: Arc<dyn Collective>,
        experiments: Vec<Experiment>,
    ) -> anyhow::Result<Status> {
        let (is_first, is_alone) = (processes.rank() == 0, processes.size() == 1);
        let stop = interrupt::flag()?;
        data::warn_of_wrong_variable();
        let kind = if self.trial.is_some() { "trial" } else { "reproduce" };
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| Path::new("target").join(kind).join(self.scale.to_string()));
        let options = Options {
            scale: self.scale,
            out: out.clone(),
            seeds: self.seeds,
            workers: Workers::new(self.jobs, self.threads)?,
            device,
            stop,
            processes,
        };
        let progress = Progress::new(self.quiet || !is_first);
        if let Some(steps) = self.trial {
            return trial::run(self.json, &experiments, &options, steps, &progress);
        }
        let mut ran: Vec<Ran> = Vec::new();
        for experiment in experiments {
            match run::run(&experiment, &options, &progress) {
                Err(e @ run::RunError::Interrupted) => return Err(e.into()),
                // Processes that share runs go through the experiments together.
                Err(e) if !is_alone => return Err(e.into()),
                result => {
                    let (scale, record) = (self.scale, result.map_err(|e| e.to_string()));
                    ran.push(Ran { experiment, scale, record });
                }
            }
        }
        if !is_first {
            return Ok(Status::Holds);
        }
        self.file_records(&ran)?;
        let summary = summarize(&ran);
        let report = write(&out, &summary, ran)?;
        conclude(self.json, self.strict, &summary, &report)
    }

    fn file_records(&self, ran: &[Ran]) -> anyhow::Result<()> {
        let Some(folder) = &self.records else { return Ok(()) };
        for record in ran.iter().filter_map(|ran| ran.record.as_ref().ok()) {
            record.save(&filed(folder, record))?;
        }
        Ok(())
    }
}

/// The experiments of one of the processes that share them.
struct Running<'a> {
    sitting: &'a Sitting,
    processes: Arc<dyn Collective>,
    experiments: Vec<Experiment>,
}

impl Work for Running<'_> {
    type Output = Status;

    fn on<D: Device<f32>>(self, device: D) -> anyhow::Result<Status> {
        self.sitting.run_on(device, self.processes, self.experiments)
    }
}

/// `DIR/ID/SCALE-DATE-MACHINE.csv`; the name of a GPU follows that of the machine.
fn filed(folder: &Path, record: &Record) -> PathBuf {
    let header = &record.header;
    let last = header.made.last().expect("a record says what made it");
    let name = format!("{}-{}-{}.csv", header.scale, last.last, last.slug());
    folder.join(&*header.experiment).join(name)
}

/// Prints the table (or JSON) and where the report is; the status says whether all is well.
pub(super) fn conclude(
    json: bool,
    strict: bool,
    summary: &Summary,
    report: &Path,
) -> anyhow::Result<Status> {
    output::result(json, summary)?;
    if !json {
        output::note(&format!("report: {}", report.display()))?;
    }
    Ok(if !summary.is_complete() {
        Status::CouldNotRun
    } else if summary.passes() && (!strict || summary.holds()) {
        Status::Holds
    } else {
        Status::Fails
    })
}
