//! What a well-formed experiment may still get wrong; each problem names its remedy.

use std::collections::BTreeSet;

use super::{Experiment, Training, Worked};
use crate::cell::Axis;
use crate::claim::Claim;
use crate::scale::Scale;

impl Experiment {
    /// Everything wrong with the experiment; empty when it can run.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match (&self.worked, self.scales.is_empty()) {
            (Some(_), false) => problems.push("has both [worked] and [scale]: keep one".to_owned()),
            (None, true) => problems.push("has neither [worked] nor [scale]: add one".to_owned()),
            _ => {}
        }
        problems.extend(self.worked.iter().flat_map(worked));
        for (scale, training) in &self.scales {
            problems.extend(
                self::training(training).into_iter().map(|p| format!("scale {scale}: {p}")),
            );
        }
        problems.extend(unique("claim", self.claims.iter().map(|claim| &claim.id)));
        problems.extend(unique("figure", self.figures.iter().map(|figure| &figure.id)));
        problems.extend(self.claims.iter().flat_map(|claim| self.claim(claim)));
        problems.extend(self.figure_axes());
        problems
    }

    fn claim(&self, claim: &Claim) -> Vec<String> {
        let mut problems = Vec::new();
        if claim.scales.is_some() != claim.otherwise.is_some() {
            problems
                .push("names scales and says otherwise why not at the others, or neither".into());
        }
        let scales: Vec<Scale> = match &claim.scales {
            Some(scales) => scales.clone(),
            None if self.worked.is_some() => vec![Scale::Quick],
            None => self.scales.keys().copied().collect(),
        };
        for scale in scales {
            if !self.runs_at(scale) {
                problems.push(format!("names scale {scale}, at which nothing runs"));
                continue;
            }
            let axes = self.axes(scale);
            problems.extend(
                claim_axes(claim, &axes).into_iter().map(|p| format!("{p} at scale {scale}")),
            );
        }
        problems.into_iter().map(|p| format!("claim {}: {p}", claim.id)).collect()
    }

    fn figure_axes(&self) -> Vec<String> {
        let scales = self.scales.keys().copied().chain(self.worked.iter().map(|_| Scale::Quick));
        let known: BTreeSet<String> =
            scales.flat_map(|scale| self.axes(scale)).map(|axis| axis.name).collect();
        let mut problems = Vec::new();
        for figure in &self.figures {
            let named = [&figure.columns, &figure.rows, &figure.color].into_iter().flatten();
            for axis in named.chain(figure.only.keys()).filter(|axis| !known.contains(*axis)) {
                problems.push(format!("figure {}: the grid has no axis {axis}", figure.id));
            }
        }
        problems
    }
}

/// Every reading must name one value of every axis, and each value must be in the grid.
fn claim_axes(claim: &Claim, axes: &[Axis]) -> Vec<String> {
    let mut problems = Vec::new();
    let each = claim.each.iter().flat_map(|(axis, values)| values.iter().map(move |v| (axis, v)));
    let readings = claim.quantity.readings();
    let own = readings.iter().flat_map(|reading| &reading.cell);
    for (name, value) in each.chain(own) {
        match axes.iter().find(|axis| axis.name == *name) {
            None => problems.push(format!("the grid has no axis {name}")),
            Some(axis) if !axis.values.contains(value) => {
                problems.push(format!("axis {name} has no value {value}"));
            }
            Some(_) => {}
        }
    }
    for axis in axes {
        let given = claim.each.contains_key(&axis.name) || claim.along() == Some(&axis.name);
        if !given && readings.iter().any(|reading| !reading.cell.contains_key(&axis.name)) {
            problems.push(format!("does not say which {} to read", axis.name));
        }
    }
    if let Some(along) = claim.along().filter(|along| axes.iter().all(|axis| axis.name != *along)) {
        problems.push(format!("the grid has no axis {along} to walk along"));
    }
    problems
}

fn worked(worked: &Worked) -> Vec<String> {
    let names = |axes: Vec<Axis>| axes.into_iter().map(|axis| axis.name).collect::<BTreeSet<_>>();
    let all = names(worked.axes());
    let mut problems = rules([
        (0 < worked.steps, "steps must be at least 1"),
        (0 < worked.every, "every must be at least 1"),
        (0.0 < worked.rate && worked.rate.is_finite(), "rate must be positive and finite"),
        (worked.start.is_finite(), "start must be finite"),
        (!worked.sweep.is_empty(), "there must be a sweep"),
        (worked.sweep.iter().all(|s| names(s.axes()) == all), "all sweeps must name the same axes"),
    ]);
    problems.extend(empty_axes(&worked.axes()));
    problems
}

fn training(training: &Training) -> Vec<String> {
    let grid = &training.grid;
    let levels: Vec<f64> = grid.noise.clone().unwrap_or_else(|| vec![training.noise]);
    let clips = grid.clip.clone().unwrap_or_else(|| vec![training.clip]);
    let mut problems = rules([
        (0 < training.steps, "steps must be at least 1"),
        (0 < training.batch, "batch must be at least 1"),
        (0.0 < training.rate && training.rate.is_finite(), "rate must be positive and finite"),
        (!training.hidden.contains(&0), "a hidden layer must have at least 1 neuron"),
        (0 < training.probe, "probe must be at least 1 example"),
        (0 < training.seeds, "seeds must be at least 1 (claims need 3)"),
        (training.examples.is_none_or(|n| training.batch <= n), "batch must not exceed examples"),
        (training.examples.is_none_or(|n| training.probe <= n), "probe must not exceed examples"),
        (levels.iter().all(|p| (0.0..=100.0).contains(p)), "noise must be a percentage, 0 to 100"),
        (clips.iter().all(|c| 2 * c <= training.batch), "clip must be at most half the batch"),
    ]);
    problems.extend(empty_axes(&grid.axes()));
    problems
}

fn empty_axes(axes: &[Axis]) -> Vec<String> {
    let repeated =
        |axis: &Axis| (1..axis.values.len()).any(|i| axis.values[..i].contains(&axis.values[i]));
    let mut problems = Vec::new();
    for axis in axes {
        if axis.values.is_empty() {
            problems.push(format!("axis {} is empty: leave it out or give values", axis.name));
        }
        if repeated(axis) {
            problems.push(format!("axis {} repeats a value", axis.name));
        }
    }
    problems
}

/// The texts of the rules that are broken.
fn rules<const N: usize>(rules: [(bool, &str); N]) -> Vec<String> {
    rules.into_iter().filter(|(kept, _)| !kept).map(|(_, text)| text.to_owned()).collect()
}

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.filter(|id| !seen.insert(*id)).map(|id| format!("two {what}s are called {id}")).collect()
}
