//! Whether a claim can be judged: its scales, axes, series, steps and bounds.

use super::MOST;
use crate::cell::Axis;
use crate::claim::{At, Claim, Expect, Reading};
use crate::scale::Scale;
use crate::spec::Experiment;

/// The first few problems of a claim, with its name.
pub(super) fn claim(experiment: &Experiment, claim: &Claim) -> impl Iterator<Item = String> {
    let halves = (claim.scales.is_some() != claim.otherwise.is_some()).then(|| {
        "has only one of scales and otherwise: write both, or neither for all scales".to_owned()
    });
    let scales = claim.scales.clone().unwrap_or_else(|| experiment.own_scales());
    let at_scales = scales.into_iter().flat_map(|scale| at_scale(experiment, claim, scale));
    let problems = halves.into_iter().chain(bound(&claim.expect)).chain(levels(claim));
    problems.chain(at_scales).map(|p| format!("claim {}: {p}", claim.id))
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

/// A level to reach must be a finite number.
fn levels(claim: &Claim) -> Option<String> {
    claim
        .quantity
        .readings()
        .into_iter()
        .find_map(|reading| match reading.at {
            At::Reaches(level) if !level.is_finite() => Some(("reaches", level)),
            At::FallsTo(level) if !level.is_finite() => Some(("falls_to", level)),
            _ => None,
        })
        .map(|(key, level)| format!("at has {key} = {level}: write a finite number"))
}

fn at_scale(experiment: &Experiment, claim: &Claim, scale: Scale) -> Vec<String> {
    let Some(last) = experiment.last_step(scale) else {
        return vec![format!("names scale {scale}, at which nothing runs")];
    };
    let readings = claim.quantity.readings();
    let series = readings.iter().filter(|reading| !experiment.records(scale, &reading.series));
    let series = series.map(|reading| format!("no series is called {}", reading.series));
    let steps = readings.iter().filter_map(|reading| step(experiment, reading, scale, last));
    let problems = axes(claim, &experiment.axes(scale)).into_iter().chain(series).chain(steps);
    problems.take(MOST).map(|p| format!("{p} at scale {scale}")).collect()
}

/// A step to read at must be one that is measured.
fn step(experiment: &Experiment, reading: &Reading, scale: Scale, last: u64) -> Option<String> {
    match reading.at {
        At::Step(step) if last < step => Some(format!("step {step} is beyond the last, {last},")),
        At::Step(step) if !experiment.measures_at(scale, step) => {
            Some(format!("step {step} is not one of those measured, such as the last, {last},"))
        }
        _ if last < reading.from => {
            Some(format!("from = {} is beyond the last step, {last},", reading.from))
        }
        _ => None,
    }
}

/// Every reading must name one value of every axis, and each value must be in the grid.
fn axes(claim: &Claim, axes: &[Axis]) -> Vec<String> {
    let readings = claim.quantity.readings();
    let each = claim.each.iter().flat_map(|(axis, values)| values.iter().map(move |v| (axis, v)));
    let own = readings.iter().flat_map(|reading| &reading.cell);
    let unknown = each.chain(own).filter_map(|(name, value)| {
        match axes.iter().find(|axis| axis.name == *name) {
            None => Some(format!("the grid has no axis {name}")),
            Some(axis) if !axis.values.contains(value) => {
                Some(format!("axis {name} has no value {value}"))
            }
            Some(_) => None,
        }
    });
    let unsaid = axes.iter().filter_map(|axis| {
        let given = claim.each.contains_key(&axis.name) || claim.along() == Some(&axis.name);
        let silent = |reading: &&Reading| !reading.cell.contains_key(&axis.name);
        (!given && readings.iter().any(silent))
            .then(|| format!("does not say which {} to read", axis.name))
    });
    let along = claim.along().filter(|along| axes.iter().all(|axis| axis.name != *along));
    let along = along.map(|along| format!("the grid has no axis {along} to walk along"));
    unknown.chain(unsaid).chain(along).take(MOST).collect()
}
