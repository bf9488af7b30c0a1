//! What a well-formed experiment may still get wrong; each problem names its remedy.

use std::collections::BTreeSet;

use super::{Experiment, Training, Worked};
use crate::cell::Axis;
use crate::claim::{Claim, Reading};
use crate::scale::Scale;

/// Problems that are told at once: more would not be read, and their texts repeat the file's names.
const MOST: usize = 16;

impl Experiment {
    /// The first few things wrong with the experiment; empty when it can run.
    pub fn problems(&self) -> Vec<String> {
        let kind = match (&self.worked, self.scales.is_empty()) {
            (Some(_), false) => Some("has both [worked] and [scale]: keep one".to_owned()),
            (None, true) => Some("has neither [worked] nor [scale]: add one".to_owned()),
            _ => None,
        };
        let training = self.scales.iter().flat_map(|(scale, training)| {
            self::training(training).into_iter().map(move |p| format!("scale {scale}: {p}"))
        });
        let problems = kind
            .into_iter()
            .chain(self.worked.iter().flat_map(worked))
            .chain(training)
            .chain(unique("claim", self.claims.iter().map(|claim| &claim.id)))
            .chain(unique("figure", self.figures.iter().map(|figure| &figure.id)))
            .chain(self.claims.iter().flat_map(|claim| self.claim(claim)))
            .chain(self.figure_axes());
        problems.take(MOST).collect()
    }

    fn claim(&self, claim: &Claim) -> impl Iterator<Item = String> {
        let halves = claim.scales.is_some() != claim.otherwise.is_some();
        let halves = halves.then(|| {
            "names scales and says otherwise why not at the others, or neither".to_owned()
        });
        let scales: Vec<Scale> = match &claim.scales {
            Some(scales) => scales.clone(),
            None if self.worked.is_some() => vec![Scale::Quick],
            None => self.scales.keys().copied().collect(),
        };
        let at_scales = scales.into_iter().flat_map(|scale| self.claim_at(claim, scale));
        halves.into_iter().chain(at_scales).map(|p| format!("claim {}: {p}", claim.id))
    }

    fn claim_at(&self, claim: &Claim, scale: Scale) -> Vec<String> {
        if !self.runs_at(scale) {
            return vec![format!("names scale {scale}, at which nothing runs")];
        }
        let problems = claim_axes(claim, &self.axes(scale));
        problems.into_iter().map(|p| format!("{p} at scale {scale}")).collect()
    }

    fn figure_axes(&self) -> impl Iterator<Item = String> {
        let scales = self.scales.keys().copied().chain(self.worked.iter().map(|_| Scale::Quick));
        let known: BTreeSet<String> =
            scales.flat_map(|scale| self.axes(scale)).map(|axis| axis.name).collect();
        self.figures.iter().flat_map(move |figure| {
            let named = [&figure.columns, &figure.rows, &figure.color].into_iter().flatten();
            let unknown = named.chain(figure.only.keys()).filter(|axis| !known.contains(*axis));
            let texts =
                unknown.map(|axis| format!("figure {}: the grid has no axis {axis}", figure.id));
            texts.take(MOST).collect::<Vec<_>>()
        })
    }
}

/// Every reading must name one value of every axis, and each value must be in the grid.
fn claim_axes(claim: &Claim, axes: &[Axis]) -> Vec<String> {
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

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a String>) -> impl Iterator<Item = String> {
    let mut seen = BTreeSet::new();
    ids.filter(move |id| !seen.insert(*id)).map(move |id| format!("two {what}s are called {id}"))
}
