//! A worked example of GM22: a tiny model on five examples, the same at every scale.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::axes::{numbers, present, words};
use crate::cell::{Axis, Cell};

/// Gradient descent on a model of [`crate::toy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worked {
    /// The model, where it is no axis of the sweeps.
    #[serde(default)]
    pub model: Model,
    /// Steps of descent.
    pub steps: u64,
    /// Learning rate.
    pub rate: f64,
    /// Start of every parameter of a model with depth; linear regression starts at 0.
    pub start: f64,
    /// A row is kept every so many steps, and at the last.
    pub every: u64,
    /// What varies; a later sweep leaves out the cells of an earlier one.
    pub sweep: Vec<Sweep>,
}

/// A grid of worked examples. Every axis must be in each sweep of an experiment or in none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// What is kept of each run.
    pub keep: Keep,
    /// Models; absent is that of the example.
    pub model: Option<Vec<Model>>,
    /// Data; absent is real.
    pub data: Option<Vec<Toy>>,
    /// Averages of the per-example gradients; absent is the mean.
    pub rule: Option<Vec<Averaging>>,
    /// Starts of the bad neuron's output weight; absent is `start`.
    pub w1: Option<Vec<f64>>,
    /// Starts of the good neuron's output weight; absent is `start`.
    pub w2: Option<Vec<f64>>,
}

/// What is kept of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Losses, coefficients, weights and coherence along the way.
    Trajectory,
    /// The losses and the coefficients of the inputs after the last step.
    End,
}

/// A tiny model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Example 1: linear regression.
    #[default]
    Linear,
    /// Example 7: the weight of an input is a product of two parameters.
    DeepLinear,
    /// Example 8: a memorising and a learning neuron.
    TwoNeurons,
}

/// A tiny data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Toy {
    /// L: an input is common to all examples.
    #[default]
    Real,
    /// M: every example has its own input only.
    Random,
}

/// How per-example gradients become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Averaging {
    /// Gradient descent.
    #[default]
    Mean,
    /// Winsorised gradient descent with c = 50: the component-wise median (Example 5).
    Median,
    /// M3 with a micro-batch of one: the median of three examples, in turn (Example 6).
    M3,
}

impl Sweep {
    /// The axes that vary, in the order of a cell.
    pub(super) fn axes(&self) -> Vec<Axis> {
        present([
            ("model", words(&self.model)),
            ("data", words(&self.data)),
            ("rule", words(&self.rule)),
            ("w1", numbers(&self.w1, f64::from)),
            ("w2", numbers(&self.w2, f64::from)),
        ])
    }
}

impl Worked {
    /// The settings by name, as text to be shown.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let of = |(name, value): (&str, String)| (name.to_owned(), value);
        let settings = [
            ("steps", self.steps.to_string()),
            ("rate", self.rate.to_string()),
            ("start", format!("{} (linear regression: 0)", self.start)),
        ];
        settings.map(of).into()
    }

    /// The axes of all sweeps together: every value once, in the order of its first appearance.
    pub fn axes(&self) -> Vec<Axis> {
        let mut all: Vec<Axis> = Vec::new();
        for axis in self.sweep.iter().flat_map(Sweep::axes) {
            let Some(known) = all.iter_mut().find(|known| known.name == axis.name) else {
                all.push(axis);
                continue;
            };
            for value in axis.values {
                if !known.values.contains(&value) {
                    known.values.push(value);
                }
            }
        }
        all
    }

    /// Every cell once, with what is kept of it.
    pub fn cells(&self) -> Vec<(Cell, Keep)> {
        let mut cells: Vec<(Cell, Keep)> = Vec::new();
        for sweep in &self.sweep {
            for cell in Cell::product(&sweep.axes()) {
                if cells.iter().all(|(known, _)| *known != cell) {
                    cells.push((cell, sweep.keep));
                }
            }
        }
        cells
    }
}
