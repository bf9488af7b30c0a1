//! The top of the page: what was run, the number of claims of each verdict, and the table of claims.

use maud::{Markup, html};

use super::{claim, number, verdict};
use crate::summary::{ExperimentSummary, Summary, Verdict};

/// Title, date, machine and the count of each verdict; the button of a verdict shows only its claims.
pub(super) fn header(summary: &Summary) -> Markup {
    let machine = &summary.machine;
    html! {
        header.top {
            p.brand { "coherence" }
            h1 { "Do coherent gradients explain generalisation?" }
            p.occasion {
                "Reproduction at scale " b { (summary.scale) } ", " (summary.date) ", "
                (number::duration(summary.wall_seconds)) " of runs. Version " (machine.version) " on "
                (machine.cpu) ", " (machine.cores) " cores, " (machine.platform) "."
            }
            div.tallies role="group" aria-label="claims by verdict" {
                @for v in Verdict::ALL { (tally(v, &summary.experiments)) }
            }
        }
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
            @if count == 1 { (verdict::words(of)) } @else { (plural(of)) }
        }
    }
}

fn plural(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "hold",
        Verdict::Fails => "fail",
        Verdict::NotApplicable => "do not apply",
        Verdict::NotMeasured => "not measured",
        Verdict::Undecided => "undecided",
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
                    span.(verdict::class(verdict)) title=(verdict::words(verdict)) {
                        (verdict::symbol(verdict))
                    }
                }
            }
        }
    }
}

/// Every claim with its measured value, interval and verdict, experiment by experiment.
pub(super) fn claims(experiments: &[ExperimentSummary]) -> Markup {
    html! {
        section id="claims" {
            h2 { "Claims" }
            @if experiments.is_empty() { p.empty { "No experiment was run." } }
            @else {
                table.claims {
                    thead {
                        tr { th { "claim" } th { "statement" } th { "measured ± 95 %" } th { "verdict" } }
                    }
                    @for experiment in experiments { (group(experiment)) }
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
            }
        }
    }
}

fn group(experiment: &ExperimentSummary) -> Markup {
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
            @for claim in &experiment.claims { (claim::row(claim)) }
        }
    }
}
