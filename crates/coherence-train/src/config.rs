//! The settings of a run.

use crate::{Aggregation, Attribution, Misfit, RateSchedule, Schedule, Watch};
use coherence_core::aggregate::AggregateError;
use coherence_data::{ReadError, augment::Augmentation};
use coherence_nn::{Graph, device::Device, loss::Loss};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The settings of one run. With a model and data sets they determine every result bit for bit.
///
/// ```
/// use coherence_train::{Aggregation, Config};
/// let config = Config {
///     batch: 100,
///     rate: 0.1,
///     steps: 60_000,
///     aggregation: Aggregation::Winsorized { clip: 2 },
///     ..Config::default()
/// };
/// assert_eq!(config.check(60_000), Ok(()));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Examples in a mini-batch, k.
    pub batch: usize,
    /// Examples in one forward and backward pass, a divisor of `batch`; `None` for the whole mini-batch.
    ///
    /// The gradients of the passes are added before the update (gradient accumulation), so that the memory
    /// for activations is that of one pass. Not defined for the winsorised mean, which needs the gradients of all
    /// examples at once; the winsorised mean of the mean gradients of K groups is `winsorized:CLIP@K`.
    ///
    /// Rules over groups keep the mean gradients of all groups, K times d values. On the processor results are, bit for
    /// bit, those of one pass if each group lies in one pass (k / K is a divisor of this number) and nothing is
    /// dropped; else they differ by the rounding of sums. Batch normalisation by the statistics of the batch uses
    /// those of each pass, so that results then depend on this number.
    pub micro_batch: Option<usize>,
    /// The loss of an example.
    #[serde(with = "crate::text")]
    pub loss: Loss,
    /// Learning rate η. Multiplied by the factor of `schedule`, it scales the direction, which for the rule
    /// `mean` is the MEAN gradient of a mini-batch.
    pub rate: f64,
    /// How the learning rate changes.
    pub schedule: RateSchedule,
    /// Mini-batches of linear warm-up, W; 0 for none (see [`RateSchedule`]).
    pub warmup: u64,
    /// Momentum μ, 0 ≤ μ < 1: v ← μ v + g, w ← w − η v, where g is the direction of the rule. 0 is plain SGD,
    /// which needs no buffer for v. Steps in which a rule over time holds the weights leave v as it is.
    ///
    /// WS20 (§3) turned momentum off with RM3 because training was unstable, and reports that values lower than
    /// usual work, such as 0.7 in place of 0.9.
    pub momentum: f64,
    /// Whether momentum is Nesterov's, as in PyTorch: w ← w − η (g + μ v).
    pub nesterov: bool,
    /// Weight decay λ ≥ 0, coupled (L2): λ w is added to the direction, before momentum. For the rules over time
    /// it is added to the gradient of each mini-batch, before the median or mean (WS20 §3).
    pub weight_decay: f64,
    /// The number of mini-batches to process, T.
    pub steps: u64,
    /// How a mini-batch's gradients become a direction.
    pub aggregation: Aggregation,
    /// Whether batch normalisation uses the statistics of the mini-batch, as PyTorch does in training mode,
    /// or else the running ones, which then do not change during training. Without such layers it makes no
    /// difference.
    pub batch_statistics: bool,
    /// If batch normalisation uses the running statistics: the number of mini-batches from which they are
    /// estimated before the first step, or 0 to train with those that the model has.
    ///
    /// They are the mean of the statistics of the passes over these mini-batches, computed with the initial
    /// weights (PyTorch's `momentum=None`), and do not change during training. The layer is then an affine map,
    /// and each example has a gradient of its own. As the weights change, activations are normalised less
    /// exactly.
    pub estimation_batches: u64,
    /// Whether dropout layers and stochastic depth drop anything in training.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub dropout: bool,
    /// Random crops and flips of the images of a mini-batch, different in each epoch; `None` for none. All
    /// measurements, including those of the probe sample, are of the original images.
    pub augmentation: Option<Augmentation>,
    /// The seed of the order of the examples, of their augmentation and of the probe sample.
    pub seed: u64,
    /// The steps at which the network is measured.
    pub evaluate: Schedule,
    /// Training examples of each kind, pristine and corrupt, whose loss and accuracy are measured: a fixed sample,
    /// with all of a kind of which there are fewer; `None` for the whole training set (WS20, Fig. 1: 50,000).
    ///
    /// The loss and accuracy of the training set are then the MEAN over both kinds, weighted by their shares in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<usize>,
    /// Training examples in the probe sample over which coherence is measured; 0 for none, at most
    /// the whole training set.
    pub probe: usize,
    /// What is recorded beyond the whole network.
    pub watch: Vec<Watch>,
    /// Samples over which the decrease of the loss is attributed to pristine and to corrupt examples, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attribution: BTreeMap<String, Attribution>,
    /// Steps between checkpoints; 0 for only one, at the end or when the run is stopped.
    pub checkpoint_every: u64,
}

/// Plain SGD with rate 0.1 over 1,000 mini-batches of 100, measured at each decade without a probe sample.
impl Default for Config {
    fn default() -> Self {
        Self {
            batch: 100,
            micro_batch: None,
            loss: Loss::default(),
            rate: 0.1,
            schedule: RateSchedule::Constant,
            warmup: 0,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            steps: 1000,
            aggregation: Aggregation::Mean,
            batch_statistics: true,
            estimation_batches: 10,
            dropout: true,
            augmentation: None,
            seed: 1,
            evaluate: Schedule::Decades,
            sample: None,
            probe: 0,
            watch: vec![Watch::Layer, Watch::Group],
            attribution: BTreeMap::new(),
            checkpoint_every: 0,
        }
    }
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

/// A [`Config`] that cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The mini-batch is empty or larger than the training set.
    #[error("batch is {batch} (must lie in 1..={examples}, the size of the training set)")]
    Batch {
        /// The size requested.
        batch: usize,
        /// The size of the training set.
        examples: usize,
    },
    /// The aggregation is not defined for mini-batches of this size.
    #[error("{aggregation} of mini-batches of {batch}: {source}")]
    Aggregation {
        /// The aggregation requested.
        aggregation: Aggregation,
        /// The size of the mini-batch.
        batch: usize,
        /// The core's error.
        source: AggregateError,
    },
    /// The rule needs per-example gradients, which a layer does not have.
    #[error(
        "{aggregation} needs a gradient for each example, but layer {layer} normalises by the statistics \
         of the mini-batch, which makes its examples depend on each other (normalise by the running \
         statistics, take a network with group normalisation, or use a rule over time: m3, a3, rm3, ra3)"
    )]
    Coupled {
        /// The aggregation requested.
        aggregation: Aggregation,
        /// The first such layer.
        layer: String,
    },
    /// The learning rate is not a positive number.
    #[error("rate is {0} (must be positive and finite)")]
    Rate(f64),
    /// The momentum is not a number from 0 to 1.
    #[error("momentum is {0} (must be at least 0 and less than 1)")]
    Momentum(f64),
    /// Nesterov's momentum without momentum.
    #[error("nesterov without momentum (set momentum, for example 0.9, or leave nesterov out)")]
    Nesterov,
    /// The weight decay is negative or not finite.
    #[error("weight decay is {0} (must be finite and at least 0)")]
    WeightDecay(f64),
    /// Training would not end.
    #[error(
        "{0} steps (must be at most {most}: at a hundred thousand a second these take four months; \
         take fewer steps or epochs)",
        most = Config::MOST_STEPS
    )]
    Steps(u64),
    /// The warm-up does not end before training does.
    #[error("warm-up of {warmup} steps (must be less than the {steps} steps of training)")]
    Warmup {
        /// Mini-batches of warm-up.
        warmup: u64,
        /// Mini-batches of training.
        steps: u64,
    },
    /// The mini-batch is not a whole number of passes.
    #[error("micro-batch is {micro_batch} (must divide the batch, which is {batch})")]
    MicroBatch {
        /// Examples in a pass.
        micro_batch: usize,
        /// Examples in a mini-batch.
        batch: usize,
    },
    /// The rule needs the gradients of all examples of a mini-batch at once.
    #[error(
        "{aggregation} needs all examples of a mini-batch in one pass (leave the micro-batch out, or take \
         {aggregation}@GROUPS, over the mean gradients of groups)"
    )]
    InPasses {
        /// The aggregation requested.
        aggregation: Aggregation,
    },
    /// A single example has no statistics to normalise by.
    #[error(
        "passes of 1 example, but layer {layer} normalises by the statistics of the batch (take at least 2 \
         examples, or normalise by the running statistics)"
    )]
    OneExample {
        /// The first such layer.
        layer: String,
    },
    /// The settings are not defined for so many workers.
    #[error("{aggregation} over {workers} workers ({remedy})")]
    Workers {
        /// The aggregation requested.
        aggregation: Aggregation,
        /// P.
        workers: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// The workers have not the same settings, networks and data.
    #[error(
        "workers {0:?} differ from worker 0 in settings, network, data or checkpoint (start all with the same \
         command, on the same files)"
    )]
    Differing(Vec<usize>),
    /// A series of the probe sample without one.
    #[error("watching {0} without a probe sample (raise the probe, for example to 1000)")]
    Watch(Watch),
    /// A sample for attribution is larger than the training set, or empty.
    #[error(
        "attribution {name} has {found} examples (must lie in 1..={examples}, the size of the training set)"
    )]
    Attribution {
        /// The name of the sample.
        name: String,
        /// Its examples.
        found: usize,
        /// The size of the training set.
        examples: usize,
    },
    /// A sample for attribution without weights.
    #[error(
        "attribution {0} has 0 weights of each tensor (must be at least 1; leave it out for all parameters)"
    )]
    AttributionWeights(String),
    /// The sample whose loss and accuracy are measured is empty.
    #[error("sample of 0 examples of each kind (must be at least 1; leave it out for all)")]
    Sample,
    /// The interval between measurements is 0.
    #[error("evaluate every 0 steps (must be at least 1)")]
    Interval,
    /// The fall of the loss between measurements is none, or the whole of it.
    #[error("evaluate when the loss falls by {0} % (must lie in 1..=99)")]
    Fall(u64),
    /// The data do not fit the model.
    #[error("{set} set: {source}")]
    Misfit {
        /// "training" or "test".
        set: &'static str,
        /// What does not fit.
        source: Misfit,
    },
    /// The file of an example cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Config {
    /// The most steps of a run: more do not end on any machine.
    pub const MOST_STEPS: u64 = 1_000_000_000_000;

    /// The mini-batches of an epoch over n = `examples` training examples: ⌊n/k⌋. The remaining n mod k examples,
    /// other ones in each epoch, are not used in that epoch.
    ///
    /// It is 0 if the mini-batch is empty or larger than the training set, which [`check`](Self::check) refuses.
    ///
    /// ```
    /// use coherence_train::Config;
    /// let config = Config { batch: 100, ..Config::default() };
    /// assert_eq!([99, 100, 150, 200].map(|n| config.steps_of_epoch(n)), [0, 1, 1, 2]);
    /// ```
    pub fn steps_of_epoch(&self, examples: usize) -> u64 {
        examples.checked_div(self.batch).unwrap_or(0) as u64
    }

    /// Examples in one forward and backward pass.
    pub(crate) fn examples_of_a_pass(&self) -> usize {
        self.micro_batch.unwrap_or(self.batch)
    }

    /// Whether α is imputed from mini-batches of the probe sample, of which it must have two.
    pub fn imputes<D: Device<f32>>(&self, network: &Graph<f32, D>) -> bool {
        let couples = self.batch_statistics && network.couples_examples().is_some();
        let has_two = self.probe / 2 >= self.examples_of_a_pass();
        has_two && (couples || self.watch.iter().any(|watch| watch.imputes()))
    }

    /// The learning rate of the mini-batch after the first `step` ones.
    ///
    /// ```
    /// use coherence_train::{Config, RateSchedule};
    /// let config = Config { rate: 0.4, steps: 10, warmup: 4, ..Config::default() };
    /// assert_eq!([0, 1, 3, 9].map(|step| config.rate_at(step)), [0.1, 0.2, 0.4, 0.4]);
    /// ```
    pub fn rate_at(&self, step: u64) -> f64 {
        self.rate * self.schedule.factor(step, self.steps, self.warmup)
    }

    /// Whether a run over `examples` training examples is possible.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first setting that is out of range.
    pub fn check(&self, examples: usize) -> Result<(), ConfigError> {
        if !(1 <= self.batch && self.batch <= examples) {
            return Err(ConfigError::Batch { batch: self.batch, examples });
        }
        let (aggregation, batch) = (self.aggregation, self.batch);
        aggregation.check(batch).map_err(|source| ConfigError::Aggregation {
            aggregation,
            batch,
            source,
        })?;
        self.check_passes()?;
        self.check_optimizer()?;
        if let Some(watch) = self.unwatched() {
            return Err(ConfigError::Watch(watch));
        }
        self.check_attribution(examples)?;
        if self.sample == Some(0) {
            return Err(ConfigError::Sample);
        }
        if self.evaluate == (Schedule::Every { steps: 0 }) {
            return Err(ConfigError::Interval);
        }
        if let Schedule::LowWater { percent } = self.evaluate
            && !(1..=99).contains(&percent)
        {
            return Err(ConfigError::Fall(percent));
        }
        Ok(())
    }

    fn check_attribution(&self, examples: usize) -> Result<(), ConfigError> {
        for (name, of) in &self.attribution {
            let (name, found) = (name.clone(), of.examples.unwrap_or(examples));
            if !(1..=examples).contains(&found) {
                return Err(ConfigError::Attribution { name, found, examples });
            }
            if of.weights == Some(0) {
                return Err(ConfigError::AttributionWeights(name));
            }
        }
        Ok(())
    }

    /// What is to be recorded of the probe sample if there is none.
    fn unwatched(&self) -> Option<Watch> {
        let of_the_probe = |watch: &Watch| {
            watch.imputes() || matches!(watch, Watch::Activity | Watch::Half | Watch::Test)
        };
        self.watch.iter().copied().find(of_the_probe).filter(|_| self.probe == 0)
    }

    fn check_passes(&self) -> Result<(), ConfigError> {
        let (Some(micro_batch), batch, aggregation) =
            (self.micro_batch, self.batch, self.aggregation)
        else {
            return Ok(());
        };
        if micro_batch == 0 || !batch.is_multiple_of(micro_batch) {
            return Err(ConfigError::MicroBatch { micro_batch, batch });
        }
        if micro_batch < batch && aggregation.needs_one_pass() {
            return Err(ConfigError::InPasses { aggregation });
        }
        Ok(())
    }

    fn check_optimizer(&self) -> Result<(), ConfigError> {
        let Self { rate, momentum, weight_decay, warmup, steps, .. } = *self;
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(ConfigError::Rate(rate));
        }
        if !(0.0..1.0).contains(&momentum) {
            return Err(ConfigError::Momentum(momentum));
        }
        if self.nesterov && momentum == 0.0 {
            return Err(ConfigError::Nesterov);
        }
        if !(weight_decay >= 0.0 && weight_decay.is_finite()) {
            return Err(ConfigError::WeightDecay(weight_decay));
        }
        if steps > Self::MOST_STEPS {
            return Err(ConfigError::Steps(steps));
        }
        if warmup > 0 && warmup >= steps {
            return Err(ConfigError::Warmup { warmup, steps });
        }
        Ok(())
    }

    /// Whether the rule and the passes are defined for this network.
    pub(crate) fn check_network<D: Device<f32>>(
        &self,
        network: &Graph<f32, D>,
    ) -> Result<(), ConfigError> {
        let Some(layer) = network.couples_examples().filter(|_| self.batch_statistics) else {
            return Ok(());
        };
        let (aggregation, layer) = (self.aggregation, layer.to_owned());
        if aggregation.needs_examples() {
            return Err(ConfigError::Coupled { aggregation, layer });
        }
        if self.examples_of_a_pass() < 2 {
            return Err(ConfigError::OneExample { layer });
        }
        Ok(())
    }
}
