//! A claim in its experiment: what was measured, against its bound, and the verdict.

use maud::{Markup, html};

use super::{forest, number, papers, verdict, words};
use crate::claim::Bound;
use crate::summary::{CellVerdict, ClaimSummary, Verdict};

/// A claim: statement and measurements at a glance; quotation, condition, numbers and history unfolded.
pub(super) fn article(claim: &ClaimSummary) -> Markup {
    let (_, name) = claim.id.split_once('.').unwrap_or(("", &claim.id));
    html! {
        article.claim.(verdict::class(claim.verdict)) id=(claim.id) {
            header {
                (verdict::badge(claim.verdict))
                a.id href={ "#" (claim.id) } title="shows in the figures what this claim reads" { (name) }
            }
            p { (claim.statement) }
            @if let Some(reason) = &claim.reason { p.reason { (reason) } }
            (forest::forest(claim))
            details {
                summary { (outcome(claim)) }
                @if let Some(quote) = &claim.quote { p.quote { q { (quote) } } }
                p.source { (papers::source(&claim.source)) }
                p.condition { (claim.condition) }
                @if !claim.measurements.is_empty() { (measurements(&claim.measurements)) }
                (history(claim))
            }
        }
    }
}

/// A single measurement, or how many hold.
fn outcome(claim: &ClaimSummary) -> Markup {
    html! {
        @match &claim.measurements[..] {
            [] => "source and history",
            [only] => (value(only)),
            all => { (claim.holding()) " of " (all.len()) " hold" },
        }
    }
}

/// When the claim was written, what was changed, whose its bound is, and what would decide it.
fn history(claim: &ClaimSummary) -> Markup {
    html! {
        p.history {
            @match claim.timing {
                Some(timing) => { (capital(timing.words())) " (" (claim.written) ")." }
                None => { "Written " (claim.written) "." }
            }
            @if claim.bound == Bound::Ours { " The bound is ours: the paper gives none." }
            @if let Some(changed) = &claim.changed { " Changed: " (changed) "." }
            @if claim.verdict == Verdict::Undecided {
                " "
                @match claim.seeds_to_decide {
                    Some(n) => { b { "About " (n) " seeds would decide it" } ", if mean and spread stay as they are." }
                    None => { "A thousand seeds would not decide it, if mean and spread stay as they are." }
                }
            }
        }
    }
}

fn capital(words: &str) -> String {
    let (first, rest) = words.split_at(1);
    first.to_uppercase() + rest
}

fn measurements(measurements: &[CellVerdict]) -> Markup {
    let seeds = measurements.iter().any(|measurement| measurement.values.len() > 1);
    html! {
        table.measurements {
            thead {
                tr {
                    th { "measured on" }
                    th { "mean ± 95 %" }
                    th { @if seeds { "by seed" } }
                    th { "" }
                }
            }
            tbody {
                @for measurement in measurements {
                    tr {
                        td { (words::label(&measurement.label)) }
                        td.measured { (value(measurement)) }
                        td { (by_seed(measurement)) }
                        td.(verdict::class(measurement.verdict)) {
                            span aria-hidden="true" { (verdict::symbol(measurement.verdict)) }
                            span.hidden { (measurement.verdict.words()) }
                        }
                    }
                }
            }
        }
    }
}

/// Mean and interval; of outcomes the count with the interval of the share.
fn value(measurement: &CellVerdict) -> Markup {
    html! {
        @match &measurement.reason {
            Some(reason) => span.reason { (reason) },
            None => b { (number::measurement(measurement)) },
        }
        @if let (Some(_), Some(interval)) = (measurement.count, &measurement.interval) {
            span.label { " (" (number::text(interval.low)) " to " (number::text(interval.high)) ")" }
        }
    }
}

/// The value of every seed; nothing when there is but one.
fn by_seed(measurement: &CellVerdict) -> Markup {
    let values = if measurement.values.len() > 1 { &measurement.values[..] } else { &[] };
    let texts: Vec<String> = values.iter().map(number::value).collect();
    html! { span.seeds { (texts.join("  ")) } }
}
