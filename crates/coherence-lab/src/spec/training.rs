//! A network to train at one scale: data, noise, network, optimiser, grid, seeds.

use std::collections::BTreeMap;

use coherence_data::augment::Augmentation;
use coherence_data::folder::Framing;
use coherence_data::{Normalization, Shape};
use coherence_nn::model::{Architecture, mlp_of_images};
use coherence_nn::{Activation, Graph, GraphError, device::Device, loss::Loss};
use coherence_train::{Aggregation, Attribution, Config, RateSchedule, Schedule, Watch};
use serde::{Deserialize, Serialize};

use super::axes::{numbers, present, words};
use super::text::Text;
use super::{Bound, Dataset, Difficulty, Initial, Single, Subset, When};
use crate::cell::{Axis, Cell, Setting};

/// Settings of a training experiment at one scale. An axis of the grid overrides the setting of its
/// name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Where the examples come from: `"digits"`, `"mnist"`, `"cifar10"`, `"folder:DIR"` ….
    pub dataset: Dataset,
    /// How many training examples, the first of a seeded shuffle; absent is all.
    pub examples: Option<usize>,
    /// How many test examples, likewise.
    pub test_examples: Option<usize>,
    /// The length to which the shorter side of a folder's images is resized, before the middle square is cut
    /// out.
    pub size: Option<usize>,
    /// How the inputs are normalised after any noise: `"imagenet"`, `"cifar10"`, `"mnist"` or
    /// `"MEAN,…/STD,…"`; absent is pixel/255.
    pub normalize: Option<Text<Normalization>>,
    /// The network, as `coherence list models` names it: `"resnet18:cifar"`.
    pub model: Option<Text<Architecture>>,
    /// Instead of `model`: widths of the hidden layers of a perceptron.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hidden: Vec<usize>,
    /// The activation function of a perceptron's hidden layers; absent is `"relu"`.
    pub activation: Option<Text<Activation>>,
    /// Examples in a mini-batch.
    pub batch: usize,
    /// Examples in one forward and backward pass; absent is the whole mini-batch.
    pub micro_batch: Option<usize>,
    /// The loss of an example: `"cross-entropy:0.1"` (with label smoothing) or `"squared-error"`; absent is
    /// `"cross-entropy"`.
    pub loss: Option<Text<Loss>>,
    /// Learning rate.
    pub rate: f64,
    /// How the learning rate changes: `"constant"`, `"steps:A,B,…"` or `"cosine"`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: RateSchedule,
    /// Steps of linear warm-up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub warmup: u64,
    /// Momentum.
    #[serde(default, skip_serializing_if = "is_default")]
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nesterov: bool,
    /// Weight decay, coupled.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight_decay: f64,
    /// The weights with which training begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initial: Initial,
    /// Steps of the training before, where it begins with trained weights.
    pub pretraining: Option<u64>,
    /// Steps of training.
    pub steps: u64,
    /// Steps between measurements; absent is 0, 1, …, 9, 10, 20, …, 90, 100, 200, …, as in the papers.
    pub every: Option<u64>,
    /// Instead of `every`: measured whenever the loss of a mini-batch is so many per cent lower than at the last
    /// such time.
    pub low_water: Option<u64>,
    /// Training examples of each kind, pristine and corrupt, whose loss and accuracy are measured; absent is all
    /// of both.
    pub sample: Option<usize>,
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
    /// Whether batch normalisation uses running statistics, estimated before the first step, instead of
    /// those of the mini-batch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub running_statistics: bool,
    /// Whether dropout layers drop anything; absent is true.
    pub dropout: Option<bool>,
    /// Random crops and flips of the training images, as `"crop:4,flip"`; absent is none.
    pub augment: Option<Augmentation>,
    /// Training examples over which coherence is measured.
    pub probe: usize,
    /// What is recorded beyond the whole network: `"layer"`, `"group"`, `"activity"`, `"imputed"`,
    /// `"imputed-layer"`, `"imputed-group"`, `"half"`, `"test"`, `"learned"`; absent is the first two.
    pub watch: Option<Vec<Watch>>,
    /// Samples over which the decrease of the loss is attributed to pristine and to corrupt examples, by name:
    /// `{ sample = { examples = 400, weights = 300, null_worlds = 3 } }`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attribution: BTreeMap<String, Attribution>,
    /// The generalisation bound of GM22 along the run; absent is not evaluated.
    pub bound: Option<Bound>,
    /// How the difficulty of the examples is found before the run; absent is not at all.
    pub difficulty: Option<Difficulty>,
    /// Which examples the run trains on, by their difficulty: `"all"`, `"easy"` or `"hard"`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub subset: Subset,
    /// How long single examples take to be fitted alone; absent is not measured.
    pub single: Option<Single>,
    /// Number of seeds; the runs use first_seed, first_seed + 1, ….
    pub seeds: u64,
    /// The first seed: above those whose results were seen when a claim took its form.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub first_seed: u64,
    /// What varies.
    #[serde(default)]
    pub grid: Grid,
    /// Settings of some cells of the grid; of two that set the same key, the later counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: Vec<When>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The axes of a training grid, in the order of a cell; an absent axis does not vary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Data sets.
    pub dataset: Option<Vec<Dataset>>,
    /// Networks.
    pub model: Option<Vec<Text<Architecture>>>,
    /// Kinds of data.
    pub data: Option<Vec<Data>>,
    /// Examples by their difficulty.
    pub subset: Option<Vec<Subset>>,
    /// Percentages of noise.
    pub noise: Option<Vec<f64>>,
    /// Winsorisation counts.
    pub clip: Option<Vec<usize>>,
    /// Rules.
    pub rule: Option<Vec<Aggregation>>,
    /// Initial weights.
    pub initial: Option<Vec<Initial>>,
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

impl Grid {
    /// The axes that vary, in order.
    pub fn axes(&self) -> Vec<Axis> {
        present([
            ("dataset", words(&self.dataset)),
            ("model", words(&self.model)),
            ("data", words(&self.data)),
            ("subset", words(&self.subset)),
            ("noise", numbers(&self.noise, f64::from)),
            ("clip", numbers(&self.clip, |count| count as f64)),
            ("rule", words(&self.rule)),
            ("initial", words(&self.initial)),
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
    /// Steps that a `kill -9` can cost.
    const CHECKPOINT_EVERY: u64 = 1000;

    /// The network for images of this shape and so many classes.
    ///
    /// # Errors
    ///
    /// [`GraphError`] if the layers do not fit the images.
    pub fn network<D: Device<f32>>(
        &self,
        image: Shape,
        classes: usize,
    ) -> Result<Graph<f32, D>, GraphError> {
        let activation = self.activation.as_deref().copied().unwrap_or_default();
        let input = coherence_nn::Shape::image(image.height, image.width, image.channels);
        match &self.model {
            None => mlp_of_images(input, &self.widths(image, classes)[1..], activation),
            Some(model) => model.build(input, classes, activation),
        }
    }

    /// Widths of a perceptron's layers, from the pixels to the classes.
    pub fn widths(&self, image: Shape, classes: usize) -> Vec<usize> {
        [&[image.features()], &self.hidden[..], &[classes]].concat()
    }

    /// What is recorded beyond the whole network.
    pub fn watch(&self) -> Vec<Watch> {
        self.watch.clone().unwrap_or_else(|| vec![Watch::Layer, Watch::Group])
    }

    /// Steps of an epoch ([`Config::steps_of_epoch`]). `None` where the number of examples is not known before the
    /// data are read or is too small for a mini-batch, and where cells differ.
    pub fn steps_of_epoch(&self) -> Option<u64> {
        let cells = Cell::product(&self.grid.axes());
        let mut epochs = cells.iter().map(|cell| self.with_cell(cell)?.steps_of_own_epoch());
        let first = epochs.next()??;
        epochs.all(|steps| steps == Some(first)).then_some(first)
    }

    /// Likewise of a run with these settings, whatever the grid.
    fn steps_of_own_epoch(&self) -> Option<u64> {
        let whole = self.dataset.sizes().map(|(train, _)| train);
        let steps =
            self.config(self.first_seed).steps_of_epoch(self.training_examples().or(whole)?);
        (0 < steps).then_some(steps)
    }

    /// How a folder's images are cut.
    pub fn framing(&self) -> Framing {
        self.size.map_or(Framing::Original, Framing::square)
    }

    /// The settings of a run of this seed.
    pub fn config(&self, seed: u64) -> Config {
        Config {
            batch: self.batch,
            micro_batch: self.micro_batch,
            loss: self.loss.as_deref().copied().unwrap_or_default(),
            rate: self.rate,
            schedule: self.schedule.clone(),
            warmup: self.warmup,
            momentum: self.momentum,
            nesterov: self.nesterov,
            weight_decay: self.weight_decay,
            steps: self.steps,
            aggregation: self.aggregation(),
            batch_statistics: !self.running_statistics,
            dropout: self.dropout.unwrap_or(true),
            seed,
            evaluate: self.evaluate(),
            sample: self.sample,
            augmentation: self.augment,
            probe: self.probe,
            watch: self.watch(),
            attribution: self.attribution.clone(),
            checkpoint_every: Self::CHECKPOINT_EVERY,
            ..Config::default()
        }
    }

    /// The number of examples that a run trains on; `None` for all of the data set.
    pub fn training_examples(&self) -> Option<usize> {
        match (self.difficulty, self.subset) {
            (Some(difficulty), Subset::All) => difficulty.examples,
            _ => self.examples,
        }
    }

    /// A stage before a run: `steps` steps of the same network from random weights on the data without noise,
    /// measured at the end over all examples, with nothing watched.
    pub fn preliminary(&self, steps: u64) -> Self {
        Self {
            initial: Initial::Random,
            pretraining: None,
            data: Data::Real,
            noise: 0.0,
            steps,
            every: Some(steps),
            low_water: None,
            sample: None,
            watch: Some(Vec::new()),
            attribution: BTreeMap::new(),
            bound: None,
            single: None,
            ..self.clone()
        }
    }

    /// The steps at which a run is measured.
    pub fn evaluate(&self) -> Schedule {
        match (self.every, self.low_water) {
            (_, Some(percent)) => Schedule::LowWater { percent },
            (Some(steps), None) => Schedule::Every { steps },
            (None, None) => Schedule::Decades,
        }
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
        settings.remove("when");
        for (axis, value) in &cell.0 {
            let value = match value {
                Setting::Text(word) => toml::Value::String(word.clone()),
                // `clip` is a count, the other axes are percentages.
                Setting::Number(count) if axis == "clip" => toml::Value::Integer(*count as i64),
                Setting::Number(number) => toml::Value::Float(*number),
            };
            settings.insert(axis.clone(), value);
        }
        for when in self.when.iter().filter(|when| when.applies_to(cell)) {
            settings.extend(when.set.clone());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scale::Scale, spec::Library};

    #[test]
    fn an_epoch_is_told_where_it_has_the_same_steps_in_all_cells() {
        let mut settings = Library::Embedded.load("C1").unwrap().scales[&Scale::Smoke].clone();
        settings.examples = Some(100);
        settings.batch = 20;
        let rule = |set: &str| {
            let cell = settings.grid.axes()[0].values[0].clone();
            let cell = BTreeMap::from([(settings.grid.axes()[0].name.clone(), cell)]);
            When { cell, set: set.parse().unwrap() }
        };
        let epoch =
            |set: &str| Training { when: vec![rule(set)], ..settings.clone() }.steps_of_epoch();
        assert_eq!(settings.steps_of_epoch(), Some(5));
        assert_eq!(epoch("rate = 0.01"), Some(5));
        assert_eq!(epoch("batch = 10"), None);
        assert_eq!(epoch("examples = 60"), None);
        assert_eq!(epoch("batch = 10\nexamples = 50"), Some(5));
    }
}
