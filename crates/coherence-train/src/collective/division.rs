//! How the mini-batches of a run are divided among its workers.

use super::{Collective, block};
use crate::{Aggregation, Config, ConfigError, Watch};
use coherence_core::aggregate::{AnyCoordinateRule, OverTime, Rule, groups};
use coherence_cpu::dense::Columnwise;
use core::ops::Range;
use std::sync::Arc;

/// The part of one worker.
///
/// - Rules over three mini-batches that hold the weights meanwhile, M3 and A3, over three workers: each worker takes
///   whole mini-batches, every third one. Results are those of one worker, bit for bit.
/// - Else each mini-batch is cut: in P parts, or, if it is processed in passes of micro-batches, in P runs of
///   passes. Where a rule over parts of a mini-batch has one vector for each worker, it is applied to their mean
///   gradients, coordinate by coordinate: the median of P groups' means, another rule by coordinate over them, a rule
///   over the gradients of P examples.
#[derive(Debug)]
pub(crate) struct Division {
    pub(crate) workers: Arc<dyn Collective>,
    /// Whether this worker takes whole mini-batches.
    pub(crate) by_mini_batch: bool,
    /// The rule over the workers' mean gradients; `None` for rules over sums.
    pub(crate) of_replicas: Option<Columnwise>,
    /// The passes of a mini-batch, of all workers.
    count: usize,
    /// Those of this worker.
    passes: Range<usize>,
    /// k.
    batch: usize,
}

/// One pass over examples of a mini-batch.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    /// Its examples, by their places among those of this worker.
    pub(crate) examples: Range<usize>,
    /// The number of examples of this worker.
    pub(crate) own: usize,
    /// k, the examples of the mini-batch.
    pub(crate) batch: usize,
}

impl Pass {
    /// All k examples of a mini-batch.
    pub(crate) fn whole(k: usize) -> Self {
        Self { examples: 0..k, own: k, batch: k }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.examples.start == 0
    }

    pub(crate) fn is_last(&self) -> bool {
        self.examples.end == self.own
    }
}

/// The number of mini-batches of one update of M3 and A3.
pub(crate) const THREE: u64 = 3;

impl Division {
    /// # Errors
    ///
    /// [`ConfigError::Workers`] if the settings are not defined for so many workers.
    pub(crate) fn new(config: &Config, workers: Arc<dyn Collective>) -> Result<Self, ConfigError> {
        let size = workers.size();
        check(config, size)?;
        let holds =
            matches!(config.aggregation, Aggregation::OverTime(OverTime::M3 | OverTime::A3));
        let by_mini_batch = holds && size as u64 == THREE;
        let in_passes = config.micro_batch.map(|m| config.batch / m);
        let (count, passes) = if by_mini_batch {
            (in_passes.unwrap_or(1), 0..in_passes.unwrap_or(1))
        } else {
            let count = in_passes.unwrap_or(size);
            (count, block(count, size, workers.rank()))
        };
        // The same answer for all workers.
        if !by_mini_batch && count < size || config.batch < count {
            return Err(refused(
                config,
                size,
                "take a larger batch or a smaller micro-batch: every worker needs a pass of a mini-batch",
            ));
        }
        let of_replicas = rule_of_replicas(config, size);
        if of_replicas.is_some() && !count.is_multiple_of(size) {
            return Err(refused(
                config,
                size,
                "take a smaller micro-batch: each group is one worker's and needs whole passes",
            ));
        }
        let of_replicas =
            of_replicas.map(|rule| Columnwise::new(rule, size).expect("checked with the settings"));
        Ok(Self { workers, by_mini_batch, of_replicas, count, passes, batch: config.batch })
    }

    /// The passes of this worker, with the index of each in the mini-batch.
    pub(crate) fn passes(&self) -> impl Iterator<Item = (usize, Pass)> + use<> {
        let (Range { start, end: last }, batch) = (self.examples(), self.batch);
        let ranges = groups(self.batch, self.count).enumerate();
        let Range { start: first, end } = self.passes.clone();
        ranges.skip(first).take(end - first).map(move |(index, examples)| {
            let examples = examples.start - start..examples.end - start;
            (index, Pass { examples, own: last - start, batch })
        })
    }

    /// The passes of a mini-batch, of all workers.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The examples of this worker in a mini-batch that it takes.
    pub(crate) fn examples(&self) -> Range<usize> {
        let mut ranges = groups(self.batch, self.count);
        let first = ranges.clone().nth(self.passes.start).expect("a worker has a pass");
        let last = ranges.nth(self.passes.end - 1).expect("a worker has a pass");
        first.start..last.end
    }

    /// Examples in the largest pass of this worker.
    pub(crate) fn largest_pass(&self) -> usize {
        self.passes().map(|(_, pass)| pass.examples.len()).max().expect("a worker has a pass")
    }

    /// The mini-batches between two that this worker takes.
    pub(crate) fn stride(&self) -> u64 {
        if self.by_mini_batch { THREE } else { 1 }
    }

    /// Whether a run may stop before the mini-batch after the first `step` ones: not between mini-batches that
    /// are processed together.
    pub(crate) fn is_boundary(&self, step: u64) -> bool {
        step.is_multiple_of(self.stride())
    }
}

fn check(config: &Config, workers: usize) -> Result<(), ConfigError> {
    if workers == 1 {
        return Ok(());
    }
    let refused = |remedy| Err(refused(config, workers, remedy));
    if config.aggregation.needs_examples() && rule_of_replicas(config, workers).is_none() {
        return refused(match config.aggregation {
            Aggregation::MedianOfMeans { .. } => "take as many groups as workers, or one worker",
            Aggregation::OverGroups { .. } => {
                "take a rule by coordinate with as many groups as workers, or one worker"
            }
            _ => {
                "it needs the gradients of all examples on one worker; take mini-batches of one example for each \
                 worker, median-of-means with as many groups as workers, or one worker"
            }
        });
    }
    if config.watch.contains(&Watch::Activity) {
        return refused("activity is watched by one worker: leave it out");
    }
    Ok(())
}

/// The rule over the mean gradients of P workers that is the rule of the settings over parts of a mini-batch.
fn rule_of_replicas(config: &Config, workers: usize) -> Option<AnyCoordinateRule> {
    match config.aggregation.over_groups() {
        Some((Rule::Coordinate(rule), groups)) if groups == workers => Some(rule),
        None if config.batch == workers => config.aggregation.over_examples(),
        _ => None,
    }
}

fn refused(config: &Config, workers: usize, remedy: &'static str) -> ConfigError {
    ConfigError::Workers { aggregation: config.aggregation, workers, remedy }
}
