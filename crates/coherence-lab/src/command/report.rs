//! `coherence report`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;

use crate::id::Id;
use crate::record::Record;
use crate::run::OF_SEEDS;
use crate::spec::Library;
use crate::summarize::{Ran, summarize, write};

use super::experiments::Experiments;
use super::sitting::conclude;
use crate::output::Status;

/// Judge committed records anew and write a report from them
///
/// Nothing is run. Of several records of an experiment the one of the largest scale is reported; two of
/// the same scale are refused. The report has the verdicts on the repository's own records of other scales
/// beside them.
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
        let library = self.experiments.library();
        let mut ran: BTreeMap<Id, Ran> = BTreeMap::new();
        for path in &self.records {
            let found = judged(path, &library)?;
            let (id, scale) = (found.experiment.id.clone(), found.scale);
            let known = ran.get(&id).map(|known| known.scale);
            ensure!(
                known != Some(scale),
                "{} is a second record of {id} at scale {scale}: give one of them",
                path.display()
            );
            if known < Some(scale) {
                ran.insert(id, found);
            }
        }
        let ran: Vec<Ran> = ran.into_values().collect();
        let summary = summarize(&ran);
        let report = write(&self.out, &summary, ran)?;
        conclude(self.json, self.strict, &summary, &report)
    }
}

/// A record with its experiment, whose settings must be those that it was made with.
fn judged(path: &Path, library: &Library) -> anyhow::Result<Ran> {
    let record = Record::load(path)?;
    let (id, scale) = (&record.header.experiment, record.header.scale);
    let experiment = library.load(id)?;
    ensure!(
        of_results(&record.header.settings) == of_results(&experiment.settings(scale)),
        "{} was made with other settings than those of {id} at scale {scale} in {library}; \
         --experiments names another folder",
        path.display()
    );
    Ok(Ran { experiment, scale, record: Ok(record) })
}

/// The settings but for those that say which seeds are run and what is recorded: they change no value of
/// a record, which keeps its seeds when the experiment goes on to others.
fn of_results(settings: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut settings = settings.clone();
    settings.retain(|name, _| !OF_SEEDS.contains(&name.as_str()) && name != "watch");
    settings
}
