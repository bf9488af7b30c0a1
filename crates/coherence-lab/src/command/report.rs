//! `coherence report`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

use coherence_lab::record::Record;
use coherence_lab::run::OF_SEEDS;
use coherence_lab::summarize::{Ran, summarize, write};

use super::experiments::Experiments;
use super::sitting::conclude;
use crate::output::Status;

/// Judge committed records anew and write a report from them
///
/// Nothing is run. The records must be of one scale, each of another experiment.
///
/// Exit status: 0 when no claim fails, 1 when one fails, 2 when something could not run or was not
/// measured. With --strict an undecided claim, or one that is not shown, gives 1 too.
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
    /// An undecided claim, or one that is not shown, gives exit status 1
    #[arg(long)]
    strict: bool,
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
                of_results(&header.settings) == of_results(&experiment.settings(scale)),
                "{path} was made with other settings than those of {id} at scale {scale} in \
                 {library}; --experiments names another folder"
            );
            ran.push((experiment, Ok(record)));
        }
        ran.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        let summary = summarize(scale, &ran);
        let report = write(&self.out, &summary, ran)?;
        conclude(self.json, self.strict, &summary, &report)
    }
}

/// The settings but for those that say which seeds are run and what is recorded: they change no value of
/// a record, which keeps its seeds when the experiment goes on to others.
fn of_results(settings: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut settings = settings.clone();
    settings.retain(|name, _| !OF_SEEDS.contains(&name.as_str()) && name != "watch");
    settings
}
