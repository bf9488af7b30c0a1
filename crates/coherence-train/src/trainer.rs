//! Training in memory: steps, and measurements between steps.

use crate::{
    Config, ConfigError, Examples, Learned, Sink,
    evaluate::{Evaluator, Outcomes},
    examples::{accepts, shape},
    passes::{forward, on_worker_thread},
    probe::Probe,
    sampler::Sampler,
};
use coherence_core::aggregate::Recent;
use coherence_data::{Dataset, Designation, random};
use coherence_nn::{Keep, Model, Workspace, layer::Mode};

/// The loss is no longer a finite number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("training diverged: the loss is {loss} at step {step} (lower the rate, which is {rate})")]
pub struct Diverged {
    /// Mini-batches processed before the loss was seen.
    pub step: u64,
    /// The loss: NaN or infinite.
    pub loss: f64,
    /// The learning rate.
    pub rate: f64,
}

/// Training of a network in memory, without files.
///
/// [`TrainingRun`](crate::TrainingRun) adds the folder of a run. Results are the same for any
/// number of threads.
///
/// ```
/// use coherence_data::{digits, random, select};
/// use coherence_nn::{Model, model::mlp};
/// use coherence_train::{Aggregation, Config, Row, Schedule, Trainer};
///
/// let (train, _) = select::split(digits::train(), 500)?;
/// let config = Config {
///     batch: 50, rate: 0.1, steps: 10, aggregation: Aggregation::Mean,
///     batch_statistics: true, seed: 1,
///     evaluate: Schedule::Every { steps: 10 }, probe: 100, checkpoint_every: 0,
/// };
/// let model = Model::initialized(mlp(&[784, 32, 10])?, &mut random::stream(1, "initialisation"));
/// let mut trainer = Trainer::new(config, model, &train, &digits::test())?;
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
    sampler: Sampler,
    /// The seed of dropout in the first step; the next one is used in the next step.
    dropout: u64,
    batch: Batch,
    recent: Recent<Vec<f32>>,
    step: u64,
    learned: Learned,
    evaluator: Evaluator,
    outcomes: Outcomes,
    probe: Option<Probe>,
}

/// Buffers of one mini-batch.
#[derive(Debug)]
struct Batch {
    x: Vec<f32>,
    labels: Vec<u32>,
    losses: Vec<f64>,
    workspace: Workspace<f32>,
    /// \[d\] after the first step of a rule over time; empty for other rules.
    gradient: Vec<f32>,
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
    /// The memory of the aggregation: gradients of the SUM loss \[d\] for a rule over time, else empty
    /// buffers.
    pub recent: Recent<Vec<f32>>,
    /// When each training example was learned.
    pub learned: Learned,
}

impl Trainer {
    /// A trainer at step 0; decodes both sets into memory.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a setting is out of range or the data do not fit the model.
    pub fn new(
        config: Config,
        model: Model<f32>,
        train: &dyn Dataset,
        test: &dyn Dataset,
    ) -> Result<Self, ConfigError> {
        config.check(train.len())?;
        config.check_network(model.graph())?;
        fits(&model, train, "training")?;
        fits(&model, test, "test")?;
        let (train, test) = (Examples::decode(train)?, Examples::decode(test)?);
        let probe = Some(config.probe).filter(|&size| size > 0);
        Ok(Self {
            sampler: Sampler::new(config.seed, train.len(), config.batch),
            dropout: random::below(&mut random::stream(config.seed, "dropout"), u64::MAX),
            batch: Batch::new(&model, config.batch),
            recent: config.aggregation.recent(model.parameters().len()),
            step: 0,
            learned: Learned::new(train.len()),
            evaluator: Evaluator::new(&model),
            outcomes: Outcomes::default(),
            probe: probe.map(|size| Probe::new(&model, &train, size, config.seed)),
            config,
            model,
            train,
            test,
        })
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
        self.config.evaluate.is_due(self.step, self.config.steps)
    }

    /// Processes one mini-batch and returns its MEAN loss, taken before the update.
    ///
    /// # Errors
    ///
    /// [`Diverged`] if that loss is not finite; the network is then unchanged.
    pub fn advance(&mut self) -> Result<f64, Diverged> {
        on_worker_thread(|| self.process_batch())
    }

    fn process_batch(&mut self) -> Result<f64, Diverged> {
        let Batch { x, labels, losses, workspace, .. } = &mut self.batch;
        workspace.set_mode(Mode {
            batch_statistics: self.config.batch_statistics,
            dropout: Some(self.dropout.wrapping_add(self.step)),
        });
        self.train.gather(self.sampler.batch(self.step), x, labels);
        let sum = forward(&self.model, x, labels, workspace, losses);
        let loss = self.finite(sum / self.config.batch as f64)?;

        let Batch { x, workspace, gradient, .. } = &mut self.batch;
        let Config { rate, aggregation, .. } = self.config;
        self.model.update_statistics(workspace);
        aggregation.update(rate, &mut self.model, x, workspace, gradient, &mut self.recent);
        self.step += 1;
        Ok(loss)
    }

    /// Measures the current network and sends the series listed in [`Sink`].
    ///
    /// # Errors
    ///
    /// [`Diverged`] if the training loss is not finite, after its rows were sent.
    pub fn observe(&mut self, sink: &mut dyn Sink) -> Result<(), Diverged> {
        self.evaluator.run(&self.model, &self.test, &mut self.outcomes);
        self.send_score("test", |_| true, sink);

        self.evaluator.run(&self.model, &self.train, &mut self.outcomes);
        self.learned.record(self.step, &self.outcomes.correct);
        self.send_score("train", |_| true, sink);
        for designation in Designation::ALL {
            let name = designation.name();
            let belongs = |i: usize| self.train.designations()[i] == designation;
            self.send_score(name, belongs, sink);
            if let Some(share) = self.learned.share(belongs) {
                sink.row(self.step, &format!("{name}.learned"), share);
            }
        }
        if let Some(probe) = &mut self.probe {
            let batch = self.sampler.batch(self.step);
            probe.observe(&self.model, &self.train, batch, self.step, sink);
        }
        self.finite(self.outcomes.losses.iter().sum::<f64>()).map(drop)
    }

    fn send_score(&self, name: &str, belongs: impl Fn(usize) -> bool, sink: &mut dyn Sink) {
        if let Some(score) = self.outcomes.score(belongs) {
            sink.row(self.step, &format!("{name}.loss"), score.loss);
            sink.row(self.step, &format!("{name}.accuracy"), score.accuracy);
        }
    }

    fn finite(&self, loss: f64) -> Result<f64, Diverged> {
        let diverged = Diverged { step: self.step, loss, rate: self.config.rate };
        if loss.is_finite() { Ok(loss) } else { Err(diverged) }
    }

    /// A copy of everything that changes.
    pub fn state(&self) -> State {
        State {
            step: self.step,
            parameters: self.model.parameters().to_vec(),
            statistics: self.model.statistics().to_vec(),
            recent: self.recent.clone(),
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
        self.recent = state.recent;
        self.learned = state.learned;
    }
}

impl Batch {
    fn new(model: &Model<f32>, k: usize) -> Self {
        Self {
            x: vec![0.0; k * model.inputs()],
            labels: vec![0; k],
            losses: vec![0.0; k],
            workspace: model.workspace(k, Keep::Activations),
            gradient: Vec::new(),
        }
    }
}

fn fits(model: &Model<f32>, data: &dyn Dataset, set: &'static str) -> Result<(), ConfigError> {
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
