//! What `run` and `reproduce` share: run experiments, judge, write, say.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::{Args, ValueEnum};

use coherence_lab::record::Record;
use coherence_lab::run::{self, Options, Workers};
use coherence_lab::scale::Scale;
use coherence_lab::spec::Experiment;
use coherence_lab::summarize::{Ran, summarize, write};
use coherence_lab::summary::Summary;

use crate::output::{self, Status};
use crate::watch::Bar;

/// Raised by Ctrl-C and SIGTERM: runs save themselves and end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Options of a sitting.
#[derive(Debug, Args)]
pub(super) struct Sitting {
    /// How big: smoke and quick use the embedded digits, desk the full data sets, paper the
    /// papers' own settings
    #[arg(long, value_enum, default_value_t = Scale::Quick)]
    scale: Scale,
    /// Seeds 1 to N instead of each experiment's own number; claims need at least 3
    #[arg(long, value_name = "N")]
    seeds: Option<NonZero<u64>>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = Device::Cpu)]
    device: Device,
    /// Folder of runs, records, summary.json and report.html [default: target/reproduce/SCALE]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also file the records as DIR/ID/SCALE-DATE-MACHINE.csv
    #[arg(long, value_name = "DIR")]
    records: Option<PathBuf>,
    /// Runs at a time [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Threads of each run [default: the cores that jobs leave]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
    /// Print the summary as JSON instead of the table of claims
    #[arg(long)]
    json: bool,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Device {
    Cpu,
}

impl Sitting {
    pub(super) fn scale(&self) -> Scale {
        self.scale
    }

    /// Runs the experiments, judges their claims, writes everything and prints the result.
    pub(super) fn run(self, experiments: Vec<Experiment>) -> anyhow::Result<Status> {
        ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed))
            .context("cannot watch for Ctrl-C")?;
        let Device::Cpu = self.device;
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| Path::new("target").join("reproduce").join(self.scale.to_string()));
        let options = Options {
            scale: self.scale,
            out: out.clone(),
            seeds: self.seeds.map(u64::from),
            workers: Workers::new(self.jobs, self.threads),
            stop: &STOP,
        };
        let mut ran: Vec<Ran> = Vec::new();
        for experiment in experiments {
            match run::run(&experiment, &options, &Bar::new()) {
                Err(e @ run::RunError::Interrupted) => return Err(e.into()),
                result => ran.push((experiment, result.map_err(|e| e.to_string()))),
            }
        }
        self.file_records(&ran)?;
        let summary = summarize(self.scale, &ran);
        let report = write(&out, &summary, ran)?;
        conclude(self.json, &summary, &report)
    }

    fn file_records(&self, ran: &[Ran]) -> anyhow::Result<()> {
        let Some(folder) = &self.records else { return Ok(()) };
        for (_, record) in ran {
            if let Ok(record) = record {
                record.save(&filed(folder, record))?;
            }
        }
        Ok(())
    }
}

/// `DIR/ID/SCALE-DATE-MACHINE.csv`
fn filed(folder: &Path, record: &Record) -> PathBuf {
    let header = &record.header;
    let name = format!("{}-{}-{}.csv", header.scale, header.date, header.machine.slug());
    folder.join(&header.experiment).join(name)
}

/// Prints the table (or JSON) and where the report is; the status says whether all is well.
pub(super) fn conclude(json: bool, summary: &Summary, report: &Path) -> anyhow::Result<Status> {
    output::result(json, summary)?;
    if !json {
        output::note(&format!("report: {}", report.display()))?;
    }
    Ok(if summary.experiments.iter().any(|experiment| experiment.failure.is_some()) {
        Status::CouldNotRun
    } else if summary.passes() {
        Status::Holds
    } else {
        Status::Fails
    })
}
