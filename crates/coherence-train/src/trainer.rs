//! Training in memory: steps, and measurements between steps.

use crate::{
    Config, ConfigError, Examples, Learned, LowWater, Sink, Watch,
    attribution::Attributor,
    evaluate::{Evaluator, Outcomes, Score},
    examples::{Halt, accepts, shape},
    feed::Feed,
    optimizer::Optimizer,
    passes::{forward, on_worker_thread},
    probe::Probe,
    updater::{Pass, Updater},
};
use coherence_core::aggregate::Recent;
use coherence_data::{Designation, ReadError, random};
use coherence_nn::{Keep, Model, Workspace, layer::Mode};
use std::sync::atomic::AtomicBool;

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
pub struct Trainer {
    config: Config,
    model: Model<f32>,
    train: Examples,
    test: Examples,
    feed: Feed,
    /// The seed of dropout in the first step; the next one is used in the next step.
    dropout: u64,
    batch: Batch,
    updater: Updater,
    step: u64,
    low_water: LowWater,
    learned: Learned,
    evaluator: Evaluator,
    outcomes: Outcomes,
    probe: Option<Probe>,
    attributor: Option<Attributor>,
}

/// Buffers of one mini-batch, and of one pass over some of its examples.
#[derive(Debug)]
struct Batch {
    x: Vec<f32>,
    labels: Vec<u32>,
    losses: Vec<f64>,
    workspace: Workspace<f32>,
}

/// Everything that changes during training, as plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Mini-batches processed.
    pub step: u64,
    /// All parameters \[d\].
    pub parameters: Vec<f32>,
    /// The network's running statistics; empty if it has none.
    pub statistics: Vec<f32>,
    /// The velocity of momentum \[d\]; empty without momentum.
    pub velocity: Vec<f32>,
    /// The memory of the aggregation: for a rule over time, gradients \[d\] of the SUM loss plus k λ w, where λ is
    /// the weight decay; else empty buffers.
    pub recent: Recent<Vec<f32>>,
    /// The lowest loss of a mini-batch, if the run is measured when it falls.
    pub low_water: LowWater,
    /// When each training example was learned.
    pub learned: Learned,
}

impl Trainer {
    /// A trainer at step 0. If batch normalisation is by the running statistics, they are estimated (see
    /// [`Config::estimation_batches`]).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a setting is out of range or the data do not fit the model.
    pub fn new(
        config: Config,
        model: Model<f32>,
        train: Examples,
        test: Examples,
    ) -> Result<Self, ConfigError> {
        config.check(train.len())?;
        config.check_network(model.graph())?;
        fits(&model, &train, "training")?;
        fits(&model, &test, "test")?;
        let mut trainer = Self {
            feed: Feed::new(&config, &train),
            dropout: random::below(&mut random::stream(config.seed, "dropout"), u64::MAX),
            batch: Batch::new(&model, &config),
            updater: Updater::new(config.aggregation, Optimizer::new(&config), model.layout()),
            step: 0,
            low_water: LowWater::default(),
            learned: Learned::new(train.len()),
            evaluator: Evaluator::new(&model, config.loss),
            outcomes: Outcomes::default(),
            probe: (config.probe > 0).then(|| Probe::new(&model, &train, &test, &config)),
            attributor: Attributor::new(&model, &train, &config),
            config,
            model,
            train,
            test,
        };
        on_worker_thread(|| trainer.estimate_statistics())?;
        Ok(trainer)
    }

    /// Sets the running statistics to the mean of those of the first passes.
    fn estimate_statistics(&mut self) -> Result<(), ReadError> {
        let Config { batch_statistics, estimation_batches, .. } = self.config;
        if batch_statistics || self.model.graph().couples_examples().is_none() {
            return Ok(());
        }
        let mut count = 0;
        for step in 0..estimation_batches {
            let Batch { x, labels, losses, workspace } = &mut self.batch;
            self.feed.load(step, &self.train, x, labels)?;
            workspace.set_mode(Mode {
                batch_statistics: true,
                dropout: self.config.dropout.then(|| self.dropout.wrapping_add(step)),
            });
            for x in x.chunks(losses.len() * self.model.inputs()) {
                self.model.forward(x, losses.len(), workspace);
                count += 1;
                self.model.average_statistics(workspace, count);
            }
        }
        Ok(())
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The network as it is now.
    pub fn model(&self) -> &Model<f32> {
        &self.model
    }

    /// The training set.
    pub fn examples(&self) -> &Examples {
        &self.train
    }

    /// When each training example was learned, as far as measured.
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Mini-batches processed.
    pub fn step(&self) -> u64 {
        self.step
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
        let Batch { x, labels, losses, workspace } = &mut self.batch;
        let (examples, inputs, rate) =
            (labels.len(), self.model.inputs(), self.config.rate_at(self.step));
        self.feed.load(self.step, &self.train, x, labels)?;
        let (m, mut sum) = (losses.len(), 0.0);
        let count = examples / m;
        let done = self.step.wrapping_mul(count as u64);
        for (index, labels) in labels.chunks(m).enumerate() {
            workspace.set_mode(Mode {
                batch_statistics: self.config.batch_statistics,
                dropout: self
                    .config
                    .dropout
                    .then(|| self.dropout.wrapping_add(done.wrapping_add(index as u64))),
            });
            let x = &x[index * m * inputs..][..m * inputs];
            sum += forward(self.config.loss, &self.model, x, labels, workspace, losses);
            finite(sum / examples as f64, self.step, rate)?;
            self.model.update_statistics(workspace);
            let pass = Pass { index, count, examples };
            self.updater.take(pass, rate, &mut self.model, x, workspace);
        }
        self.step += 1;
        let loss = sum / examples as f64;
        self.low_water.take(&self.config.evaluate, loss);
        Ok(loss)
    }

    /// Measures the current network and sends the series listed in [`Sink`].
    ///
    /// # Errors
    ///
    /// [`TrainError`] if the training loss is not finite, after its rows were sent, or an image cannot be
    /// read.
    pub fn observe(&mut self, sink: &mut dyn Sink) -> Result<(), TrainError> {
        self.observe_unless(&AtomicBool::new(false), sink).map(drop)
    }

    /// As [`observe`](Self::observe), unless `stop` is raised meanwhile, which is checked before each chunk of
    /// examples: then nothing is sent or changed, and the result is `false`.
    ///
    /// # Errors
    ///
    /// As [`observe`](Self::observe).
    pub fn observe_unless(
        &mut self,
        stop: &AtomicBool,
        sink: &mut dyn Sink,
    ) -> Result<bool, TrainError> {
        let mut rows = Vec::new();
        let test =
            match self.measure(stop, &mut |series, value| rows.push((series.to_owned(), value))) {
                Ok(test) => test,
                Err(Halt::Stopped) => return Ok(false),
                Err(Halt::Read(error)) => return Err(error.into()),
            };
        self.learned.record(self.step, &self.outcomes.correct);
        for (name, score) in test.iter().chain(&self.outcomes.scores("train", &self.train)) {
            self.send_score(name, *score, sink);
        }
        for designation in Designation::ALL {
            let name = designation.name();
            let belongs = |i: usize| self.train.designations()[i] == designation;
            let members = (0..self.train.len()).filter(|&i| belongs(i));
            if let Some(score) = self.outcomes.score(members) {
                self.send_score(name, score, sink);
            }
            if let Some(share) = self.learned.share(belongs) {
                sink.row(self.step, &format!("{name}.learned"), share);
            }
            let watched = self.config.watch.contains(&Watch::Learned);
            if let Some(step) = self.learned.median_last(belongs).filter(|_| watched) {
                sink.row(self.step, &format!("{name}.last_learned"), step as f64);
            }
        }
        rows.iter().for_each(|(series, value)| sink.row(self.step, series, *value));
        let loss = self.outcomes.losses.iter().sum::<f64>();
        finite(loss, self.step, self.config.rate_at(self.step))?;
        Ok(true)
    }

    /// Evaluates both sets and the probe, whose series go to `send`. Returns the scores of the test set and its
    /// groups; the outcomes of the training set stay.
    fn measure(
        &mut self,
        stop: &AtomicBool,
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<Vec<(String, Score)>, Halt> {
        self.evaluator.run(stop, &self.model, &self.test, &mut self.outcomes)?;
        let test = self.outcomes.scores("test", &self.test);
        self.evaluator.run(stop, &self.model, &self.train, &mut self.outcomes)?;
        if let Some(probe) = &mut self.probe {
            let batch = (self.feed.indices(self.step), &mut self.batch.workspace);
            probe.observe(stop, &self.model, [&self.train, &self.test], batch, send)?;
        }
        if let Some(attributor) = &mut self.attributor {
            attributor.observe(stop, &self.model, &self.train, send)?;
        }
        if self.config.watch.contains(&Watch::Activity) {
            self.measure_direction(stop, send)?;
        }
        Ok(test)
    }

    /// Sends the mean output bias and, for mini-batches of one pass, the cosine between the rule's direction and
    /// the mean gradient of the next one, as it is in the data set.
    fn measure_direction(
        &mut self,
        stop: &AtomicBool,
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<(), Halt> {
        let last = self.model.layout().tensors().last().filter(|tensor| tensor.shape.len() == 1);
        if let Some(bias) = last.map(|tensor| &self.model.parameters()[tensor.range.clone()]) {
            let sum: f64 = bias.iter().map(|&b| f64::from(b)).sum();
            send("activity.output_bias", sum / bias.len() as f64);
        }
        let Batch { losses, workspace, .. } = &mut self.batch;
        if losses.len() < self.config.batch {
            return Ok(());
        }
        let batch_statistics = self.config.batch_statistics;
        let dropout = self.config.dropout.then(|| self.dropout.wrapping_add(self.step));
        workspace.set_mode(Mode { batch_statistics, dropout });
        let batch = self.feed.indices(self.step).to_vec();
        let mut cosine = None;
        self.train.visit(stop, core::iter::once(batch), |x, labels| {
            let forward = |workspace: &mut Workspace<f32>| {
                forward(self.config.loss, &self.model, x, labels, workspace, losses);
            };
            cosine = self.updater.cosine(&self.model, x, workspace, forward);
        })?;
        if let Some(cosine) = cosine {
            send("activity.cosine", cosine);
        }
        Ok(())
    }

    fn send_score(&self, name: &str, score: Score, sink: &mut dyn Sink) {
        sink.row(self.step, &format!("{name}.loss"), score.loss);
        sink.row(self.step, &format!("{name}.accuracy"), score.accuracy);
    }

    /// A copy of everything that changes.
    pub fn state(&self) -> State {
        State {
            step: self.step,
            parameters: self.model.parameters().to_vec(),
            statistics: self.model.statistics().to_vec(),
            velocity: self.updater.velocity.clone(),
            recent: self.updater.recent.clone(),
            low_water: self.low_water,
            learned: self.learned.clone(),
        }
    }

    /// Sets the state to `state`, from which training continues as if it had never stopped.
    ///
    /// # Panics
    ///
    /// If the state is of another network or training set.
    pub fn restore(&mut self, state: State) {
        assert_eq!(
            state.learned.first.len(),
            self.train.len(),
            "the state is of another training set"
        );
        self.model.parameters_mut().copy_from_slice(&state.parameters);
        self.model.statistics_mut().copy_from_slice(&state.statistics);
        self.step = state.step;
        self.updater.velocity = state.velocity;
        self.updater.recent = state.recent;
        self.low_water = state.low_water;
        self.learned = state.learned;
    }
}

impl Batch {
    fn new(model: &Model<f32>, config: &Config) -> Self {
        let (k, m) = (config.batch, config.examples_of_a_pass());
        Self {
            x: vec![0.0; k * model.inputs()],
            labels: vec![0; k],
            losses: vec![0.0; m],
            workspace: model.workspace(m, Keep::Activations),
        }
    }
}

fn finite(loss: f64, step: u64, rate: f64) -> Result<(), Diverged> {
    if loss.is_finite() { Ok(()) } else { Err(Diverged { step, loss, rate }) }
}

fn fits(model: &Model<f32>, data: &Examples, set: &'static str) -> Result<(), ConfigError> {
    let (found, input) = (data.shape(), model.graph().input());
    if !accepts(input, found) {
        return Err(ConfigError::Features {
            set,
            found: shape(found).to_string(),
            expected: input.to_string(),
        });
    }
    let (found, expected) = (data.classes(), model.classes());
    if found > expected {
        return Err(ConfigError::Classes { set, found, expected });
    }
    Ok(())
}
