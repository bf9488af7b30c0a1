//! The settings of a run.

use crate::{Aggregation, Schedule};
use coherence_core::aggregate::AggregateError;
use coherence_data::ReadError;
use coherence_nn::Graph;
use serde::{Deserialize, Serialize};

/// The settings of one run. With a model and data sets they determine every result bit for bit.
///
/// ```
/// use coherence_train::{Aggregation, Config, Schedule};
/// let config = Config {
///     batch: 100,
///     rate: 0.1,
///     steps: 60_000,
///     aggregation: Aggregation::Winsorized { clip: 2 },
///     batch_statistics: true,
///     seed: 1,
///     evaluate: Schedule::Decades,
///     probe: 1000,
///     checkpoint_every: 1000,
/// };
/// assert_eq!(config.check(60_000), Ok(()));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Examples in a mini-batch, k.
    pub batch: usize,
    /// Learning rate η, constant; it multiplies the MEAN gradient of a mini-batch.
    pub rate: f64,
    /// The number of mini-batches to process.
    pub steps: u64,
    /// How a mini-batch's gradients become an update.
    pub aggregation: Aggregation,
    /// Whether batch normalisation uses the statistics of the mini-batch, as PyTorch does in training mode,
    /// or else the running ones. Without such layers it makes no difference.
    pub batch_statistics: bool,
    /// The seed of the order of the examples and of the probe sample.
    pub seed: u64,
    /// The steps at which the network is measured.
    pub evaluate: Schedule,
    /// Training examples in the probe sample over which coherence is measured; 0 for none, at most
    /// the whole training set.
    pub probe: usize,
    /// Steps between checkpoints; 0 for only one, at the end or when the run is stopped.
    pub checkpoint_every: u64,
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
         statistics, or use a rule over time: m3, a3, rm3, ra3)"
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
    /// The interval between measurements is 0.
    #[error("evaluate every 0 steps (must be at least 1)")]
    Interval,
    /// The images do not have the size of the model's input.
    #[error("the {set} images are {found}, the model takes {expected}")]
    Features {
        /// "training" or "test".
        set: &'static str,
        /// The shape of an image.
        found: String,
        /// The input of the model.
        expected: String,
    },
    /// The data have more classes than the model.
    #[error("the {set} set has {found} classes, the model has {expected}")]
    Classes {
        /// "training" or "test".
        set: &'static str,
        /// Classes of the data set.
        found: usize,
        /// Classes of the model.
        expected: usize,
    },
    /// The file of an example cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Config {
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
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return Err(ConfigError::Rate(self.rate));
        }
        if self.evaluate == (Schedule::Every { steps: 0 }) {
            return Err(ConfigError::Interval);
        }
        Ok(())
    }

    /// Whether the rule is defined for this network.
    pub(crate) fn check_network(&self, network: &Graph<f32>) -> Result<(), ConfigError> {
        let aggregation = self.aggregation;
        match network.couples_examples() {
            Some(layer) if self.batch_statistics && aggregation.needs_examples() => {
                Err(ConfigError::Coupled { aggregation, layer: layer.to_owned() })
            }
            _ => Ok(()),
        }
    }
}
