//! Whether settings can be run.

use super::Config;
use crate::{Aggregation, Misfit, Schedule, Watch};
use coherence_core::aggregate::AggregateError;
use coherence_data::ReadError;
use coherence_nn::{Graph, device::Device};

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
    /// The probe sample has no two mini-batches to impute α from.
    #[error(
        "watching {watch} over a probe sample of {probe}, which has no two passes of {pass} examples (raise the \
         probe to {least} at least, or lower the mini-batch or its passes)",
        least = 2 * pass
    )]
    Passes {
        /// What is to be recorded.
        watch: Watch,
        /// Examples of the probe sample.
        probe: usize,
        /// Examples of a pass.
        pass: usize,
    },
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
        let (probe, pass) = (self.probe, self.examples_of_a_pass());
        if let Some(&watch) = self.watch.iter().find(|watch| watch.imputes())
            && !self.has_two_passes()
        {
            return Err(ConfigError::Passes { watch, probe, pass });
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
        if micro_batch < batch && aggregation.over_examples().is_some() {
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
