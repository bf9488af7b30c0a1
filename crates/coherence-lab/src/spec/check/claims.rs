//! Whether a claim can be judged: its scales, axes, series, steps and bounds.

use super::MOST;
use crate::cell::{Axis, Setting};
use crate::claim::formula::{Formula, Place, Reading};
use crate::claim::{Claim, Expect};
use crate::scale::Scale;
use crate::spec::Experiment;

/// The first few problems of a claim, with its name.
pub(super) fn claim(experiment: &Experiment, claim: &Claim) -> impl Iterator<Item = String> {
    let scales = claim.scales.clone().unwrap_or_else(|| experiment.own_scales());
    let at_scales = scales.into_iter().flat_map(|scale| at_scale(experiment, claim, scale));
    let own = [halves(claim), quote(claim), pool(claim), outcome(claim), bound(&claim.expect)];
    let problems = own.into_iter().flatten().chain(nowhere(experiment, claim));
    problems.chain(at_scales).map(|p| format!("claim {}: {p}", claim.id))
}

fn halves(claim: &Claim) -> Option<String> {
    (claim.scales.is_some() != claim.otherwise.is_some()).then(|| {
        "has only one of scales and otherwise: write both, or neither for all scales".to_owned()
    })
}

/// Values of `each` that no scale of the claim has.
fn nowhere(experiment: &Experiment, claim: &Claim) -> Vec<String> {
    let scales = claim.scales.clone().unwrap_or_else(|| experiment.own_scales());
    let grids: Vec<Vec<Axis>> = scales.iter().map(|scale| experiment.axes(*scale)).collect();
    let each = claim.each.iter().flat_map(|(axis, values)| values.iter().map(move |v| (axis, v)));
    let lost = each.filter(|(name, value)| {
        let mut known = grids.iter().flatten().filter(|axis| axis.name == **name).peekable();
        known.peek().is_some() && known.all(|axis| !axis.values.contains(value))
    });
    lost.take(MOST).map(|(name, value)| format!("axis {name} has no value {value}")).collect()
}

fn quote(claim: &Claim) -> Option<String> {
    let words = claim.quote.as_ref()?.split_whitespace().count();
    let most = Claim::LONGEST_QUOTE;
    (most < words).then(|| format!("quote has {words} words: quote at most {most}"))
}

fn pool(claim: &Claim) -> Option<String> {
    let counts = claim.quantity.is_outcome() && claim.along().is_none();
    (claim.pool && !counts).then(|| {
        "pool counts outcomes: write a quantity with < or > and a share to expect".to_owned()
    })
}

/// An outcome is yes or no: it has a share and no order.
fn outcome(claim: &Claim) -> Option<String> {
    (claim.quantity.is_outcome() && claim.along().is_some()).then(|| {
        "an outcome neither rises nor falls: expect a share of yes, as at_least".to_owned()
    })
}

/// A bound must be a finite number, and the ends of a range in order.
fn bound(expect: &Expect) -> Option<String> {
    match *expect {
        Expect::AtLeast(bound) if !bound.is_finite() => Some(("at_least", bound)),
        Expect::AtMost(bound) if !bound.is_finite() => Some(("at_most", bound)),
        Expect::Equals { value, .. } if !value.is_finite() => Some(("value", value)),
        Expect::Between([low, high]) if !(low.is_finite() && high.is_finite() && low <= high) => {
            return Some(format!(
                "expect has between = [{low}, {high}]: write finite numbers, the smaller first"
            ));
        }
        Expect::Equals { tolerance, .. } if !(tolerance.is_finite() && 0.0 <= tolerance) => {
            return Some(format!(
                "expect has tolerance = {tolerance}: write a finite number of at least 0"
            ));
        }
        _ => None,
    }
    .map(|(key, value)| format!("expect has {key} = {value}: write a finite number"))
}

fn at_scale(experiment: &Experiment, claim: &Claim, scale: Scale) -> Vec<String> {
    let Some(last) = experiment.last_step(scale) else {
        return vec![format!("names scale {scale}, at which nothing runs")];
    };
    let readings = claim.quantity.readings();
    let series = readings.iter().flat_map(|reading| reading.series());
    let series = series.filter_map(|name| experiment.unrecorded(&[scale], name));
    let series = series.map(|problem| format!("{problem},"));
    let steps = readings.iter().flat_map(|r| steps(experiment, claim, r, scale, last));
    let grid = experiment.axes(scale);
    let problems = axes(claim, &grid).into_iter().chain(names(claim, &grid)).chain(series);
    problems.chain(steps).take(MOST).map(|p| format!("{p} at scale {scale}")).collect()
}

/// Steps to read at must be some that are measured.
fn steps(
    experiment: &Experiment,
    claim: &Claim,
    reading: &Reading,
    scale: Scale,
    last: u64,
) -> Vec<String> {
    let from = (last < reading.from)
        .then(|| format!("from {} is beyond the last step, {last},", reading.from));
    let wanted = match (&reading.argument, reading.place) {
        (Some(Formula::Number(step)), Place::At) => vec![*step],
        (Some(Formula::Name(axis)), Place::At) => {
            claim.each.get(&**axis).map_or_else(Vec::new, |values| numbers(values))
        }
        _ => Vec::new(),
    };
    let wrong = |step: f64| {
        if step.fract() != 0.0 || step < 0.0 {
            Some(format!("step {step} is no step: write a whole number"))
        } else if last < step as u64 {
            Some(format!("step {step} is beyond the last, {last},"))
        } else if !experiment.measures_at(scale, step as u64) {
            Some(format!("step {step} is not one of those measured, such as the last, {last},"))
        } else {
            None
        }
    };
    from.into_iter().chain(wanted.into_iter().filter_map(wrong)).collect()
}

fn numbers(values: &[Setting]) -> Vec<f64> {
    let number = |value: &Setting| match value {
        Setting::Number(number) => Some(*number),
        Setting::Text(_) => None,
    };
    values.iter().filter_map(number).collect()
}

/// Every reading must name one value of every axis, and each value must be in the grid. A name of
/// `each` that is no axis must stand in the formula.
fn axes(claim: &Claim, axes: &[Axis]) -> Vec<String> {
    let readings = claim.quantity.readings();
    let used = claim.quantity.axes();
    let axis = |name: &String| axes.iter().find(|axis| axis.name == *name);
    let each = claim.each.iter().filter_map(|(name, values)| match axis(name) {
        None if used.contains(&name.as_str()) => None,
        None => Some(format!("the grid has no axis {name}")),
        Some(axis) if values.iter().all(|value| !axis.values.contains(value)) => {
            Some(format!("axis {name} has none of the values of each"))
        }
        Some(_) => None,
    });
    let own = readings.iter().flat_map(|reading| &reading.cell);
    let own = own.filter_map(|(name, value)| match axis(name) {
        None => Some(format!("the grid has no axis {name}")),
        Some(axis) if axis.values.contains(value) => None,
        Some(_) => Some(format!("axis {name} has no value {value}")),
    });
    let unsaid = axes.iter().filter_map(|axis| {
        let given = claim.each.contains_key(&axis.name) || claim.along() == Some(&axis.name);
        let silent = |reading: &&Reading| !reading.cell.contains_key(&axis.name);
        (!given && readings.iter().any(silent))
            .then(|| format!("does not say which {} to read", axis.name))
    });
    let along = claim.along().filter(|along| axes.iter().all(|axis| axis.name != *along));
    let along = along.map(|along| format!("the grid has no axis {along} to walk along"));
    each.chain(own).chain(unsaid).chain(along).take(MOST).collect()
}

/// Names in the formula must stand for numbers: those of `each` or those of the axis that is walked
/// along.
fn names(claim: &Claim, axes: &[Axis]) -> Vec<String> {
    let problem = |name: &str| {
        let walked = axes.iter().find(|axis| axis.name == name && claim.along() == Some(name));
        let values = claim.each.get(name).or(walked.map(|axis| &axis.values));
        match values {
            None => Some(format!("the formula has {name}, which each does not give")),
            Some(values) if numbers(values).len() < values.len() => {
                Some(format!("the formula has {name}, whose values are no numbers"))
            }
            Some(_) => None,
        }
    };
    claim.quantity.axes().into_iter().filter_map(problem).take(MOST).collect()
}
