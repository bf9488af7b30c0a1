//! Training in memory: steps, and measurements between steps (`observation.rs`).

mod observation;
mod state;

pub use state::State;

use crate::{
    Config, ConfigError, Examples, Learned, LowWater,
    attribution::Attributor,
    collective::{Collective, Division, Fingerprint, Solo},
    evaluate::{Evaluator, Outcomes},
    evaluation_set::EvaluationSet,
    feed::Feed,
    misfit::check_fit,
    optimizer::Optimizer,
    passes::{Staged, forward, on_worker_thread},
    probe::Probe,
    updater::Updater,
};
use coherence_data::{ReadError, random};
use coherence_nn::{
    Keep, Model, Workspace,
    device::{Cpu, Device},
    layer::Mode,
};
use std::sync::Arc;

/// The loss is no longer a finite number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("training diverged: the loss is {loss} at step {step} (lower the rate, which is {rate})")]
pub struct Diverged {
    /// Mini-batches processed before the loss was seen.
    pub step: u64,
    /// The loss: NaN or infinite.
    pub loss: f64,
    /// The learning rate of that step.
    pub rate: f64,
}

/// Why training cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// The loss is not finite.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// The file of an example cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Training of a network in memory, without files.
///
/// [`TrainingRun`](crate::TrainingRun) adds the folder of a run. Results are the same for any
/// number of threads.
///
/// Everything is computed on the device of the model. Mini-batches are copied to it. Losses, logits of evaluations,
/// squared norms and dots are copied back, as are the outputs of hidden layers for
/// [`Watch::Activity`](crate::Watch::Activity). Several workers exchange their gradients through the host. If the
/// device fails, a call panics with the cause and the remedy.
///
/// ```
/// use coherence_data::{digits, random, select};
/// use coherence_nn::{Model, model::mlp};
/// use coherence_train::{Config, Examples, Row, Trainer};
///
/// let (train, _) = select::split(digits::train(), 500)?;
/// let (train, test) = (Examples::decode(&train)?, Examples::decode(&digits::test())?);
/// let config = Config { batch: 50, rate: 0.1, steps: 10, probe: 100, ..Config::default() };
/// let model = Model::initialized(mlp(&[784, 32, 10])?, &mut random::stream(1, "initialisation"));
/// let mut trainer = Trainer::new(config, model, train, test)?;
/// let mut rows: Vec<Row> = Vec::new();
/// trainer.observe(&mut rows)?;
/// while trainer.step() < 10 {
///     trainer.advance()?;
/// }
/// trainer.observe(&mut rows)?;
/// let losses: Vec<&Row> = rows.iter().filter(|row| row.series == "train.loss").collect();
/// assert!(losses[1].value < losses[0].value);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trainer<D: Device<f32> = Cpu> {
    config: Config,
    model: Model<f32, D>,
    train: Examples,
    test: Examples,
    division: Division,
    feed: Feed,
    /// The seed of dropout in the first step; the next one is used in the next step.
    dropout: u64,
    batch: Batch<D>,
    updater: Updater<D>,
    step: u64,
    low_water: LowWater,
    learned: Learned,
    /// The training and the test examples whose loss and accuracy are measured.
    evaluated: [EvaluationSet; 2],
    evaluator: Evaluator<D>,
    outcomes: Outcomes,
    probe: Option<Probe<D>>,
    attributor: Option<Attributor<D>>,
}

/// Buffers of this worker's part of a mini-batch, and of one pass over some of its examples.
#[derive(Debug)]
struct Batch<D: Device<f32>> {
    x: Vec<f32>,
    labels: Vec<u32>,
    staged: Staged<D>,
    losses: D::Buffer<f64>,
    workspace: Workspace<f32, D>,
    /// The SUM of losses of each mini-batch of which the gradient was computed at the same time.
    sums: Vec<f64>,
}

impl<D: Device<f32>> Trainer<D> {
    /// A trainer at step 0. If batch normalisation is by the running statistics, they are estimated (see
    /// [`Config::estimation_batches`]).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a setting is out of range or the data do not fit the model.
    pub fn new(
        config: Config,
        model: Model<f32, D>,
        train: Examples,
        test: Examples,
    ) -> Result<Self, ConfigError> {
        Self::among(Arc::new(Solo), config, model, train, test)
    }

    /// The trainer of one of several workers, each of which calls the same functions with the same arguments.
    /// `config.batch` is the mini-batch of all workers.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as for [`new`](Self::new), if the settings are not defined for so many workers, or if
    /// workers differ in settings, networks or data.
    pub fn among(
        workers: Arc<dyn Collective>,
        config: Config,
        mut model: Model<f32, D>,
        train: Examples,
        test: Examples,
    ) -> Result<Self, ConfigError> {
        config.check(train.len())?;
        let division = Division::new(&config, Arc::clone(&workers))?;
        config.check_network(model.graph())?;
        for (set, data) in [("training", &train), ("test", &test)] {
            check_fit(&model, data.shape(), data.classes())
                .map_err(|source| ConfigError::Misfit { set, source })?;
        }
        let dropout = random::below(&mut random::stream(config.seed, "dropout"), u64::MAX);
        on_worker_thread(|| estimate_statistics(&config, &mut model, &train, dropout))?;
        let evaluated = match config.sample {
            Some(size) => EvaluationSet::sample(&train, size, config.seed),
            None => EvaluationSet::whole(&train),
        };
        let trainer = Self {
            feed: Feed::new(&config, &train, division.examples(), division.stride()),
            dropout,
            batch: Batch::new(&model, &config, &division),
            updater: Updater::new(
                model.device(),
                config.aggregation,
                Optimizer::new(&config),
                model.layout(),
                &division,
            ),
            division,
            step: 0,
            low_water: LowWater::default(),
            learned: Learned::new(evaluated.indices.len()),
            evaluated: [evaluated, EvaluationSet::whole(&test)],
            evaluator: Evaluator::new(Arc::clone(&workers), &model, config.loss),
            outcomes: Outcomes::default(),
            probe: (config.probe > 0)
                .then(|| Probe::new(workers, &model, [&train, &test], &config)),
            attributor: Attributor::new(&model, &train, &config),
            config,
            model,
            train,
            test,
        };
        trainer.agree(|mine| {
            mine.bytes(format!("{:?}", trainer.config));
            mine.network(&trainer.model);
            mine.examples(&trainer.train)?;
            mine.examples(&trainer.test)
        })?;
        Ok(trainer)
    }

    /// Whether all workers have the same of what `take` puts into a fingerprint. A single worker takes none.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Differing`] with their ranks if some have not; [`ConfigError::Read`] if an image cannot be read.
    pub(crate) fn agree(
        &self,
        take: impl FnOnce(&mut Fingerprint) -> Result<(), ReadError>,
    ) -> Result<(), ConfigError> {
        let workers = &self.division.workers;
        if workers.is_solo() {
            return Ok(());
        }
        let mut mine = Fingerprint::default();
        take(&mut mine)?;
        let differing = mine.differing(&**workers);
        if differing.is_empty() { Ok(()) } else { Err(ConfigError::Differing(differing)) }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The network as it is now.
    pub fn model(&self) -> &Model<f32, D> {
        &self.model
    }

    /// The training set.
    pub fn examples(&self) -> &Examples {
        &self.train
    }

    /// The indices of the training examples whose loss and accuracy are measured, ascending.
    pub fn evaluated(&self) -> &[usize] {
        &self.evaluated[0].indices
    }

    /// When each [evaluated](Self::evaluated) example was learned, as far as measured.
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Mini-batches processed.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Whether `flag` is raised at one of the workers, and the run may stop here: not between mini-batches that are
    /// processed together.
    pub(crate) fn may_stop(&self, flag: bool) -> bool {
        self.is_boundary() && self.division.workers.any(flag)
    }

    /// Whether a checkpoint of the current step is one from which these workers can go on.
    pub(crate) fn is_boundary(&self) -> bool {
        self.division.is_boundary(self.step)
    }

    /// Whether this worker writes the results.
    pub(crate) fn writes(&self) -> bool {
        self.division.workers.rank() == 0
    }

    /// Whether all mini-batches are processed.
    pub fn is_finished(&self) -> bool {
        self.step >= self.config.steps
    }

    /// Whether the current step is one to [`observe`](Trainer::observe).
    pub fn is_due(&self) -> bool {
        self.low_water.fell || self.config.evaluate.is_due(self.step, self.config.steps)
    }

    /// Processes one mini-batch and returns its MEAN loss, taken before the update.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if that loss is not finite or an image cannot be read; the parameters are then
    /// unchanged.
    pub fn advance(&mut self) -> Result<f64, TrainError> {
        on_worker_thread(|| self.process_batch())
    }

    fn process_batch(&mut self) -> Result<f64, TrainError> {
        let (examples, rate) = (self.config.batch as f64, self.config.rate_at(self.step));
        let is_solo = self.division.workers.is_solo();
        // Of mini-batches that are processed together, the first comes with the gradients of all.
        let place = (self.step % self.division.stride()) as usize;
        if place == 0 {
            self.pass(rate)?;
        }
        let sum = if self.division.by_mini_batch {
            self.batch.sums[place]
        } else {
            self.batch.sums.iter().sum()
        };
        finite(sum / examples, self.step, rate)?;
        if !is_solo && place as u64 + 1 == self.division.stride() {
            self.updater.finish(rate, self.config.batch, &mut self.model);
        }
        self.step += 1;
        let loss = sum / examples;
        self.low_water.take(&self.config.evaluate, loss);
        Ok(loss)
    }

    /// The forward and backward passes of this worker. A single worker updates the network in the last of them.
    fn pass(&mut self, rate: f64) -> Result<(), TrainError> {
        let Self { division, batch, model, config, .. } = self;
        let Batch { x, labels, staged, losses, workspace, sums } = batch;
        let (k, inputs, is_solo) = (config.batch, model.inputs(), division.workers.is_solo());
        let mine = if division.by_mini_batch { division.workers.rank() as u64 } else { 0 };
        let step = self.step + mine;
        self.feed.load(step, &self.train, x, labels)?;
        let mut sum = 0.0;
        for (index, pass) in division.passes() {
            let seed = step.wrapping_mul(division.count() as u64).wrapping_add(index as u64);
            workspace.set_mode(Mode {
                batch_statistics: config.batch_statistics,
                dropout: config.dropout.then(|| self.dropout.wrapping_add(seed)),
            });
            let range = pass.examples.clone();
            let images = &x[range.start * inputs..range.end * inputs];
            let (x, labels) = staged.batch(model.device(), images, &labels[range.clone()]);
            let losses = D::part_mut(D::view_mut(losses), 0..range.len());
            sum += forward(config.loss, model, x, labels, workspace, losses);
            if is_solo {
                finite(sum / k as f64, step, rate)?;
            }
            model.update_statistics(workspace);
            self.updater.take(pass, rate, model, x, workspace);
        }
        division.workers.gather_f64(&[sum], sums);
        if config.batch_statistics && !is_solo {
            self.updater.average(model.statistics_mut());
        }
        Ok(())
    }
}

impl<D: Device<f32>> Batch<D> {
    fn new(model: &Model<f32, D>, config: &Config, division: &Division) -> Self {
        let (share, m) = (division.examples().len(), division.largest_pass());
        // Imputation takes whole passes of one worker.
        let imputed = if config.imputes(model.graph()) { config.examples_of_a_pass() } else { 0 };
        Self {
            x: vec![0.0; share * model.inputs()],
            labels: vec![0; share],
            staged: Staged::new(model.device()),
            losses: model.device().zeros(m),
            workspace: model.workspace(m.max(imputed), Keep::Activations),
            sums: vec![0.0; division.workers.size()],
        }
    }
}

/// Sets the running statistics to the mean of those of the first passes, if batch normalisation is by them. Every
/// worker computes all passes; the buffers are gone before those of training are allocated.
fn estimate_statistics<D: Device<f32>>(
    config: &Config,
    model: &mut Model<f32, D>,
    train: &Examples,
    dropout: u64,
) -> Result<(), ReadError> {
    if config.batch_statistics || model.graph().couples_examples().is_none() {
        return Ok(());
    }
    let (k, m, inputs) = (config.batch, config.examples_of_a_pass(), model.inputs());
    let mut workspace = model.workspace(m, Keep::Activations);
    let (mut x, mut labels) = (vec![0.0; k * inputs], vec![0; k]);
    let (device, mut staged) = (model.device().clone(), model.device().zeros(0));
    let (mut feed, mut count) = (Feed::new(config, train, 0..k, 1), 0);
    for step in 0..config.estimation_batches {
        feed.load(step, train, &mut x, &mut labels)?;
        workspace.set_mode(Mode {
            batch_statistics: true,
            dropout: config.dropout.then(|| dropout.wrapping_add(step)),
        });
        for x in x.chunks(m * inputs) {
            model.forward(device.stage(x, &mut staged), m, &mut workspace);
            count += 1;
            model.average_statistics(&workspace, count);
        }
    }
    Ok(())
}

fn finite(loss: f64, step: u64, rate: f64) -> Result<(), Diverged> {
    if loss.is_finite() { Ok(()) } else { Err(Diverged { step, loss, rate }) }
}
