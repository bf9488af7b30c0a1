//! Worked examples: gradient descent on the tiny models, in f64, every run in memory.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::toy::{
    self as toys, DeepLinear, Example, L, Linear, M, Toy as _, TwoNeurons, gradients, mean_loss,
};
use coherence_core::aggregate::{CoordinateRule, Mean, Median};
use coherence_core::finite::Policy;
use coherence_core::{Coherence, Sums};

use crate::cell::{Cell, Setting};
use crate::record::Row;
use crate::spec::{Averaging, Keep, Model, Toy, Worked};

/// All rows of a worked example, cell by cell; `None` when `stop` is raised before the end.
///
/// | series | value |
/// |---|---|
/// | `train.loss`, `test.loss` | MEAN loss over examples 1–4, and of example 5 |
/// | `gap` | `test.loss` − `train.loss` |
/// | `coefficient.<j>` | what input j counts in the prediction: ∂ŷ/∂x⁽ʲ⁾, the models being linear in x |
/// | `alpha`, `m_coherence` | of the four per-example gradients |
/// | `<layer>.m_coherence` | of one layer's part of them |
/// | `<layer>.<j>` | parameter j of a layer, counted from 1 |
/// | `<layer>.<j>.alpha` | component-wise α of that parameter |
pub fn rows(worked: &Worked, stop: &AtomicBool) -> Option<Vec<Row>> {
    let cells = worked.cells();
    let rows =
        cells.iter().map(|(cell, keep)| Descent::new(worked, cell, *keep).rows(worked, stop));
    rows.collect::<Option<Vec<_>>>().map(|rows| rows.concat())
}

/// One run of gradient descent: where it stands and what it keeps.
struct Descent<'a> {
    cell: &'a Cell,
    keep: Keep,
    model: Model,
    data: &'static toys::Toys,
    averaging: Averaging,
    theta: Vec<f64>,
    rows: Vec<Row>,
}

impl<'a> Descent<'a> {
    fn new(worked: &Worked, cell: &'a Cell, keep: Keep) -> Self {
        let model = choice(cell, "model").unwrap_or(worked.model);
        let data = match choice(cell, "data").unwrap_or_default() {
            Toy::Real => &L,
            Toy::Random => &M,
        };
        let averaging = choice(cell, "rule").unwrap_or_default();
        let theta = start(model, worked.start, cell);
        Self { cell, keep, model, data, averaging, theta, rows: Vec::new() }
    }

    fn rows(self, worked: &Worked, stop: &AtomicBool) -> Option<Vec<Row>> {
        match self.model {
            Model::Linear => self.descend(&Linear, worked, stop),
            Model::DeepLinear => self.descend(&DeepLinear, worked, stop),
            Model::TwoNeurons => self.descend(&TwoNeurons, worked, stop),
        }
    }

    fn descend(
        mut self,
        model: &impl toys::Toy,
        worked: &Worked,
        stop: &AtomicBool,
    ) -> Option<Vec<Row>> {
        for step in 0..=worked.steps {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let last = step == worked.steps;
            match self.keep {
                Keep::Trajectory if last || step.is_multiple_of(worked.every) => {
                    self.losses(model, step);
                    self.coherence(model, step);
                }
                Keep::End if last => self.losses(model, step),
                _ => {}
            }
            self.step(model, step, worked.rate);
        }
        Some(self.rows)
    }

    fn step(&mut self, model: &impl toys::Toy, step: u64, rate: f64) {
        let all = self.data.train();
        // M3 takes the examples in turn, three a step.
        let drawn: Vec<Example>;
        let (examples, median) = match self.averaging {
            Averaging::Mean => (all, false),
            Averaging::Median => (all, true),
            Averaging::M3 => {
                drawn = (0..3).map(|i| all[(3 * step as usize + i) % all.len()]).collect();
                (drawn.as_slice(), true)
            }
        };
        toys::step(model, &mut self.theta, examples, rate, |values| {
            let result = match median {
                true => Median.aggregate(values, Policy::Propagate),
                false => Mean.aggregate(values, Policy::Propagate),
            };
            result.expect("each step has examples")
        });
    }

    fn losses(&mut self, model: &impl toys::Toy, step: u64) {
        let train = mean_loss(model, &self.theta, self.data.train());
        let test = mean_loss(model, &self.theta, self.data.test());
        self.row(step, "train.loss", train);
        self.row(step, "test.loss", test);
        self.row(step, "gap", test - train);
        for j in 0..6 {
            let mut unit = [0.0; 6];
            unit[j] = 1.0;
            let coefficient = model.predict(&self.theta, &unit);
            self.row(step, &format!("coefficient.{}", j + 1), coefficient);
        }
    }

    fn coherence(&mut self, model: &impl toys::Toy, step: u64) {
        let gradients = gradients(model, &self.theta, self.data.train());
        let d = model.parameters();
        let whole = columns(&gradients, d, 0..d);
        self.row(step, "alpha", whole.alpha());
        self.row(step, "m_coherence", whole.m_coherence());
        for part in model.layers() {
            let layer = columns(&gradients, d, part.range.clone());
            self.row(step, &format!("{}.m_coherence", part.name), layer.m_coherence());
            for (j, parameter) in part.range.enumerate() {
                let name = format!("{}.{}", part.name, j + 1);
                self.row(step, &name, self.theta[parameter]);
                let alone = columns(&gradients, d, parameter..parameter + 1);
                self.row(step, &format!("{name}.alpha"), alone.alpha());
            }
        }
    }

    fn row(&mut self, step: u64, series: &str, value: f64) {
        let series = series.to_owned();
        self.rows.push(Row { cell: self.cell.clone(), seed: 0, step, series, value });
    }
}

/// Coherence of some columns of the per-example gradients [m, d].
fn columns(gradients: &[f64], d: usize, range: std::ops::Range<usize>) -> Coherence {
    let mut sums = Sums::zeros(range.len());
    for row in gradients.chunks_exact(d) {
        sums.add(&row[range.clone()]).expect("the worked examples stay finite");
    }
    sums.coherence()
}

/// Linear regression starts at 0, which for a model with depth would be a stationary point.
fn start(model: Model, start: f64, cell: &Cell) -> Vec<f64> {
    let number = |axis| match cell.get(axis) {
        Some(Setting::Number(value)) => *value,
        _ => start,
    };
    match model {
        Model::Linear => vec![0.0; Linear.parameters()],
        Model::DeepLinear => vec![start; DeepLinear.parameters()],
        Model::TwoNeurons => {
            let mut theta = vec![start; TwoNeurons.parameters()];
            theta[TwoNeurons::W].copy_from_slice(&[number("w1"), number("w2")]);
            theta
        }
    }
}

/// The cell's word on an axis as the enum that it came from.
fn choice<T: serde::de::DeserializeOwned>(cell: &Cell, axis: &str) -> Option<T> {
    let word = |value: &Setting| toml::Value::String(value.to_string()).try_into();
    cell.get(axis).map(|value| word(value).expect("a cell of a sweep holds the words of its axes"))
}
