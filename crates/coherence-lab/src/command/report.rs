//! `coherence report`.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

use coherence_lab::record::Record;
use coherence_lab::summarize::{Ran, summarize, write};

use super::experiments::Experiments;
use super::sitting::conclude;
use crate::output::Status;

/// Judge committed records anew and write a report from them
///
/// Nothing is run. The records must be of one scale, each of another experiment. Exit status as for
/// `reproduce`: 0 when every claim that applies holds, 1 when one fails or is undecided, 2 when one
/// was not measured.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Records, for example records/C8/desk-2026-11-22-some-machine.csv
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    /// Folder of summary.json, report.html and copies of the records
    #[arg(long, value_name = "DIR", default_value = "target/report")]
    out: PathBuf,
    #[command(flatten)]
    experiments: Experiments,
    /// Print the summary as JSON instead of the table of claims
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let records: Vec<Record> =
            self.records.iter().map(|path| Record::load(path)).collect::<Result<_, _>>()?;
        let scale = records.first().context("no records")?.header.scale;
        let library = self.experiments.library();
        let mut ran: Vec<Ran> = Vec::new();
        for (path, record) in self.records.iter().zip(records) {
            let (header, path) = (&record.header, path.display());
            ensure!(
                header.scale == scale,
                "{path} is of scale {}, the first of {scale}",
                header.scale
            );
            let id = header.experiment.clone();
            ensure!(ran.iter().all(|(e, _)| e.id != id), "{path} is a second record of {id}");
            let experiment = library.load(&id)?;
            ensure!(
                header.settings == experiment.settings(scale),
                "{path} was made with other settings than those of {id} at scale {scale} in \
                 {library}; --experiments names another folder"
            );
            ran.push((experiment, Ok(record)));
        }
        ran.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        let summary = summarize(scale, &ran);
        let report = write(&self.out, &summary, ran)?;
        conclude(self.json, &summary, &report)
    }
}
