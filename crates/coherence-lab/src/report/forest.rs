//! The measurements of a claim as points with their intervals, beside the bound: plain HTML whose
//! positions are percentages, so that it needs no script and fits any width.

use maud::{Markup, html};

use super::{number, verdict, words};
use crate::claim::{Censored, Expect, Value};
use crate::summary::{CellVerdict, ClaimSummary};

/// Rows with a label; more are drawn closer together, without labels.
const LABELLED: usize = 24;

/// Values that differ by less than this part of them are one value to the eye.
const EQUAL: f64 = 1e-9;

/// One row a measurement; nothing where nothing was measured.
pub(super) fn forest(claim: &ClaimSummary) -> Markup {
    let rows: Vec<&CellVerdict> =
        claim.measurements.iter().filter(|m| !m.values.is_empty()).collect();
    if rows.is_empty() {
        return html! {};
    }
    let Some(axis) = Axis::new(&rows, &claim.expect) else { return html! {} };
    let labelled =
        rows.len() <= LABELLED && rows.iter().any(|m| !words::label(&m.label).is_empty());
    html! {
        div.forest.labelled[labelled] {
            @for measurement in &rows { (row(measurement, &axis, labelled)) }
            div.ends {
                @if labelled { span {} }
                span.scale { @for (value, text) in axis.ticks() { i style={ "left:" (axis.place(value)) } { (text) } } }
            }
        }
    }
}

fn row(measurement: &CellVerdict, axis: &Axis, labelled: bool) -> Markup {
    let label = words::label(&measurement.label);
    let text = format!("{label}: {}", number::measurement(measurement));
    html! {
        div.point.(verdict::class(measurement.verdict)) title=(text.trim_start_matches(": "))
            data-reads=(serde_json::to_string(&measurement.reads).expect("readings are plain data")) {
            @if labelled { span.label { (label) } }
            span.track {
                i.satisfied style={ (axis.span(axis.satisfied)) } {}
                @for bound in &axis.bounds { i.bound style={ "left:" (axis.place(*bound)) } {} }
                @match &measurement.interval {
                    Some(interval) => {
                        i.range style={ (axis.span([interval.low, interval.high])) } {}
                        @if measurement.count.is_none() { (seeds(measurement, axis)) }
                        i.dot style={ "left:" (axis.place(interval.mean)) } {}
                    }
                    None => (seeds(measurement, axis)),
                }
            }
        }
    }
}

/// The value of every seed; a bound that is known of it as an open bar.
fn seeds(measurement: &CellVerdict, axis: &Axis) -> Markup {
    let [low, high] = axis.range;
    html! {
        @for value in &measurement.values {
            @match value {
                Value::Exact(value) => i.seed style={ "left:" (axis.place(*value)) } {},
                Value::Censored(Censored::Above(least)) => i.open style={ (axis.span([*least, high])) } {},
                Value::Censored(Censored::Below(most)) => i.open style={ (axis.span([low, *most])) } {},
                Value::Censored(Censored::Unknown) => i.open style={ (axis.span([low, high])) } {},
            }
        }
    }
}

/// The common axis of the rows.
struct Axis {
    range: [f64; 2],
    /// Where the claim is satisfied; the two ends are equal for a single value.
    satisfied: [f64; 2],
    bounds: Vec<f64>,
}

impl Axis {
    /// The means and the bounds with some air, and the intervals as far as they stay within 60 % of that
    /// range: one measurement of great uncertainty does not press the others together. `None` without a number.
    fn new(rows: &[&CellVerdict], expect: &Expect) -> Option<Self> {
        let (satisfied, bounds) = satisfied(expect);
        let values = rows.iter().flat_map(|m| &m.values).filter_map(|value| match *value {
            Value::Exact(value) => Some(value),
            Value::Censored(Censored::Above(end) | Censored::Below(end)) => Some(end),
            Value::Censored(Censored::Unknown) => None,
        });
        let shares = rows.iter().any(|m| m.count.is_some()).then_some([0.0, 1.0]);
        let inner = hull(values.chain(bounds.iter().copied()).chain(shares.into_iter().flatten()))?;
        let far = 0.6 * (inner[1] - inner[0]);
        let ends = rows.iter().filter_map(|m| m.interval).flat_map(|i| [i.low, i.high]);
        let near = ends.map(|end| end.clamp(inner[0] - far, inner[1] + far));
        let [low, high] = hull(near.chain(inner))?;
        let size = low.abs().max(high.abs());
        let width = high - low;
        let air =
            if width <= EQUAL * size || width == 0.0 { 0.1 * size.max(1e-3) } else { 0.06 * width };
        Some(Self { range: [low - air, high + air], satisfied, bounds })
    }

    /// Distance from the left edge, as CSS has it.
    fn place(&self, value: f64) -> String {
        format!("{:.2}%", 100.0 * self.part(value))
    }

    fn span(&self, [low, high]: [f64; 2]) -> String {
        let (low, high) = (self.part(low), self.part(high));
        format!("left:{:.2}%;width:{:.2}%", 100.0 * low, 100.0 * (high - low))
    }

    /// From 0 at the left to 1 at the right; what lies beyond is at the edge.
    fn part(&self, value: f64) -> f64 {
        let [low, high] = self.range;
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The bounds, as far as their words do not touch; beside a single bound a value on the other side of
    /// the axis, which tells the scale.
    fn ticks(&self) -> Vec<(f64, String)> {
        let [low, high] = self.range;
        let mut ticks = self.bounds.clone();
        if self.satisfied.iter().any(|end| end.is_infinite()) {
            let part = if self.part(ticks[0]) < 0.5 { 0.9 } else { 0.1 };
            ticks.push(number::two_digits(low + part * (high - low)));
        }
        ticks.dedup_by(|b, a| (self.part(*b) - self.part(*a)).abs() < 0.2);
        ticks.into_iter().map(|tick| (tick, number::text(tick))).collect()
    }
}

fn hull(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    let finite = values.filter(|value| value.is_finite());
    finite.fold(None, |hull, value| match hull {
        None => Some([value, value]),
        Some([low, high]) => Some([value.min(low), value.max(high)]),
    })
}

/// Where a value satisfies the claim, and the bounds of that range; an order is a difference of one sign.
fn satisfied(expect: &Expect) -> ([f64; 2], Vec<f64>) {
    match *expect {
        Expect::AtLeast(bound) => ([bound, f64::INFINITY], vec![bound]),
        Expect::AtMost(bound) => ([f64::NEG_INFINITY, bound], vec![bound]),
        Expect::Between([low, high]) => ([low, high], vec![low, high]),
        Expect::Equals { value, tolerance } => {
            ([value - tolerance, value + tolerance], vec![value])
        }
        Expect::RisesAlong(_) => ([0.0, f64::INFINITY], vec![0.0]),
        Expect::FallsAlong(_) => ([f64::NEG_INFINITY, 0.0], vec![0.0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample::claim;
    use crate::summary::Verdict;

    #[test]
    fn points_bounds_and_the_satisfied_side_are_where_they_belong() {
        // values 1 and 3, mean 2, bound 1: the interval ±12.7 is cut at 60 % of [1, 3] on either side
        let claim = claim("C3.a", Verdict::Undecided, &[1.0, 3.0]);
        let rows: Vec<&CellVerdict> = claim.measurements.iter().collect();
        let axis = Axis::new(&rows, &claim.expect).unwrap();
        let (low, high) = (1.0 - 1.2, 3.0 + 1.2);
        let air = 0.06 * (high - low);
        assert!(
            (axis.range[0] - (low - air)).abs() < 1e-12
                && (axis.range[1] - (high + air)).abs() < 1e-12
        );
        assert_eq!(axis.place(2.0), "50.00%");
        assert_eq!(axis.span([2.0, f64::INFINITY]), "left:50.00%;width:50.00%");
        let page = forest(&claim).into_string();
        assert!(page.contains("<i class=\"dot\" style=\"left:50.00%\">"), "{page}");
        assert!(page.contains("title=\"50 % noise: 2 ± 13\""), "{page}");
        assert_eq!(page.matches("class=\"seed\"").count(), 2);
    }

    #[test]
    fn claim_without_measurements_draws_nothing() {
        assert_eq!(forest(&claim("C3.a", Verdict::NotMeasured, &[])).into_string(), "");
    }
}
