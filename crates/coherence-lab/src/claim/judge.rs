//! Verdicts: what the seeds' values say about a claim.
//!
//! Every measurement (a cell, or a pair of neighbours of an ordering) is tested in both directions,
//! and each direction is corrected for the number of measurements by Holm's method at 2.5 %. A
//! measurement holds when the hypothesis that it is violated is rejected, and fails when the
//! hypothesis that it is satisfied is.

use super::evidence::{Evidence, SEEDS_NEEDED};
use super::measure::Scope;
use super::value::Value;
use super::{Bound, Claim, Read, Timing};
use crate::cell::{Cell, Setting};
use crate::interval::Interval;
use crate::record::Record;
use crate::statistics::binomial::Outcomes;
use crate::statistics::holm;
use crate::summary::{CellVerdict, ClaimSummary, Verdict};

/// One-sided level: a 95 % interval leaves out 2.5 % on either side.
const LEVEL: f64 = 0.025;

/// Judges one claim of a record's experiment, at the record's scale.
pub fn judge(claim: &Claim, record: &Record) -> ClaimSummary {
    let header = &record.header;
    let mut summary = claim.unjudged(&header.experiment);
    summary.timing = Timing::new(claim.written, &header.made, &header.seeds);
    if !claim.applies_at(header.scale) {
        summary.verdict = Verdict::NotApplicable;
        summary.reason.clone_from(&claim.otherwise);
        return summary;
    }
    let random = !header.seeds.is_empty();
    let measured: Vec<Measured> =
        claim.measured(record).into_iter().map(|m| m.with_evidence(claim, random)).collect();
    let verdicts = verdicts(claim, &measured);
    summary.verdict = overall(&verdicts);
    summary.reason = too_few_seeds(header.seeds.len());
    if summary.verdict == Verdict::Undecided {
        summary.seeds_to_decide = seeds(claim, &measured, &verdicts);
    }
    summary.measurements =
        measured.into_iter().zip(verdicts).map(|(m, verdict)| m.summary(verdict)).collect();
    summary
}

fn too_few_seeds(n: usize) -> Option<String> {
    let too_few = 0 < n && n < SEEDS_NEEDED;
    too_few.then(|| format!("{n} of the {SEEDS_NEEDED} seeds that a decision needs"))
}

/// The worst verdict; a claim without any measurement was not measured.
fn overall(verdicts: &[Verdict]) -> Verdict {
    Verdict::ALL.into_iter().find(|v| verdicts.contains(v)).unwrap_or(Verdict::NotMeasured)
}

/// The verdict of each measurement; those without values do not count in the correction.
fn verdicts(claim: &Claim, measured: &[Measured]) -> Vec<Verdict> {
    let p = |m: &Measured| m.evidence.as_ref().map(|evidence| evidence.p_values(&claim.expect));
    let p: Vec<_> = measured.iter().map(p).collect();
    let violated: Vec<f64> = p.iter().flatten().map(|p| p.violated).collect();
    let satisfied: Vec<f64> = p.iter().flatten().map(|p| p.satisfied).collect();
    let mut decided = holm::rejected(&violated, LEVEL)
        .into_iter()
        .zip(holm::rejected(&satisfied, LEVEL))
        .map(|decided| match (decided, claim.bound) {
            ((true, _), _) => Verdict::Holds,
            ((_, true), Bound::Paper) => Verdict::Fails,
            ((_, true), Bound::Ours) => Verdict::NotShown,
            _ => Verdict::Undecided,
        });
    let verdict = |p: &Option<_>| match p {
        Some(_) => decided.next().unwrap_or(Verdict::Undecided),
        None => Verdict::NotMeasured,
    };
    p.iter().map(verdict).collect()
}

/// The most seeds that an undecided measurement needs, at the strictest level of the correction.
fn seeds(claim: &Claim, measured: &[Measured], verdicts: &[Verdict]) -> Option<usize> {
    let level = LEVEL / measured.len() as f64;
    let undecided = measured.iter().zip(verdicts).filter(|(_, v)| **v == Verdict::Undecided);
    let needs = undecided.filter_map(|(m, _)| m.evidence.as_ref());
    let needs: Option<Vec<usize>> =
        needs.map(|evidence| evidence.seeds_to_decide(&claim.expect, level)).collect();
    needs.and_then(|needs| needs.into_iter().max())
}

/// One measurement before it is judged.
struct Measured {
    label: String,
    /// One value a seed, or why there is none.
    values: Result<Vec<Value>, String>,
    evidence: Option<Evidence>,
    interval: Option<Interval>,
    count: Option<Outcomes>,
    reads: Vec<Read>,
}

impl Claim {
    /// The summary of a claim that nothing is known about.
    pub(crate) fn unjudged(&self, experiment: &str) -> ClaimSummary {
        ClaimSummary {
            id: format!("{experiment}.{}", self.id),
            statement: self.statement.clone(),
            quote: self.quote.clone(),
            source: self.source.clone(),
            condition: self.condition(),
            quantity: self.quantity.clone(),
            expect: self.expect.clone(),
            bound: self.bound,
            written: self.written.to_string(),
            changed: self.changed.clone(),
            timing: None,
            verdict: Verdict::NotMeasured,
            reason: None,
            seeds_to_decide: None,
            measurements: Vec::new(),
        }
    }

    fn measured(&self, record: &Record) -> Vec<Measured> {
        let cells = self.cells(&record.header.axes);
        if self.pool {
            return vec![self.pooled(record, &cells)];
        }
        match self.along() {
            None => cells.iter().map(|cell| self.in_cell(record, cell)).collect(),
            Some(axis) => {
                let steps = along(record, axis).windows(2);
                let pairs = steps.flat_map(|pair| cells.iter().map(move |cell| (cell, pair)));
                pairs.map(|(cell, pair)| self.between(record, axis, cell, pair)).collect()
            }
        }
    }

    fn in_cell(&self, record: &Record, cell: &Cell) -> Measured {
        let value = |&seed: &u64| Scope { record, cell, seed }.measure(&self.quantity);
        let values = record.seeds().iter().map(value).collect();
        Measured::new(cell.to_string(), values).with_reads(self.reads(record, cell))
    }

    /// The quantity at the second value of the axis minus that at the first, seed by seed.
    fn between(&self, record: &Record, axis: &str, cell: &Cell, pair: &[Setting]) -> Measured {
        let (from, to) = (cell.with(axis, &pair[0]), cell.with(axis, &pair[1]));
        let at = |cell, seed| Scope { record, cell, seed }.measure(&self.quantity);
        let value = |&seed: &u64| {
            Ok(at(&to, seed)?.combine(super::formula::Operator::Minus, at(&from, seed)?))
        };
        let values = record.seeds().iter().map(value).collect();
        let reads = [self.reads(record, &from), self.reads(record, &to)].concat();
        Measured::new(format!("({to}) - ({from})"), values).with_reads(reads)
    }

    /// What is read in a cell, which is the same for every seed.
    fn reads(&self, record: &Record, cell: &Cell) -> Vec<Read> {
        Scope { record, cell, seed: record.seeds()[0] }.reads(&self.quantity)
    }

    /// For each seed the share of the cells with the outcome yes.
    fn pooled(&self, record: &Record, cells: &[Cell]) -> Measured {
        let of_seed = |&seed: &u64| {
            let value = |cell| Scope { record, cell, seed }.measure(&self.quantity);
            let outcomes: Vec<Value> = cells.iter().map(value).collect::<Result<_, _>>()?;
            let known: Option<f64> = outcomes.iter().map(|outcome| outcome.exact()).sum();
            let yes = known.ok_or_else(|| format!("seed {seed}: an outcome is not known"))?;
            Ok(Value::Exact(yes / cells.len() as f64))
        };
        let label = format!("{} cells", cells.len());
        Measured::new(label, record.seeds().iter().map(of_seed).collect())
    }
}

/// The values along which an ordering walks: those of the record's axis.
fn along<'a>(record: &'a Record, axis: &str) -> &'a [Setting] {
    let found = record.header.axes.iter().find(|known| known.name == axis);
    found.map_or(&[], |axis| &axis.values)
}

impl Measured {
    fn new(label: String, values: Result<Vec<Value>, String>) -> Self {
        Self { label, values, evidence: None, interval: None, count: None, reads: Vec::new() }
    }

    fn with_reads(self, reads: Vec<Read>) -> Self {
        Self { reads, ..self }
    }

    fn with_evidence(mut self, claim: &Claim, random: bool) -> Self {
        let Ok(values) = &self.values else { return self };
        let exact: Option<Vec<f64>> = values.iter().map(|value| value.exact()).collect();
        let outcome = claim.quantity.is_outcome() && !claim.pool;
        (self.evidence, self.interval) = match (exact, values.as_slice()) {
            (Some(exact), [Value::Exact(value)]) if !random => {
                (Some(Evidence::Exact(*value)), Interval::from_values(&exact))
            }
            (Some(exact), _) if outcome => {
                let yes = exact.iter().filter(|&&value| value == 1.0).count() as u64;
                let outcomes = Outcomes { n: exact.len() as u64, yes };
                self.count = Some(outcomes);
                (Some(Evidence::Outcomes(outcomes)), Interval::from_outcomes(outcomes))
            }
            (Some(exact), _) => {
                let interval = Interval::from_values(&exact);
                (Some(Evidence::Sample(exact)), interval)
            }
            (None, values) => (Some(Evidence::Ranges(values.to_vec())), None),
        };
        self
    }

    fn summary(self, verdict: Verdict) -> CellVerdict {
        let (values, reason) = match self.values {
            Ok(values) => (values, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        let count = self.count.map(|outcomes| outcomes.yes);
        let Self { label, interval, reads, .. } = self;
        CellVerdict { label, values, count, interval, verdict, reason, reads }
    }
}
