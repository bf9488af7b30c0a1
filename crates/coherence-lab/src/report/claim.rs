//! Claims as table rows: what was measured, with its interval, and the verdict.

use maud::{Markup, html};

use super::{number, papers, verdict};
use crate::cell::Cell;
use crate::summary::{ClaimSummary, Measurement, Verdict};

/// Measurements that a cell shows unfolded.
const SHOWN: usize = 3;

/// A claim in the overview: its identifier leads to the full claim.
pub(super) fn row(claim: &ClaimSummary) -> Markup {
    html! {
        tr.claim data-verdict=(verdict::class(claim.verdict)) {
            td.id { a href={ "#" (claim.id) } { (claim.id) } }
            td { (claim.statement) }
            td.measured { (digest(claim)) }
            td { (verdict::badge(claim.verdict)) }
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
        }
    }
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

/// The first measurement with the worst verdict, and the count of each verdict: `4 measured: 1 ✗, 3 ✓`.
fn worst(claim: &ClaimSummary) -> Markup {
    let all = &claim.measurements;
    let count = |v| all.iter().filter(|measurement| measurement.verdict == v).count();
    let tally = Verdict::ALL.into_iter().filter(|v| count(*v) > 0);
    let tally: Vec<String> =
        tally.map(|v| format!("{} {}", count(v), verdict::symbol(v))).collect();
    let worst = Verdict::ALL.iter().find_map(|v| all.iter().find(|m| m.verdict == *v));
    html! {
        @if let Some(worst) = worst { (value(worst)) " " span.label { (label(worst)) } }
        span.tally { (all.len()) " measured: " (tally.join(", ")) }
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
                            span.hidden { (verdict::words(measurement.verdict)) }
                        }
                    }
                }
            }
        }
    }
}

fn value(measurement: &Measurement) -> Markup {
    html! {
        @if let Some(interval) = &measurement.interval { b { (number::interval(interval)) } }
        @if let Some(reason) = &measurement.reason { " " span.reason { (reason) } }
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
    let texts: Vec<String> = values.iter().map(|value| number::text(*value)).collect();
    html! { span.seeds { (texts.join("  ")) } }
}
