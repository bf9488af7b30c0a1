//! The top of the page: what was run, the number of claims of each verdict, links to the experiments.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{number, verdict};
use crate::scale::Scale;
use crate::summary::{ExperimentSummary, Summary, Verdict};

/// Title, days of the runs, machine and the count of each verdict; the button of a verdict shows only its claims.
pub(super) fn header(summary: &Summary) -> Markup {
    let machine = &summary.machine;
    html! {
        header.top {
            p.brand { "coherence" }
            h1 { "Do coherent gradients explain generalisation?" }
            p.occasion {
                "Measured at " (measured(&summary.experiments)) (days(&summary.experiments)) ", "
                (number::duration(summary.wall_seconds)) " of runs. Judged by version " (machine.version) " on "
                (machine.cpu) ", " (machine.cores) " cores, " (machine.platform) "."
            }
            div.tallies role="group" aria-label="claims by verdict" {
                @for v in Verdict::ALL { (tally(v, &summary.experiments)) }
            }
        }
    }
}

/// `scale paper (C1, C3) and scale desk (C8)`; of a single scale no list.
fn measured(experiments: &[ExperimentSummary]) -> String {
    let scales: BTreeSet<Scale> = experiments.iter().map(|experiment| experiment.scale).collect();
    let ids = |scale: Scale| {
        let of_scale = experiments.iter().filter(move |experiment| experiment.scale == scale);
        of_scale.map(|experiment| experiment.id.to_string()).collect::<Vec<_>>().join(", ")
    };
    let several = scales.len() > 1;
    let words = |&scale: &Scale| {
        if several { format!("scale {scale} ({})", ids(scale)) } else { format!("scale {scale}") }
    };
    scales.iter().rev().map(words).collect::<Vec<_>>().join(" and ")
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
