//! Claims as table rows: what was measured, with its interval, and the verdict.

use maud::{Markup, html};

use super::{number, papers, verdict};
use crate::cell::Cell;
use crate::claim::Bound;
use crate::filed::{Filed, FiledClaim, elsewhere};
use crate::scale::Scale;
use crate::summary::{ClaimSummary, Measurement, Verdict};

/// Measurements that a cell shows unfolded.
const SHOWN: usize = 3;

/// A claim in the overview: its identifier leads to the full claim.
pub(super) fn row(claim: &ClaimSummary, filed: &[Filed], here: Scale) -> Markup {
    html! {
        tr.claim data-verdict=(verdict::class(claim.verdict)) {
            td.id { a href={ "#" (claim.id) } { (claim.id) } }
            td { (claim.statement) }
            td.measured { (digest(claim)) }
            td { (verdict::badge(claim.verdict)) (chips(&elsewhere(filed, claim, here))) }
        }
    }
}

/// The verdicts at the scales of committed records: `paper ✓`.
fn chips(elsewhere: &[(&Filed, &FiledClaim)]) -> Markup {
    html! {
        @if !elsewhere.is_empty() {
            div.chips {
                @for (record, known) in elsewhere {
                    @let words = known.verdict.words();
                    span.(verdict::class(known.verdict)) title={ (words) " on " (record.record) } {
                        (record.scale) " " (verdict::symbol(known.verdict)) " " (words)
                    }
                }
            }
        }
    }
}

/// A claim in its experiment: with source, condition and every measurement.
pub(super) fn article(claim: &ClaimSummary) -> Markup {
    html! {
        article.claim.(verdict::class(claim.verdict)) id=(claim.id) {
            header {
                (verdict::badge(claim.verdict))
                span.id { (claim.id) }
                span.source { (papers::source(&claim.source)) }
            }
            p { (claim.statement) }
            @if let Some(quote) = &claim.quote { p.quote { q { (quote) } } }
            p.condition { (claim.condition) }
            @if let Some(reason) = &claim.reason { p.reason { (reason) } }
            @match &claim.measurements[..] {
                [] => {}
                [only] => p.measured {
                    (value(only)) " " span.label { (label(only)) }
                    @if only.values.len() > 1 { span.label { " by seed: " } (by_seed(only)) }
                },
                several if several.len() <= SHOWN => (measurements(several)),
                many => details { summary { (worst(claim)) } (measurements(many)) },
            }
            (history(claim))
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

/// The measured values in brief: all of them if they are few, else the worst and the count of each verdict.
fn digest(claim: &ClaimSummary) -> Markup {
    let shown = if claim.measurements.len() <= SHOWN { &claim.measurements[..] } else { &[] };
    html! {
        @if let Some(reason) = &claim.reason { div.reason { (reason) } }
        @for measurement in shown {
            div { (value(measurement)) " " span.label { (label(measurement)) } }
        }
        @if shown.is_empty() && !claim.measurements.is_empty() { (worst(claim)) }
    }
}

/// The first measurement with the worst verdict, and how many hold: `3 of 4 hold: 1 ✗, 3 ✓`.
fn worst(claim: &ClaimSummary) -> Markup {
    let all = &claim.measurements;
    let count = |v| all.iter().filter(|measurement| measurement.verdict == v).count();
    let tally = Verdict::ALL.into_iter().filter(|v| count(*v) > 0);
    let tally: Vec<String> =
        tally.map(|v| format!("{} {}", count(v), verdict::symbol(v))).collect();
    let worst = Verdict::ALL.iter().find_map(|v| all.iter().find(|m| m.verdict == *v));
    html! {
        @if let Some(worst) = worst { (value(worst)) " " span.label { (label(worst)) } }
        span.tally { (claim.holding()) " of " (all.len()) " hold: " (tally.join(", ")) }
    }
}

fn measurements(measurements: &[Measurement]) -> Markup {
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
                        td { (label(measurement)) }
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
fn value(measurement: &Measurement) -> Markup {
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

/// Where it was measured, `noise=25, clip=2`, with room to break the line; nothing without a grid.
fn label(measurement: &Measurement) -> String {
    if measurement.label == Cell::default().to_string() {
        return String::new();
    }
    measurement.label.replace(',', ", ").replace(",  ", ", ")
}

/// The value of every seed; nothing when there is but one.
fn by_seed(measurement: &Measurement) -> Markup {
    let values = if measurement.values.len() > 1 { &measurement.values[..] } else { &[] };
    let texts: Vec<String> = values.iter().map(number::value).collect();
    html! { span.seeds { (texts.join("  ")) } }
}
