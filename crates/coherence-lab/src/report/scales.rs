//! The table of every claim by scale: what was found here, and on the records of the repository where
//! nothing was run here.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{number, verdict};
use crate::filed::{Filed, FiledClaim, newest};
use crate::scale::Scale;
use crate::spec::Library;
use crate::summary::{ClaimSummary, ExperimentSummary, Summary, Verdict};

/// Every claim of the experiments of this run, then those of other experiments on committed records.
pub(super) fn table(summary: &Summary) -> Markup {
    let filed = newest();
    let scales = columns(summary);
    html! {
        section id="claims" {
            h2 { "Every claim, by scale" }
            @if summary.experiments.is_empty() { p.empty { "No experiment was run." } }
            table.claims {
                thead {
                    tr {
                        th { "claim" } th { "statement" }
                        @for scale in &scales { th { (scale) } }
                    }
                }
                @for experiment in &summary.experiments { (measured(experiment, &filed, &scales)) }
                @for record in absent(summary, &filed) { (committed(record, &filed, &scales)) }
            }
            p.note {
                "Filled: measured in this run. Outlined: on a record of the repository. Number: measurements that \
                 hold, of all."
            }
            (help())
        }
    }
}

/// Quick, desk and paper, and any other scale of this run.
fn columns(summary: &Summary) -> BTreeSet<Scale> {
    [Scale::Quick, Scale::Desk, Scale::Paper].into_iter().chain(summary.scales()).collect()
}

/// The committed records of experiments that this run has not, one an experiment.
fn absent<'a>(summary: &Summary, filed: &'a [Filed]) -> Vec<&'a Filed> {
    let ran = |id: &str| summary.experiments.iter().any(|experiment| *experiment.id == *id);
    let mut seen = BTreeSet::new();
    filed.iter().filter(|r| !ran(&r.experiment) && seen.insert(&r.experiment)).collect()
}

fn measured(experiment: &ExperimentSummary, filed: &[Filed], scales: &BTreeSet<Scale>) -> Markup {
    html! {
        tbody {
            tr.group {
                th colspan=(2 + scales.len()) scope="rowgroup" {
                    a href={ "#" (experiment.id) } { (experiment.id) } " " (experiment.title)
                }
            }
            @if let Some(failure) = &experiment.failure {
                tr { td.failure colspan=(2 + scales.len()) { "could not run: " (failure) } }
            }
            @for claim in &experiment.claims {
                tr.claim data-verdict=(verdict::class(claim.verdict)) {
                    td.id { a href={ "#" (claim.id) } { (claim.id) } }
                    td { (claim.statement) }
                    @for &scale in scales {
                        td data-scale=(scale) {
                            @if scale == experiment.scale { (here(claim)) }
                            @else { (there(found(filed, &claim.id, &claim.quantity.to_string(), scale))) }
                        }
                    }
                }
            }
        }
    }
}

/// An experiment that this run has not, as its committed records have it.
fn committed(record: &Filed, filed: &[Filed], scales: &BTreeSet<Scale>) -> Markup {
    let known = Library::Embedded.load(&record.experiment).ok();
    let statement = |id: &str| {
        let claims = known.iter().flat_map(|experiment| &experiment.claims);
        claims.into_iter().find(|claim| *claim.id == *id).map(|claim| claim.statement.clone())
    };
    html! {
        tbody {
            tr.group {
                th colspan=(2 + scales.len()) scope="rowgroup" {
                    (record.experiment) " " @if let Some(known) = &known { (known.title) }
                }
            }
            @for claim in &record.claims {
                @let id = format!("{}.{}", record.experiment, claim.id);
                tr.claim data-verdict=(verdict::class(claim.verdict)) {
                    td.id id=(id) { (id) }
                    td { @if let Some(statement) = statement(&claim.id) { (statement) } }
                    @for &scale in scales {
                        td data-scale=(scale) { (there(found(filed, &id, &claim.quantity, scale))) }
                    }
                }
            }
        }
    }
}

/// The same claim on a committed record: a claim that measures something else is another claim.
fn found<'a>(
    filed: &'a [Filed],
    id: &str,
    quantity: &str,
    scale: Scale,
) -> Option<(&'a Filed, &'a FiledClaim)> {
    let of_scale = filed.iter().filter(|record| record.scale == scale);
    let mut claims =
        of_scale.flat_map(|record| record.claims.iter().map(move |claim| (record, claim)));
    claims.find(|(record, claim)| {
        claim.quantity == quantity && id == format!("{}.{}", record.experiment, claim.id)
    })
}

/// The verdict of this run with what decided it.
fn here(claim: &ClaimSummary) -> Markup {
    let decisive = claim.measurements.iter().find(|m| m.verdict == claim.verdict);
    html! {
        (verdict::badge(claim.verdict))
        @if claim.measurements.len() > 1 { " " (share(claim.holding(), claim.measurements.len())) }
        @else if let Some(measurement) = decisive { " " span.share { (number::measurement(measurement)) } }
    }
}

/// The verdict on a committed record; a point where there is none.
fn there(known: Option<(&Filed, &FiledClaim)>) -> Markup {
    let Some((record, claim)) = known else {
        return html! { span.none title="no committed record" { "·" } };
    };
    let holding = claim.cells.iter().filter(|cell| cell.verdict == Verdict::Holds).count();
    html! {
        span.committed title={ "on " (record.record) ", measured from " (record.first) } {
            (verdict::badge(claim.verdict))
            @if claim.cells.len() > 1 { " " (share(holding, claim.cells.len())) }
        }
    }
}

fn share(holding: usize, all: usize) -> Markup {
    html! { span.share { (holding) "/" (all) } }
}

/// What a reader can do with the figures.
fn help() -> Markup {
    html! {
        details.help {
            summary { "How to use the figures" }
            ul {
                li { "A thick line is the mean over seeds, a thin line one seed; the band is the 95 % interval \
                      (Student's t)." }
                li { "Point at a figure: every line is read at the nearest x, in all panels at once. On a touch \
                      screen tap, or drag sideways." }
                li { "Drag to zoom into a frame, shift-drag to move, double-click to see all again. \
                      After a click on the figure the wheel zooms." }
                li { "Options has the scales of the axes, epochs, smoothing, the lines shown, and a link to \
                      the figure as it stands." }
                li { "Click a claim: the figures of its experiment show the points that it reads." }
                li { "From the keyboard: Tab to a figure, ← → read, ↑ ↓ change panel, + and − zoom, \
                      shift with ← → moves, 0 resets." }
                li { "A claim about several cells holds when it holds in each of them. Each cell is \
                      tested at 2.5 % on either side, corrected for the number of cells (Holm), so \
                      that an interval clear of its bound can still be undecided." }
                li { "Not shown: a bound that is ours, and not the paper's, is missed." }
            }
        }
    }
}
