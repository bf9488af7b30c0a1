//! A network to train at one scale: data, noise, shape, optimiser, grid, seeds.

use std::collections::BTreeMap;

use coherence_data::digits;
use coherence_train::Aggregation;
use serde::{Deserialize, Serialize};

use super::axes::{numbers, present, words};
use crate::cell::{Axis, Cell, Setting};

/// Settings of a training experiment at one scale. An axis of the grid overrides the setting of its
/// name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Where the examples come from.
    pub dataset: Dataset,
    /// How many training examples, the first of a seeded shuffle; absent is all.
    pub examples: Option<usize>,
    /// How many test examples, likewise.
    pub test_examples: Option<usize>,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Examples in a mini-batch.
    pub batch: usize,
    /// Learning rate, constant.
    pub rate: f64,
    /// Steps of training.
    pub steps: u64,
    /// What is done to the training data.
    pub data: Data,
    /// Percentage of the training examples that it is done to.
    #[serde(default)]
    pub noise: f64,
    /// Winsorisation count c: the c smallest and c largest of the batch's gradients are clipped, coordinate
    /// by coordinate; 0 is plain SGD.
    #[serde(default)]
    pub clip: usize,
    /// How the gradients of a mini-batch become an update, in place of `clip`: `"winsorized:2"`,
    /// `"median-of-means:3"`, `"m3"`, `"rm3"` ….
    pub rule: Option<Aggregation>,
    /// Training examples over which coherence is measured.
    pub probe: usize,
    /// Number of seeds; the runs use first_seed, first_seed + 1, ….
    pub seeds: u64,
    /// The first seed: above those whose results were seen when a claim took its form.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub first_seed: u64,
    /// What varies.
    #[serde(default)]
    pub grid: Grid,
}

/// The axes of a training grid, in the order of a cell; an absent axis does not vary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Data sets.
    pub dataset: Option<Vec<Dataset>>,
    /// Kinds of data.
    pub data: Option<Vec<Data>>,
    /// Percentages of noise.
    pub noise: Option<Vec<f64>>,
    /// Winsorisation counts.
    pub clip: Option<Vec<usize>>,
    /// Rules.
    pub rule: Option<Vec<Aggregation>>,
}

/// A data set with a training and a test part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dataset {
    /// The embedded subset of MNIST: 10,000 and 2,000 examples.
    Digits,
    /// 60,000 and 10,000 handwritten digits.
    Mnist,
    /// 60,000 and 10,000 articles of clothing.
    FashionMnist,
}

/// What is done to the training data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// Nothing.
    Real,
    /// The labels of `noise` percent of the examples are permuted among themselves (CG20).
    PermutedLabels,
    /// The labels of `noise` percent of the examples are drawn anew (WS20).
    RedrawnLabels,
    /// The pixels of `noise` percent of the examples are Gaussian noise (GM22).
    RandomPixels,
}

impl Dataset {
    /// Numbers of training and of test examples.
    pub fn sizes(self) -> (usize, usize) {
        match self {
            Self::Digits => (digits::TRAIN, digits::TEST),
            Self::Mnist | Self::FashionMnist => (60_000, 10_000),
        }
    }

    /// The name that [`coherence_data::open`] knows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
        }
    }
}

impl Grid {
    /// The axes that vary, in order.
    pub fn axes(&self) -> Vec<Axis> {
        present([
            ("dataset", words(&self.dataset)),
            ("data", words(&self.data)),
            ("noise", numbers(&self.noise, f64::from)),
            ("clip", numbers(&self.clip, |count| count as f64)),
            ("rule", words(&self.rule)),
        ])
    }
}

fn one() -> u64 {
    1
}

fn is_one(seed: &u64) -> bool {
    *seed == 1
}

impl Training {
    /// Inputs of the network: the pixels of an image, 28 × 28 in each of our data sets.
    pub const INPUTS: usize = 784;
    /// Outputs of the network: the classes.
    pub const CLASSES: usize = 10;

    /// Widths of the network's layers, from the pixels to the classes.
    pub fn widths(&self) -> Vec<usize> {
        [&[Self::INPUTS], &self.hidden[..], &[Self::CLASSES]].concat()
    }

    /// Number of parameters d of the network; saturates for widths that no network has.
    pub fn parameters(&self) -> usize {
        let layers = self.widths();
        let sizes = layers.windows(2).map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]));
        sizes.fold(0, usize::saturating_add)
    }

    /// How the gradients of a mini-batch become an update.
    pub fn aggregation(&self) -> Aggregation {
        self.rule.unwrap_or(match self.clip {
            0 => Aggregation::Mean,
            clip => Aggregation::Winsorized { clip },
        })
    }

    /// The settings of one cell, the grid gone. `None` for a cell that is not of this grid.
    pub fn with_cell(&self, cell: &Cell) -> Option<Training> {
        let mut settings = toml::Table::try_from(self).expect("settings are a plain table");
        settings.remove("grid");
        for (axis, value) in &cell.0 {
            let value = match value {
                Setting::Text(word) => toml::Value::String(word.clone()),
                // `clip` is a count, the other axes are percentages.
                Setting::Number(count) if axis == "clip" => toml::Value::Integer(*count as i64),
                Setting::Number(number) => toml::Value::Float(*number),
            };
            settings.insert(axis.clone(), value);
        }
        settings.try_into().ok()
    }

    /// The settings by name, as text to be shown.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let mut settings = toml::Table::try_from(self).expect("settings are a plain table");
        settings.remove("grid");
        for axis in self.grid.axes() {
            settings.remove(&axis.name);
        }
        settings.into_iter().map(|(name, value)| (name, value.to_string())).collect()
    }
}
