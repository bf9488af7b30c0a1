//! Claims as table rows: what was measured, with its interval, and the verdict.

use maud::{Markup, html};

use super::{number, papers, verdict};
use crate::summary::{ClaimSummary, Measurement};

/// Measurements that a cell shows without being asked.
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
            @if claim.measurements.len() > SHOWN {
                details {
                    summary { (worst(claim)) }
                    (measurements(&claim.measurements))
                }
            } @else if !claim.measurements.is_empty() {
                (measurements(&claim.measurements))
            }
        }
    }
}

/// The measured values in little room: all of them if few, else how many stand how, and the worst.
fn digest(claim: &ClaimSummary) -> Markup {
    let shown = if claim.measurements.len() <= SHOWN { &claim.measurements[..] } else { &[] };
    html! {
        @if let Some(reason) = &claim.reason { span.reason { (reason) } }
        @for measurement in shown {
            div { (value(measurement)) " " span.label { (measurement.label) } }
        }
        @if shown.is_empty() && !claim.measurements.is_empty() { (worst(claim)) }
    }
}

/// The first measurement that does worst, and how many of all stand how: `4 measured: 1 ✗, 3 ✓`.
fn worst(claim: &ClaimSummary) -> Markup {
    let all = &claim.measurements;
    let count = |v| all.iter().filter(|measurement| measurement.verdict == v).count();
    let tally = verdict::ALL.into_iter().filter(|v| count(*v) > 0);
    let tally: Vec<String> =
        tally.map(|v| format!("{} {}", count(v), verdict::symbol(v))).collect();
    let worst = verdict::ALL.iter().find_map(|v| all.iter().find(|m| m.verdict == *v));
    html! {
        @if let Some(worst) = worst { (value(worst)) " " span.label { (worst.label) } }
        span.tally { (all.len()) " measured: " (tally.join(", ")) }
    }
}

fn measurements(measurements: &[Measurement]) -> Markup {
    html! {
        table.measurements {
            thead { tr { th { "measured on" } th { "mean ± 95 %" } th { "by seed" } th { "" } } }
            tbody {
                @for measurement in measurements {
                    tr {
                        td { (measurement.label) }
                        td.measured { (value(measurement)) }
                        td.seeds { (by_seed(&measurement.values)) }
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

fn by_seed(values: &[f64]) -> String {
    values.iter().map(|value| number::text(*value)).collect::<Vec<_>>().join("  ")
}
