//! From experiments and records to a summary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coherence_data::files::{WriteError, write_atomically};
use thiserror::Error;

use crate::claim::{Claim, judge};
use crate::id::Id;
use crate::machine::Machine;
use crate::made::today;
use crate::record::{Record, RecordError, path_under};
use crate::report;
use crate::scale::Scale;
use crate::spec::{Experiment, Training};
use crate::summary::{ClaimSummary, ExperimentSummary, Summary};

/// An experiment with its record at a scale, or with the reason why it has none.
#[derive(Debug)]
pub struct Ran {
    /// The experiment.
    pub experiment: Experiment,
    /// The scale at which it ran.
    pub scale: Scale,
    /// What was measured.
    pub record: Result<Record, String>,
}

/// Why a summary, a report or its records could not be written.
#[derive(Debug, Error)]
pub enum WriteAllError {
    /// A record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The summary or the report.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Judges every claim of every experiment.
pub fn summarize(ran: &[Ran]) -> Summary {
    let experiments: Vec<ExperimentSummary> = ran.iter().map(summary).collect();
    Summary {
        date: today(),
        machine: Machine::detect(),
        wall_seconds: experiments.iter().map(|experiment| experiment.wall_seconds).sum(),
        experiments,
    }
}

fn summary(ran: &Ran) -> ExperimentSummary {
    let Ran { experiment, scale, record } = ran;
    let header = record.as_ref().ok().map(|record| &record.header);
    let claim = |claim: &Claim| match record {
        Ok(record) => judge(claim, record),
        Err(reason) => unmeasured(&experiment.id, claim, reason),
    };
    ExperimentSummary {
        id: experiment.id.clone(),
        scale: *scale,
        title: experiment.title.clone(),
        source: experiment.source.clone(),
        statement: experiment.statement.clone(),
        deviations: experiment.deviations.clone(),
        analysis: experiment.analysis.clone(),
        settings: experiment.settings(*scale),
        axes: experiment.axes(*scale),
        epoch: experiment.scales.get(scale).and_then(Training::steps_of_epoch),
        seeds: header.map_or_else(Vec::new, |header| header.seeds.clone()),
        wall_seconds: header.map_or(0.0, |header| header.wall_seconds),
        made: header.map_or_else(Vec::new, |header| header.made.clone()),
        record: header.map(|_| path_under(Path::new(""), &experiment.id).display().to_string()),
        figures: experiment.figures.clone(),
        claims: experiment.claims.iter().map(claim).collect(),
        failure: record.as_ref().err().cloned(),
    }
}

/// A claim of an experiment that did not run: nothing is known about it.
fn unmeasured(experiment: &str, claim: &Claim, reason: &str) -> ClaimSummary {
    ClaimSummary { reason: Some(reason.to_owned()), ..claim.unjudged(experiment) }
}

/// Writes `summary.json`, `report.html` and `records/` into `out`; returns the report's path.
pub fn write(out: &Path, summary: &Summary, ran: Vec<Ran>) -> Result<PathBuf, WriteAllError> {
    let measured =
        ran.into_iter().filter_map(|ran| ran.record.ok().map(|record| (ran.experiment.id, record)));
    let records: BTreeMap<Id, Record> = measured.collect();
    for (id, record) in &records {
        record.save(&path_under(out, id))?;
    }
    let json = serde_json::to_string_pretty(summary).expect("a summary is plain data");
    write_atomically(&out.join("summary.json"), |to| writeln!(to, "{json}"))?;
    let report = out.join("report.html");
    let html = report::html(summary, &records);
    write_atomically(&report, |to| to.write_all(html.as_bytes()))?;
    Ok(report)
}
