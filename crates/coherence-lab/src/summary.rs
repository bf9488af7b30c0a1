//! The summary of a reproduction: what `summary.json` holds and what the report and the table show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cell::Axis;
use crate::figure::Figure;
use crate::id::Id;
use crate::interval::Interval;
use crate::machine::Machine;
use crate::made::Made;
use crate::scale::Scale;

/// A whole reproduction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Scale.
    pub scale: Scale,
    /// Day, ISO 8601.
    pub date: String,
    /// The machine that judged.
    pub machine: Machine,
    /// Seconds of all experiments.
    pub wall_seconds: f64,
    /// By identifier.
    pub experiments: Vec<ExperimentSummary>,
}

impl Summary {
    /// Whether every claim that applies holds.
    pub fn passes(&self) -> bool {
        self.claims().all(|claim| claim.verdict.passes())
    }

    /// Whether everything ran to its end and every claim that applies was measured.
    pub fn is_complete(&self) -> bool {
        let ran = self.experiments.iter().all(|experiment| experiment.failure.is_none());
        ran && self.claims().all(|claim| claim.verdict != Verdict::NotMeasured)
    }

    /// The claims of all experiments.
    pub fn claims(&self) -> impl Iterator<Item = &ClaimSummary> {
        self.experiments.iter().flat_map(|experiment| &experiment.claims)
    }
}

/// One experiment: what the paper says, how it was run, what came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentSummary {
    /// Identifier of the catalogue, for example `C1`.
    pub id: Id,
    /// Title.
    pub title: String,
    /// Paper, section and figure.
    pub source: String,
    /// What the paper states, in its words or nearly.
    pub statement: String,
    /// Where our protocol departs from the paper's, one sentence each.
    pub deviations: Vec<String>,
    /// What we see in the result: paragraphs, separated by empty lines.
    pub analysis: String,
    /// The settings in force, by name.
    pub settings: BTreeMap<String, String>,
    /// The grid.
    pub axes: Vec<Axis>,
    /// Seeds; empty for a worked example.
    pub seeds: Vec<u64>,
    /// Seconds in which any of the runs was at work, whenever that was.
    pub wall_seconds: f64,
    /// What made the record, which may be older than the summary; empty when nothing ran.
    pub made: Vec<Made>,
    /// The record's CSV file, relative to the summary; absent when nothing ran.
    pub record: Option<String>,
    /// Figures to draw from the record.
    pub figures: Vec<Figure>,
    /// Claims and their verdicts.
    pub claims: Vec<ClaimSummary>,
    /// Why the experiment could not run to its end.
    pub failure: Option<String>,
}

/// One claim, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimSummary {
    /// Identifier, for example `C1.fits`.
    pub id: String,
    /// The claim in words.
    pub statement: String,
    /// Where the paper makes it.
    pub source: String,
    /// The condition in words made from the data, for example `train.accuracy, largest: at least 0.999`.
    pub condition: String,
    /// The verdict over all measurements.
    pub verdict: Verdict,
    /// Why it does not apply, or what could not be measured.
    pub reason: Option<String>,
    /// What was measured: one entry a cell, or one a pair of neighbours for an ordering.
    pub measurements: Vec<Measurement>,
}

/// One measured quantity of a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The cell or the pair of cells, for example `noise=25 - noise=0`.
    pub label: String,
    /// One value a seed, in the order of the seeds.
    pub values: Vec<f64>,
    /// Mean and 95 % interval of the values; a point when there is one value.
    pub interval: Option<Interval>,
    /// Verdict of this measurement alone.
    pub verdict: Verdict,
    /// Why there is no value, for example `seed 2 never reached 0.9`.
    pub reason: Option<String>,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole 95 % interval satisfies the bound.
    Holds,
    /// The interval straddles the bound: the seeds do not decide.
    Undecided,
    /// The whole interval violates the bound, or a level was never reached.
    Fails,
    /// The quantity is not in the record: nothing is known about the claim.
    NotMeasured,
    /// The claim does not apply at this scale.
    NotApplicable,
}

impl Verdict {
    /// Every verdict, the bad news first: the order in which measurements decide a claim.
    pub const ALL: [Self; 5] =
        [Self::Fails, Self::NotMeasured, Self::Undecided, Self::Holds, Self::NotApplicable];

    /// Whether this verdict lets a reproduction end with exit status 0. An undecided claim does
    /// not, and neither does one that was not measured.
    pub fn passes(self) -> bool {
        matches!(self, Self::Holds | Self::NotApplicable)
    }
}
