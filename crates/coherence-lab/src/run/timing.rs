//! How long a step and a measurement of a run take here, timed on images of noise.
//!
//! What is timed is the trainer itself, so that whatever it does is counted: products for each example and selections of
//! a winsorised step, updates, momentum, evaluation, sums of squares. It is timed while as many other runs do the same
//! as will go at a time, because runs side by side share caches and, where a core has two threads, the core.
//!
//! Legend: F: multiply-adds of a forward pass of one example.

use std::collections::BTreeMap;
use std::mem::take;
use std::thread;
use std::time::{Duration, Instant};

use coherence_data::{Dataset, Designation, ReadError, Shape, Target, random};
use coherence_nn::{Graph, Model, device::Cpu};
use coherence_train::{
    Attribution, Config, Examples, Row, Schedule, Trainer, TrainingRunError, Watch,
};
use rayon::ThreadPoolBuilder;

use super::cost::{Data, counted, evaluated, measured};
use super::{PlannedRun, RunError, Workers};
use crate::memory;

/// Seconds of a step and of a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seconds {
    pub(super) step: f64,
    pub(super) measurement: f64,
}

/// The multiply-adds that one timed piece of work may take, unless that is less than two examples.
const MOST: u64 = 2_000_000_000;

/// Examples that are timed at most, as many as an evaluation takes at once.
const EXAMPLES: u64 = 1000;

/// The least time over which something is timed.
const LEAST: Duration = Duration::from_millis(200);

/// Images of noise.
struct Noise {
    len: usize,
    image: Shape,
    classes: usize,
}

impl Dataset for Noise {
    fn len(&self) -> usize {
        self.len
    }

    fn shape(&self) -> Shape {
        self.image
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn target(&self, i: usize) -> Target {
        Target { label: (i % self.classes) as u32, designation: Designation::Pristine }
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let mut rng = random::stream(i as u64, "cost");
        input.iter_mut().for_each(|value| *value = random::normal(&mut rng) as f32);
        Ok(self.target(i))
    }
}

/// Times a step and a measurement of `run`, with as many of them at a time as there are workers and as fit in memory.
pub(super) fn seconds(
    run: &PlannedRun,
    data: &Data,
    network: &(dyn Fn() -> Result<Graph<f32>, RunError> + Sync),
    workers: Workers,
) -> Result<Seconds, RunError> {
    let graph = network()?;
    let piece = Piece::new(run.settings.config(run.seed), data, &graph);
    let of = |config: &Config| config.memory(&graph, [piece.examples, piece.tests]);
    let one = of(&piece.config).max(of(&piece.written)).max(1);
    let fit = memory::available().map_or(u64::MAX, |bytes| bytes / one).max(1);
    let jobs = workers.jobs.min(usize::try_from(fit).unwrap_or(usize::MAX));
    let time = || {
        let pool = ThreadPoolBuilder::new().num_threads(workers.threads).build();
        let pool = pool.map_err(|e| RunError::Threads(e.to_string()))?;
        let failed = |source| RunError::Train { run: run.to_string(), source: Box::new(source) };
        pool.install(|| piece.time(data, network()?).map_err(failed))
    };
    let all: Result<Vec<Seconds>, RunError> = thread::scope(|scope| {
        let jobs: Vec<_> = (0..jobs).map(|_| scope.spawn(time)).collect();
        jobs.into_iter().map(|job| job.join().expect("a trainer does not panic")).collect()
    });
    let all = all?;
    let mean = |of: fn(&Seconds) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    Ok(Seconds { step: mean(|s| s.step), measurement: mean(|s| s.measurement) })
}

/// A part of a step and of a measurement that is short enough to be timed.
struct Piece {
    config: Config,
    /// With nothing but the attributions over chosen weights, which `config` has not: each example's gradient is then
    /// written out, in many times the seconds of one in a pass.
    written: Config,
    examples: usize,
    tests: usize,
    /// How often the timed step, the timed evaluation, the timed gradients and those written out go into those of
    /// the run.
    times: [f64; 4],
}

impl Piece {
    fn new(mut of_run: Config, data: &Data, network: &Graph<f32>) -> Self {
        let affordable = (MOST / network.multiply_adds().max(1)).clamp(2, EXAMPLES) as usize;
        let imputes = of_run.imputes(network);
        let (mut of_weights, of_all) =
            take(&mut of_run.attribution).into_iter().partition(|(_, of)| of.weights.is_some());
        of_run.attribution = of_all;
        let mut config = Config {
            steps: Config::MOST_STEPS,
            // Rates do not change the time, as long as nothing diverges.
            rate: 1e-12,
            warmup: 0,
            evaluate: Schedule::At { steps: Vec::new() },
            augmentation: None,
            ..of_run.clone()
        };
        if !config.aggregation.needs_examples() {
            // Each pass adds to the gradient, or updates the weights, in the same time.
            config.batch = config.micro_batch.unwrap_or(config.batch).min((affordable / 3).max(2));
            config.micro_batch = None;
        }
        let least = if imputes { 2 * config.batch } else { 2 };
        config.probe = config.probe.min((affordable / 3).max(least));
        config.sample = None;
        let examples = affordable.max(config.batch).max(config.probe);
        let few = |of: &mut Attribution| of.examples = Some(counted(of, examples));
        let written = |of: &BTreeMap<String, Attribution>, n| -> usize {
            of.values().map(|of| counted(of, n)).sum()
        };
        let all_written = written(&of_weights, data.examples[0]);
        config.attribution.values_mut().chain(of_weights.values_mut()).for_each(few);
        // Those that are measured, or as few as can be.
        let watches_test = config.watch.contains(&Watch::Test);
        let tests = if watches_test { config.probe } else { 1 };
        let all = [examples, tests];
        let ratio = |part: f64, whole: f64| if part > 0.0 { whole / part } else { 0.0 };
        let times = [
            ratio(config.batch as f64, of_run.batch as f64),
            ratio(evaluated(&config, all), evaluated(&of_run, data.examples)),
            ratio(measured(&config, all, imputes), measured(&of_run, data.examples, imputes)),
            ratio(written(&of_weights, examples) as f64, all_written as f64),
        ];
        let written =
            Config { probe: 0, watch: Vec::new(), attribution: of_weights, ..config.clone() };
        Self { config, written, examples, tests, times }
    }

    fn time(&self, data: &Data, network: Graph<f32>) -> Result<Seconds, TrainingRunError> {
        let noise = |len| Noise { len, image: data.image, classes: data.classes };
        let [train, test] =
            [Examples::decode(&noise(self.examples))?, Examples::decode(&noise(self.tests))?];
        let model = Model::initialized(network, &mut random::stream(1, "cost"));
        let scores = Config { attribution: BTreeMap::new(), ..self.written.clone() };
        let trainer = |config: &Config| {
            Trainer::<Cpu>::new(config.clone(), model.clone(), train.clone(), test.clone())
        };
        let observed = |config: &Config| -> Result<f64, TrainingRunError> {
            let (mut trainer, mut rows): (_, Vec<Row>) = (trainer(config)?, Vec::new());
            repeated(|| Ok(trainer.observe(&mut rows)?))
        };
        let [steps, evaluations, gradients, writings] = self.times;
        let mut training = trainer(&scores)?;
        // A rule over three mini-batches updates the weights once in three steps.
        let three = repeated(|| Ok((0..3).try_for_each(|_| training.advance().map(drop))?))?;
        drop(training);
        let of_scores = observed(&scores)?;
        let mut measurement = of_scores * evaluations;
        for (config, times) in [(&self.config, gradients), (&self.written, writings)] {
            if times > 0.0 {
                measurement += (observed(config)? - of_scores).max(0.0) * times;
            }
        }
        Ok(Seconds { step: three / 3.0 * steps, measurement })
    }
}

/// Mean seconds of `work`, repeated for a while; the first time, which takes memory, does not count.
fn repeated(
    mut work: impl FnMut() -> Result<(), TrainingRunError>,
) -> Result<f64, TrainingRunError> {
    work()?;
    let (clock, mut times) = (Instant::now(), 0_u32);
    while times == 0 || clock.elapsed() < LEAST {
        work()?;
        times += 1;
    }
    Ok(clock.elapsed().as_secs_f64() / f64::from(times))
}
