//! What the runs of an experiment would cost, without running them.
//!
//! Legend: F: multiply-adds of a forward pass of one example. A backward pass takes 2 F.

use std::time::{Duration, Instant};

use coherence_data::{IMAGENET, Shape, Split, open_framed, random};
use coherence_nn::{Graph, Keep, Model};
use coherence_train::{Config, Watch};
use rayon::ThreadPoolBuilder;

use super::{PlannedRun, RunError, data, difficulty, plan, pretraining};
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
    /// Multiply-adds a second that one thread does in passes of this network here.
    pub rate: f64,
}

/// Numbers of training and test examples, image and classes of a data set.
struct Data {
    examples: [usize; 2],
    image: Shape,
    classes: usize,
}

impl Cost {
    /// Hours of one core for all runs; without their measurements if the number of these is not known.
    pub fn core_hours(&self) -> f64 {
        let measured = self.measurements.unwrap_or(0) as f64 * self.measurement * self.runs as f64;
        (self.training + measured) / self.rate / 3600.0
    }
}

/// The cost of an experiment at a scale, cell by cell. Takes about half a second for each network.
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
) -> Result<Vec<Cost>, RunError> {
    let runs = plan(experiment, scale, seeds);
    let runs = [difficulty::earlier(&runs), runs].concat();
    let mut rates: Vec<(String, f64)> = Vec::new();
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
        let known = rates.iter().find(|(name, _)| name == one.name()).map(|(_, rate)| *rate);
        let rate = match known {
            Some(rate) => rate,
            None => {
                let rate = measured_rate(network()?)?;
                rates.push((one.name().to_owned(), rate));
                rate
            }
        };
        costs.push(of_one(run, &sizes, &one, rate));
    }
    for cost in &mut costs {
        cost.training *= cost.runs as f64;
    }
    Ok(costs)
}

/// The cost of a single run.
fn of_one(run: &PlannedRun, sizes: &Data, network: &Graph<f32>, rate: f64) -> Cost {
    let (config, forward) = (run.settings.config(run.seed), network.multiply_adds() as f64);
    let before = pretraining::stage(run).map_or(0, |first| first.settings.steps);
    Cost {
        cell: run.cell.clone(),
        runs: 1,
        steps: config.steps,
        training: 3.0 * forward * config.batch as f64 * (before + config.steps) as f64,
        measurement: forward * passes(&config, sizes, config.imputes(network)),
        measurements: config.evaluate.count(config.steps),
        memory: config.memory(network, sizes.examples),
        rate,
    }
}

/// The forward passes of single examples whose time one measurement takes.
fn passes(config: &Config, sizes: &Data, imputes: bool) -> f64 {
    // Of each of the two kinds, at most so many.
    let trained = config.sample.map_or(usize::MAX, |of_kind| of_kind.saturating_mul(2));
    let evaluated = sizes.examples[0].min(trained) + sizes.examples[1];
    let probe = config.probe.min(sizes.examples[0]);
    // The sample once as a whole and, where they are watched, once more as groups; each is passed twice.
    let imputed = match (imputes, config.watch.contains(&Watch::ImputedGroup)) {
        (false, _) => 0,
        (true, false) => 2,
        (true, true) => 4,
    };
    evaluated as f64 + 3.0 * (config.batch + probe * (1 + imputed)) as f64
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

/// Multiply-adds a second of forward and backward passes of a few noise images on one thread.
fn measured_rate(network: Graph<f32>) -> Result<f64, RunError> {
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(|e| RunError::Threads(e.to_string()))?;
    Ok(pool.install(|| {
        let forward = network.multiply_adds();
        let m = (1_000_000_000 / forward.max(1)).clamp(2, 32) as usize;
        let mut rng = random::stream(1, "cost");
        let model = Model::initialized(network, &mut rng);
        let x: Vec<f32> = std::iter::repeat_with(|| random::normal(&mut rng) as f32)
            .take(m * model.inputs())
            .collect();
        let mut workspace = model.workspace(m, Keep::Activations);
        let mut gradient = vec![0.0; model.parameters().len()];
        let mut pass = || {
            model.forward(&x, m, &mut workspace);
            workspace.logits_and_delta().1.fill(1.0);
            model.gradient(&x, &mut workspace, &mut gradient);
        };
        pass();
        let (clock, mut passes) = (Instant::now(), 0_u64);
        while passes == 0 || clock.elapsed() < Duration::from_millis(300) {
            pass();
            passes += 1;
        }
        let done = 3 * forward * m as u64 * passes;
        done as f64 / clock.elapsed().as_secs_f64()
    }))
}
