//! What a well-formed experiment may still get wrong. Each problem names the key and its value, and
//! says what to write.

use std::collections::BTreeSet;

use super::{Experiment, Model, Training, When};
use crate::claim::Quantity;
use crate::claim::formula::parse_curve;
use crate::figure::{Figure, Kind, Play};
use crate::id::Id;
use crate::scale::Scale;

mod claims;
mod settings;

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
            settings::training(training).into_iter().map(move |p| format!("scale {scale}: {p}"))
        });
        let problems = kind
            .into_iter()
            .chain(self.worked.iter().flat_map(settings::worked))
            .chain(training)
            .chain(unique("claim", self.claims.iter().map(|claim| &claim.id)))
            .chain(unique("figure", self.figures.iter().map(|figure| &figure.id)))
            .chain(self.claims.iter().flat_map(|claim| claims::claim(self, claim)))
            .chain(self.figures.iter().flat_map(|figure| self.figure(figure)));
        problems.take(MOST).collect()
    }

    /// The last step at a scale; `None` where nothing runs.
    fn last_step(&self, scale: Scale) -> Option<u64> {
        match &self.worked {
            Some(worked) => Some(worked.steps),
            None => self.scales.get(&scale).map(|training| training.steps),
        }
    }

    /// Whether a run at a scale measures after `step` steps, which are not beyond the last.
    fn measures_at(&self, scale: Scale, step: u64) -> bool {
        let trained = |training: &Training| training.evaluate().is_due(step, training.steps);
        match &self.worked {
            Some(worked) => step == worked.steps || step.is_multiple_of(worked.every.max(1)),
            None => self.scales.get(&scale).is_some_and(trained),
        }
    }

    /// Whether a run at a scale records a series.
    fn records(&self, scale: Scale, series: &str) -> bool {
        match &self.worked {
            Some(worked) => worked.records(series),
            None => self.scales.get(&scale).is_some_and(|training| training.records(series)),
        }
    }

    /// Why no run at any of these scales records a series; `None` if some do.
    fn unrecorded(&self, scales: &[Scale], series: &str) -> Option<String> {
        let of_tests = series.starts_with("test.") && self.worked.is_none();
        let untested =
            |scale: &Scale| of_tests && self.scales.get(scale).is_some_and(has_no_test_examples);
        let mut known = scales.iter().filter(|scale| self.records(**scale, series)).peekable();
        if known.peek().is_none() {
            return Some(format!("no series is called {series}: docs/experiments.md lists them"));
        }
        known.all(untested).then(|| {
            format!("{series} needs test examples, and test_examples is 0: raise it or leave it out for all")
        })
    }

    /// The scales at which a setting can differ: one stands for all of a worked example.
    fn own_scales(&self) -> Vec<Scale> {
        match &self.worked {
            Some(_) => vec![Scale::Quick],
            None => self.scales.keys().copied().collect(),
        }
    }

    /// A figure names axes and series that are there at some scale, and its bounds are in order.
    fn figure(&self, figure: &Figure) -> Vec<String> {
        let scales = self.own_scales();
        let has_axis =
            |name: &str| scales.iter().any(|s| self.axes(*s).iter().any(|axis| axis.name == name));
        let unrecorded = |name: &str| self.unrecorded(&scales, name);
        let placed = [&figure.columns, &figure.rows, &figure.color].into_iter().flatten();
        let axes = placed.chain(figure.only.keys()).filter(|axis| !has_axis(axis));
        let axes = axes.map(|axis| format!("the grid has no axis {axis}"));
        let curves = figure.series.iter().chain(&figure.reference).chain(&figure.x);
        let is_x = |entry: &String| figure.x.as_ref() == Some(entry) && has_axis(entry);
        let curves = curves.filter(|entry| !is_x(entry));
        let curves = curves.flat_map(|entry| curve(entry, &has_axis, &unrecorded));
        let problems =
            axes.chain(curves).chain(levels(figure, &has_axis)).chain(play(figure, self));
        let problems = problems.chain(bounds(figure));
        problems.take(MOST).map(|p| format!("figure {}: {p}", figure.id)).collect()
    }
}

/// A curve is a formula of series, which are recorded, and of axes of the grid.
fn curve(
    entry: &str,
    has_axis: &dyn Fn(&str) -> bool,
    unrecorded: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let formula = match parse_curve(entry) {
        Ok(formula) => formula,
        Err(error) => return vec![format!("the curve {entry:?}: {error}")],
    };
    let series: Vec<&str> = formula.axes().into_iter().filter(|name| !has_axis(name)).collect();
    if series.is_empty() {
        return vec![format!("the curve {entry:?} has no series: write it as one of levels")];
    }
    series.into_iter().filter_map(unrecorded).collect()
}

/// Whether no cell of a scale has test examples.
fn has_no_test_examples(training: &Training) -> bool {
    let is_set = |when: &When| when.set.contains_key("test_examples");
    training.test_examples == Some(0) && !training.when.iter().any(is_set)
}

/// A level reads no series, and the grid has the axes in it.
fn levels(figure: &Figure, has_axis: &dyn Fn(&str) -> bool) -> Vec<String> {
    let problem = |(name, level): (&String, &Quantity)| {
        if level.is_outcome() || !level.readings().is_empty() {
            return Some(format!(
                "the level {name:?} is {level}: write a formula of numbers and axes of the grid"
            ));
        }
        let lost = level.axes().into_iter().find(|axis| !has_axis(axis))?;
        Some(format!("the level {name:?} has {lost}, which is no axis of the grid"))
    };
    figure.levels.iter().filter_map(problem).collect()
}

/// What is trained in the page is what the experiment trains.
fn play(figure: &Figure, experiment: &Experiment) -> Option<String> {
    let Some(Play::TwoNeurons) = figure.play else { return None };
    let same = experiment.worked.as_ref().is_some_and(|worked| worked.model == Model::TwoNeurons);
    let placed = figure.columns.as_deref() == Some("w1") && figure.rows.as_deref() == Some("w2");
    let map = figure.kind == Kind::HeatMap;
    (!(same && placed && map)).then(|| {
        "play = \"two-neurons\" needs a heat map with columns = \"w1\" and rows = \"w2\" of a worked \
         example whose model is \"two-neurons\""
            .to_owned()
    })
}

fn bounds(figure: &Figure) -> Option<String> {
    let (min, max) = (figure.y_min, figure.y_max);
    let finite = |bound: Option<f64>| bound.is_none_or(f64::is_finite);
    let ordered = min.zip(max).is_none_or(|(min, max)| min < max);
    let shown = |bound: Option<f64>| bound.map_or("absent".to_owned(), |bound| bound.to_string());
    (!finite(min) || !finite(max) || !ordered).then(|| {
        let (min, max) = (shown(min), shown(max));
        format!("y_min is {min} and y_max is {max}: write finite numbers, the smaller first")
    })
}

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a Id>) -> impl Iterator<Item = String> {
    let mut seen = BTreeSet::new();
    ids.filter(move |id| !seen.insert(*id)).map(move |id| format!("two {what}s are called {id}"))
}
