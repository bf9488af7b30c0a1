//! What the runs of an experiment would cost, without running them.
//!
//! Legend: F: multiply-adds of a forward pass of one example. A backward pass takes 2 F.

use coherence_data::{IMAGENET, Shape, Split, open_framed};
use coherence_nn::Graph;
use coherence_train::{Attribution, Config, Watch};

use super::timing::{Seconds, seconds};
use super::{PlannedRun, RunError, Workers, data, difficulty, plan, pretraining};
use crate::cell::Cell;
use crate::scale::Scale;
use crate::spec::Experiment;

/// The cost of the runs of one cell, over all seeds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Cost {
    /// The cell.
    pub cell: Cell,
    /// Seeds.
    pub runs: usize,
    /// Steps of one run.
    pub steps: u64,
    /// Multiply-adds of training, of all runs and with any training before: 3 F for each example of each step.
    pub training: f64,
    /// Multiply-adds of one measurement of one run.
    pub measurement: f64,
    /// Measurements of one run; `None` if they depend on its loss.
    pub measurements: Option<u64>,
    /// Bytes that one run needs at least.
    pub memory: u64,
    /// Seconds of a step, of training by the rule of the cell, timed here.
    pub step_seconds: f64,
    /// Seconds of a measurement, likewise.
    pub measurement_seconds: f64,
    /// Threads of a run.
    pub threads: usize,
    /// Steps of any training before.
    before: u64,
}

/// Numbers of training and test examples, image and classes of a data set.
pub(super) struct Data {
    pub(super) examples: [usize; 2],
    pub(super) image: Shape,
    pub(super) classes: usize,
}

impl Cost {
    /// Hours of one core for all runs; without their measurements if the number of these is not known.
    pub fn core_hours(&self) -> f64 {
        let steps = (self.before + self.steps) as f64;
        let measured = self.measurements.unwrap_or(0) as f64 * self.measurement_seconds;
        let one = steps * self.step_seconds + measured;
        self.runs as f64 * one * self.threads as f64 / 3600.0
    }
}

/// The cost of an experiment at a scale, cell by cell, with so many runs at a time. A step and a measurement of every
/// kind of run are timed, which takes a second or more for each.
///
/// ImageNet need not be there: its numbers of images and classes are known.
///
/// # Errors
///
/// [`RunError`] if another data set is not there or the network does not fit the images.
pub fn cost(
    experiment: &Experiment,
    scale: Scale,
    seeds: Option<u64>,
    workers: Workers,
) -> Result<Vec<Cost>, RunError> {
    let runs = plan(experiment, scale, seeds);
    let runs = [difficulty::earlier(&runs), runs].concat();
    let mut timed: Vec<(Kind, Seconds)> = Vec::new();
    let mut costs: Vec<Cost> = Vec::new();
    for run in &runs {
        if let Some(known) = costs.iter_mut().find(|cost| cost.cell == run.cell) {
            known.runs += 1;
            continue;
        }
        let sizes = sizes(run)?;
        let network = || {
            let network = run.settings.network(sizes.image, sizes.classes);
            network.map_err(|e| data::settings_error(run, &e))
        };
        let one = network()?;
        let kind = Kind::new(run, &sizes, &one);
        let known = timed.iter().find(|(other, _)| *other == kind).map(|(_, seconds)| *seconds);
        let seconds = match known {
            Some(seconds) => seconds,
            None => {
                let seconds = seconds(run, &sizes, &network, workers)?;
                timed.push((kind, seconds));
                seconds
            }
        };
        costs.push(of_one(run, &sizes, &one, seconds, workers.threads));
    }
    for cost in &mut costs {
        cost.training *= cost.runs as f64;
    }
    Ok(costs)
}

/// What the time of a step and of a measurement depends on: the network and the settings, but for those that change
/// what is computed and not how much.
#[derive(PartialEq)]
struct Kind(String, Config, [usize; 2]);

impl Kind {
    fn new(run: &PlannedRun, sizes: &Data, network: &Graph<f32>) -> Self {
        let settings = run.settings.config(1);
        let config = Config { rate: 1.0, steps: 1, warmup: 0, ..settings };
        Self(network.name().to_owned(), config, sizes.examples)
    }
}

/// The cost of a single run.
fn of_one(
    run: &PlannedRun,
    sizes: &Data,
    network: &Graph<f32>,
    seconds: Seconds,
    threads: usize,
) -> Cost {
    let (config, forward) = (run.settings.config(run.seed), network.multiply_adds() as f64);
    let before = pretraining::stage(run).map_or(0, |first| first.settings.steps);
    Cost {
        cell: run.cell.clone(),
        runs: 1,
        steps: config.steps,
        training: 3.0 * forward * config.batch as f64 * (before + config.steps) as f64,
        measurement: forward
            * (evaluated(&config, sizes.examples)
                + 3.0 * measured(&config, sizes.examples, config.imputes(network))),
        measurements: config.evaluate.count(config.steps),
        memory: config.memory(network, sizes.examples),
        step_seconds: seconds.step,
        measurement_seconds: seconds.measurement,
        threads,
        before,
    }
}

/// The examples that one measurement evaluates, of so many training and test examples.
pub(super) fn evaluated(config: &Config, [train, test]: [usize; 2]) -> f64 {
    // Of each of the two kinds, at most so many.
    let sampled = config.sample.map_or(usize::MAX, |of_kind| of_kind.saturating_mul(2));
    (train.min(sampled) + test) as f64
}

/// The examples whose gradients one measurement computes, each as often as it does.
pub(super) fn measured(config: &Config, [train, test]: [usize; 2], imputes: bool) -> f64 {
    let watches = |what| config.watch.contains(&what);
    let probe = config.probe.min(train);
    // The sample once as a whole and, where they are watched, once more as groups; each is passed twice.
    let imputed = match (imputes, watches(Watch::ImputedGroup)) {
        (false, _) => 0,
        (true, false) => 2,
        (true, true) => 4,
    };
    let of_test = if watches(Watch::Test) { probe.min(test) } else { 0 };
    let of_test = of_test * if imputes { 3 } else { 1 };
    let sampled = if probe > 0 { config.batch + probe * (1 + imputed) + of_test } else { 0 };
    // The direction of the rule and its cosine are of the mini-batch.
    let direction = if watches(Watch::Activity) { config.batch } else { 0 };
    let of_sample = |of: &Attribution| {
        let passes = if of.weights.is_some() { 1 } else { 2 };
        counted(of, train) * passes
    };
    let attributed: usize = config.attribution.values().map(of_sample).sum();
    (sampled + direction + attributed) as f64
}

/// The examples of an attribution's sample, of `n`.
pub(super) fn counted(of: &Attribution, n: usize) -> usize {
    of.examples.map_or(n, |examples| examples.min(n))
}

fn sizes(run: &PlannedRun) -> Result<Data, RunError> {
    let settings = &run.settings;
    let known = settings.dataset.sizes().zip(settings.dataset.shape());
    let mut data = match (known, settings.size) {
        (Some(((train, test), (image, classes))), _) => {
            Data { examples: [train, test], image, classes }
        }
        (None, Some(size)) if settings.dataset.name() == IMAGENET => Data {
            examples: [1_281_167, 50_000],
            image: Shape { channels: 3, height: size, width: size },
            classes: 1000,
        },
        (None, _) => {
            let open = |split| open_framed(settings.dataset.name(), split, settings.framing());
            let (train, test) = (open(Split::Train)?, open(Split::Test)?);
            let examples = [train.len(), test.len()];
            Data { examples, image: train.shape(), classes: train.classes() }
        }
    };
    let asked = [settings.training_examples(), settings.test_examples];
    data.examples.iter_mut().zip(asked).for_each(|(n, asked)| *n = asked.unwrap_or(*n));
    Ok(data)
}
