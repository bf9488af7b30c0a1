//! The summary of a reproduction: what `summary.json` holds and what the report and the table show.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::cell::Axis;
use crate::claim::{Bound, Expect, Quantity, Read, Timing, Value};
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
    /// The day on which the claims were judged, ISO 8601.
    pub date: String,
    /// The machine that judged.
    pub machine: Machine,
    /// Seconds of all experiments.
    pub wall_seconds: f64,
    /// By identifier.
    pub experiments: Vec<ExperimentSummary>,
}

impl Summary {
    /// Whether no claim fails.
    pub fn passes(&self) -> bool {
        self.claims().all(|claim| claim.verdict != Verdict::Fails)
    }

    /// Whether every claim that applies holds.
    pub fn holds(&self) -> bool {
        let holds = |v| matches!(v, Verdict::Holds | Verdict::NotApplicable);
        self.claims().all(|claim| holds(claim.verdict))
    }

    /// Whether everything ran to its end and every claim that applies was measured.
    pub fn is_complete(&self) -> bool {
        let ran = self.experiments.iter().all(|experiment| experiment.failure.is_none());
        ran && self.claims().all(|claim| claim.verdict != Verdict::NotMeasured)
    }

    /// The scales of the experiments, the smallest first.
    pub fn scales(&self) -> BTreeSet<Scale> {
        self.experiments.iter().map(|experiment| experiment.scale).collect()
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
    /// Scale.
    pub scale: Scale,
    /// Title.
    pub title: String,
    /// Paper, section and figure.
    pub source: String,
    /// What the paper states, in our words.
    pub statement: String,
    /// Where our protocol departs from the paper's, one sentence each.
    pub deviations: Vec<String>,
    /// What we see in the result: paragraphs, separated by empty lines.
    pub analysis: String,
    /// The settings in force, by name.
    pub settings: BTreeMap<String, String>,
    /// The grid.
    pub axes: Vec<Axis>,
    /// Steps of an epoch, where that is one number for all cells.
    pub epoch: Option<u64>,
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
    /// The claim in our words.
    pub statement: String,
    /// The paper's words.
    pub quote: Option<String>,
    /// Where the paper makes it.
    pub source: String,
    /// The condition in words made from the data, for example `max(train.accuracy): at least 0.999`.
    pub condition: String,
    /// What is measured.
    pub quantity: Quantity,
    /// What it must be.
    pub expect: Expect,
    /// Whose the bound is.
    pub bound: Bound,
    /// The day on which the claim took its present form, ISO 8601.
    pub written: String,
    /// What was changed on that day, and why.
    pub changed: Option<String>,
    /// Whether that was before the data; absent without data and where they depend on no seed.
    pub timing: Option<Timing>,
    /// The verdict over all measurements.
    pub verdict: Verdict,
    /// Why it does not apply, or what could not be measured.
    pub reason: Option<String>,
    /// Seeds that would decide an undecided claim, if mean and spread stay as they are; absent when
    /// a thousand would not.
    pub seeds_to_decide: Option<usize>,
    /// What was measured: one entry a cell, or one a pair of neighbours for an ordering.
    pub measurements: Vec<CellVerdict>,
}

/// One measured quantity of a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellVerdict {
    /// The cell or the pair of cells, for example `noise=25 - noise=0`.
    pub label: String,
    /// One value a seed, in the order of the seeds; of an outcome 1 for yes and 0 for no.
    pub values: Vec<Value>,
    /// Seeds with the outcome yes, where the quantity is an outcome.
    pub count: Option<u64>,
    /// Mean and 95 % interval of the values, without correction for the number of measurements; a
    /// point when there is one value. Absent when a value is censored.
    pub interval: Option<Interval>,
    /// Verdict of this measurement alone, corrected for the number of measurements.
    pub verdict: Verdict,
    /// Why there is no value.
    pub reason: Option<String>,
    /// The points of curves that were read; empty where the outcomes of many cells are counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Read>,
}

/// What became of a claim or of one of its measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every measurement satisfies the bound, and that it does so by chance is ruled out at 2.5 %.
    Holds,
    /// The seeds do not decide.
    Undecided,
    /// A measurement violates a bound that the paper states, and chance is ruled out.
    Fails,
    /// A measurement violates a bound that is ours: the claim is not shown, nor is it refuted.
    NotShown,
    /// The quantity is not in the record: nothing is known about the claim.
    NotMeasured,
    /// The claim does not apply at this scale.
    NotApplicable,
}

impl ClaimSummary {
    /// Number of measurements that hold.
    pub fn holding(&self) -> usize {
        self.measurements.iter().filter(|m| m.verdict == Verdict::Holds).count()
    }
}

impl Verdict {
    /// What a person calls it: `holds`, `not measured`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Undecided => "undecided",
            Self::Fails => "fails",
            Self::NotShown => "not shown",
            Self::NotMeasured => "not measured",
            Self::NotApplicable => "does not apply",
        }
    }

    /// After a number of claims: `3 hold`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Holds => "hold",
            Self::Fails => "fail",
            Self::NotApplicable => "do not apply",
            other => other.words(),
        }
    }

    /// Every verdict, the bad news first: the order in which measurements decide a claim.
    pub const ALL: [Self; 6] = [
        Self::Fails,
        Self::NotMeasured,
        Self::NotShown,
        Self::Undecided,
        Self::Holds,
        Self::NotApplicable,
    ];
}
