//! The top of the page: what was run, the number of claims of each verdict, and the table of claims.

use maud::{Markup, html};

use super::{claim, number, verdict};
use crate::filed::{Filed, filed};
use crate::scale::Scale;
use crate::summary::{ExperimentSummary, Summary, Verdict};

/// Title, date, machine and the count of each verdict; the button of a verdict shows only its claims.
pub(super) fn header(summary: &Summary) -> Markup {
    let machine = &summary.machine;
    html! {
        header.top {
            p.brand { "coherence" }
            h1 { "Do coherent gradients explain generalisation?" }
            p.occasion {
                "Reproduction at scale " b { (summary.scale) } ", judged on " (summary.date) ", "
                (number::duration(summary.wall_seconds)) " of runs" (days(&summary.experiments)) ". Version " (machine.version) " on "
                (machine.cpu) ", " (machine.cores) " cores, " (machine.platform) "."
            }
            div.tallies role="group" aria-label="claims by verdict" {
                @for v in Verdict::ALL { (tally(v, &summary.experiments)) }
            }
        }
    }
}

/// The days of the runs, which may be long before that of the page: ` from 2026-11-22 to 2026-11-23`.
fn days(experiments: &[ExperimentSummary]) -> String {
    let made = || experiments.iter().flat_map(|experiment| &experiment.made);
    let (first, last) = (made().map(|m| &m.first).min(), made().map(|m| &m.last).max());
    match (first, last) {
        (Some(first), Some(last)) if first == last => format!(" on {first}"),
        (Some(first), Some(last)) => format!(" from {first} to {last}"),
        _ => String::new(),
    }
}

fn tally(of: Verdict, experiments: &[ExperimentSummary]) -> Markup {
    let claims = experiments.iter().flat_map(|experiment| &experiment.claims);
    let count = claims.filter(|claim| claim.verdict == of).count();
    let class = verdict::class(of);
    html! {
        button.tally.(class) type="button" data-filter=(class) aria-pressed="false" disabled[count == 0] {
            span.symbol aria-hidden="true" { (verdict::symbol(of)) }
            b { (count) } " "
            @if count == 1 { (of.words()) } @else { (of.plural()) }
        }
    }
}

/// Links to the experiments, each with its verdict.
pub(super) fn navigation(experiments: &[ExperimentSummary]) -> Markup {
    html! {
        nav aria-label="experiments" {
            a href="#claims" { "Claims" }
            @for experiment in experiments {
                @let verdict = verdict::worst(experiment);
                a href={ "#" (experiment.id) } title=(experiment.title) {
                    (experiment.id) " "
                    span.(verdict::class(verdict)) title=(verdict.words()) {
                        (verdict::symbol(verdict))
                    }
                }
            }
        }
    }
}

/// Every claim with its measured value, interval and verdict, experiment by experiment.
pub(super) fn claims(summary: &Summary) -> Markup {
    let (experiments, filed) = (&summary.experiments, filed());
    html! {
        section id="claims" {
            h2 { "Claims" }
            @if experiments.is_empty() { p.empty { "No experiment was run." } }
            @else {
                table.claims {
                    thead {
                        tr {
                            th { "claim" }
                            th { "statement" }
                            th { "measured ± 95 %" }
                            th { "at " (summary.scale) ", and on committed records" }
                        }
                    }
                    @for experiment in experiments { (group(experiment, &filed, summary.scale)) }
                }
                (help())
            }
        }
    }
}

/// What a reader can do with the figures.
fn help() -> Markup {
    html! {
        details.help {
            summary { "How to use the figures" }
            ul {
                li { "Point at a figure: every line is read at the nearest x, in all panels at once." }
                li { "Drag to zoom into a frame, shift-drag to move, double-click to see all again. \
                      After a click on the figure the wheel zooms." }
                li { "Click a name in the legend to switch its lines, shift-click to leave it alone." }
                li { "From the keyboard: Tab to a figure, ← → read, ↑ ↓ change panel, + and − zoom, \
                      shift with ← → moves, 0 resets." }
                li { "A line is the mean over seeds, its band the 95 % interval (Student's t)." }
                li { "A claim about several cells holds when it holds in each of them. Each cell is \
                      tested at 2.5 % on either side, corrected for the number of cells (Holm), so \
                      that an interval clear of its bound can still be undecided." }
                li { "Not shown: a bound that is ours, and not the paper's, is missed." }
            }
        }
    }
}

fn group(experiment: &ExperimentSummary, filed: &[Filed], here: Scale) -> Markup {
    html! {
        tbody {
            tr.group {
                th colspan="3" scope="rowgroup" {
                    a href={ "#" (experiment.id) } { (experiment.id) } " " (experiment.title)
                }
                td { (number::duration(experiment.wall_seconds)) }
            }
            @if let Some(failure) = &experiment.failure {
                tr { td.failure colspan="4" { "could not run: " (failure) } }
            }
            @for claim in &experiment.claims { (claim::row(claim, filed, here)) }
        }
    }
}
