//! The settings of a run.

use crate::{Aggregation, Attribution, RateSchedule, Schedule, Watch};
use coherence_data::augment::Augmentation;
use coherence_nn::{Graph, device::Device, loss::Loss};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod check;

pub use check::ConfigError;

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
    /// for activations is that of one pass. Not defined for the winsorised mean, the trimmed mean and the median,
    /// which need the gradients of all examples at once; the winsorised mean of the mean gradients of K groups is
    /// `winsorized:CLIP@K`.
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
        self.has_two_passes() && (couples || self.watch.iter().any(|watch| watch.imputes()))
    }

    /// Whether the probe sample has two passes, from whose gradients α can be imputed.
    ///
    /// ```
    /// use coherence_train::Config;
    /// let config = Config { batch: 100, probe: 199, ..Config::default() };
    /// assert!(!config.has_two_passes());
    /// assert!(Config { micro_batch: Some(50), ..config }.has_two_passes());
    /// ```
    pub fn has_two_passes(&self) -> bool {
        self.probe / 2 >= self.examples_of_a_pass()
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
}
