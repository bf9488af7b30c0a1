//! Training in a folder: metrics, checkpoints, stopping and resuming.

use crate::{
    Checkpoint, CheckpointError, Config, ConfigError, Diverged, Examples, MetricsError,
    MetricsMark, NetworkMark, TrainError, Trainer,
    collective::{Collective, Fingerprint, Solo},
    metrics::Metrics,
};
use coherence_data::{
    ReadError,
    files::{self, WriteError},
};
use coherence_nn::{
    Model,
    device::{Cpu, Device},
    weights,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// How a call of [`TrainingRun::advance`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished,
    /// The stop flag was raised; the same call resumes where the run stopped.
    Interrupted,
}

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress<'a> {
    /// Mini-batches processed.
    pub step: u64,
    /// Mini-batches to process in total.
    pub steps: u64,
    /// MEAN loss of the last mini-batch, before its update; `None` right after a start or resume.
    pub loss: Option<f64>,
    /// The last value of each series of [`Sink`](crate::Sink) since the start or resume.
    pub latest: &'a BTreeMap<String, f64>,
}

/// Why a run could not be opened or continued.
#[derive(Debug, thiserror::Error)]
pub enum TrainingRunError {
    /// The settings are out of range or do not fit the data.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The loss is not finite. The measurements so far are in the folder; the last checkpoint is older.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// The checkpoint in the folder cannot be used.
    #[error("{}: {source}", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The checkpoint in the folder is of a run with other settings, network or data.
    #[error("{} is of another run: its {what} differ (choose another folder)", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs; settings with their values there and here.
        what: String,
        /// The names of the settings that differ.
        settings: Vec<String>,
    },
    /// The checkpoint in the folder is of a moment between mini-batches that these workers process together.
    #[error(
        "{} is of step {step}, between updates of the weights (go on with another number of workers)",
        path.display()
    )]
    Between {
        /// The checkpoint.
        path: PathBuf,
        /// Mini-batches processed.
        step: u64,
    },
    /// The metrics file cannot be written, or differs from its content at the checkpoint.
    #[error("{}: {source}", path.display())]
    Metrics {
        /// The metrics file.
        path: PathBuf,
        /// What is wrong with it.
        source: MetricsError,
    },
    /// Another file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file of an example cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<TrainError> for TrainingRunError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Diverged(diverged) => diverged.into(),
            TrainError::Read(error) => error.into(),
        }
    }
}

/// A [`Trainer`] that writes its results to a folder.
///
/// | file | content |
/// |---|---|
/// | `metrics.csv` | `step,series,value`, see [`Sink`](crate::Sink) |
/// | `checkpoint.safetensors` | everything needed to resume, see [`Checkpoint`] |
/// | `learned.csv` | `example,label,designation,first,last`, at the end |
/// | `weights.safetensors` | the trained network under PyTorch's names, at the end |
///
/// A run that was stopped, or killed at any moment, resumes from its last checkpoint when it is opened
/// again with the same arguments. It ends with the same bytes in all files as if it had never
/// stopped: no row is missing or duplicated. It may continue on another device; later results are then those of
/// that device.
#[derive(Debug)]
pub struct TrainingRun<D: Device<f32> = Cpu> {
    folder: PathBuf,
    trainer: Trainer<D>,
    /// As in the [`Checkpoint`].
    data: String,
    metrics: Metrics,
    /// Whether the current step has already been measured.
    observed: bool,
}

impl<D: Device<f32>> TrainingRun<D> {
    /// Opens the run in `folder`: resumes from the checkpoint if there is one, else starts a new run.
    ///
    /// # Errors
    ///
    /// [`TrainingRunError`] if the settings do not fit, or if the folder holds another run.
    pub fn open(
        folder: &Path,
        config: Config,
        model: Model<f32, D>,
        train: Examples,
        test: Examples,
    ) -> Result<Self, TrainingRunError> {
        Self::among(Arc::new(Solo), folder, config, model, train, test)
    }

    /// As [`open`](Self::open), as one of several workers that have the same folder; worker 0 writes the files.
    ///
    /// A run goes on with another number of workers, if the settings are defined for it; from there on, results
    /// are those of that number.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and if the workers differ.
    pub fn among(
        workers: Arc<dyn Collective>,
        folder: &Path,
        config: Config,
        model: Model<f32, D>,
        train: Examples,
        test: Examples,
    ) -> Result<Self, TrainingRunError> {
        let mut digest = Fingerprint::default();
        digest.examples(&train)?;
        digest.examples(&test)?;
        let data = digest.digits();
        let mut trainer = Trainer::among(workers, config, model, train, test)?;
        let path = folder.join(CHECKPOINT);
        let mut observed = false;
        let restored = path.exists();
        let metrics = if restored {
            let checkpoint = Checkpoint::read(&path)
                .map_err(|source| TrainingRunError::Checkpoint { path: path.clone(), source })?;
            if let Some((what, settings)) = difference(&checkpoint, &trainer, &data) {
                return Err(TrainingRunError::OtherRun { path, what, settings });
            }
            observed = checkpoint.observed;
            trainer.restore(checkpoint.state);
            if !(trainer.is_boundary() || trainer.is_finished()) {
                return Err(TrainingRunError::Between { path, step: trainer.step() });
            }
            Some(checkpoint.metrics)
        } else {
            None
        };
        // No worker writes before all have read the same checkpoint, or have found none. What they began with is
        // known to agree.
        trainer.agree(|mine| {
            if restored {
                mine.bytes(trainer.step().to_le_bytes());
                mine.network(trainer.model());
            }
            Ok(())
        })?;
        let metrics = match (trainer.writes(), metrics) {
            (false, _) => Metrics::discarding(),
            (true, Some(mark)) => Metrics::resume(&folder.join(METRICS), &mark),
            (true, None) => std::fs::create_dir_all(folder)
                .map_err(MetricsError::from)
                .and_then(|()| Metrics::create(&folder.join(METRICS))),
        };
        let metrics = metrics.map_err(|source| metrics_error(folder, source))?;
        Ok(Self { folder: folder.to_owned(), trainer, data, metrics, observed })
    }

    /// The network in training.
    pub fn trainer(&self) -> &Trainer<D> {
        &self.trainer
    }

    /// The last value of each series of [`Sink`](crate::Sink) since the start or resume.
    pub fn latest(&self) -> &BTreeMap<String, f64> {
        &self.metrics.latest
    }

    /// Trains until all steps are done or `stop` is raised, which is checked before every step and, during
    /// a measurement, before each chunk of examples; `progress` is called at every step.
    ///
    /// # Errors
    ///
    /// [`TrainingRunError::Diverged`] if the loss is not finite; the measurements are written before.
    /// Other errors if an image cannot be read or a file cannot be written.
    pub fn advance(
        &mut self,
        stop: &AtomicBool,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Outcome, TrainingRunError> {
        let outcome = self.train(stop, &mut progress);
        if outcome.is_err() {
            // The first error is returned; errors of these files, which may help to explain it, are
            // not.
            let _ = self.flush_metrics();
            let _ = self.write_learned();
        }
        outcome
    }

    fn train(
        &mut self,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Outcome, TrainingRunError> {
        let Config { steps, checkpoint_every, .. } = *self.trainer.config();
        let (mut loss, mut unwritten) = (None, false);
        loop {
            let step = self.trainer.step();
            if !self.observe_if_due(stop)? {
                return self.interrupt();
            }
            progress(Progress { step, steps, loss, latest: &self.metrics.latest });
            if self.trainer.is_finished() {
                return self.finish();
            }
            if self.trainer.may_stop(stop.load(Ordering::Relaxed)) {
                return self.interrupt();
            }
            // A resumed run finds the checkpoint of its first step there already.
            let due = checkpoint_every > 0 && step > 0 && step.is_multiple_of(checkpoint_every);
            unwritten |= due && loss.is_some();
            if unwritten && self.trainer.is_boundary() {
                unwritten = false;
                self.write_checkpoint()?;
            }
            loss = Some(self.trainer.advance()?);
            self.observed = false;
        }
    }

    /// Measures this step unless that is done or not due; `false` if `stop` was raised meanwhile.
    fn observe_if_due(&mut self, stop: &AtomicBool) -> Result<bool, TrainingRunError> {
        if self.observed || !self.trainer.is_due() {
            return Ok(true);
        }
        self.observed = self.trainer.observe_unless(stop, &mut self.metrics)?;
        self.flush_metrics()?;
        Ok(self.observed)
    }

    fn interrupt(&mut self) -> Result<Outcome, TrainingRunError> {
        self.write_checkpoint()?;
        Ok(Outcome::Interrupted)
    }

    /// Writes the files of a finished run; the checkpoint last, since it marks the run as complete.
    fn finish(&mut self) -> Result<Outcome, TrainingRunError> {
        self.write_learned()?;
        self.write(WEIGHTS, |to| to.write_all(&weights::to_safetensors(self.trainer.model())))?;
        self.write_checkpoint()?;
        Ok(Outcome::Finished)
    }

    fn flush_metrics(&mut self) -> Result<(), TrainingRunError> {
        self.metrics.flush().map_err(|source| metrics_error(&self.folder, source))
    }

    fn write_learned(&self) -> Result<(), WriteError> {
        self.write(LEARNED, |to| {
            let (evaluated, examples) = (self.trainer.evaluated(), self.trainer.examples());
            self.trainer.learned().write_csv(evaluated, examples, to)
        })
    }

    /// Syncs the metrics file first, so that it holds the rows that the checkpoint refers to.
    fn write_checkpoint(&mut self) -> Result<(), TrainingRunError> {
        let metrics = self.metrics.sync().map_err(|source| metrics_error(&self.folder, source))?;
        self.write(CHECKPOINT, |to| to.write_all(&self.checkpoint(metrics).to_bytes()))?;
        Ok(())
    }

    fn checkpoint(&self, metrics: MetricsMark) -> Checkpoint {
        Checkpoint {
            config: self.trainer.config().clone(),
            network: network_mark(self.trainer.model()),
            data: self.data.clone(),
            metrics,
            observed: self.observed || !self.trainer.is_due(),
            state: self.trainer.state(),
        }
    }

    /// Replaces a file of the folder at once, unless another worker writes the files.
    fn write(
        &self,
        file: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        if !self.trainer.writes() {
            return Ok(());
        }
        files::write_atomically(&self.folder.join(file), content)
    }
}

const CHECKPOINT: &str = "checkpoint.safetensors";
const LEARNED: &str = "learned.csv";
const METRICS: &str = "metrics.csv";
const WEIGHTS: &str = "weights.safetensors";

fn metrics_error(folder: &Path, source: MetricsError) -> TrainingRunError {
    TrainingRunError::Metrics { path: folder.join(METRICS), source }
}

fn network_mark<D: Device<f32>>(model: &Model<f32, D>) -> NetworkMark {
    NetworkMark::new(model.graph().name(), model.layout())
}

/// The first part in which a checkpoint differs from the trainer; of the settings also their names.
fn difference<D: Device<f32>>(
    checkpoint: &Checkpoint,
    trainer: &Trainer<D>,
    data: &str,
) -> Option<(String, Vec<String>)> {
    let no_settings = |what: &str| (what.to_owned(), Vec::new());
    if checkpoint.config != *trainer.config() {
        return Some(settings(&checkpoint.config, trainer.config()));
    }
    if checkpoint.network != network_mark(trainer.model()) {
        return Some(no_settings("networks"));
    }
    let same = checkpoint.data == data
        && checkpoint.state.learned.first.len() == trainer.evaluated().len();
    (!same).then(|| no_settings("data (images, labels or their noise)"))
}

/// The settings that differ, as `settings (steps: 10 there, 20 here)` and their names.
fn settings(there: &Config, here: &Config) -> (String, Vec<String>) {
    let [there, here] = [there, here].map(|config| {
        let value = serde_json::to_value(config).expect("numbers and strings become JSON");
        value.as_object().expect("settings have names").clone()
    });
    let names: BTreeSet<&String> = there.keys().chain(here.keys()).collect();
    let differing: Vec<String> =
        names.into_iter().filter(|&name| there.get(name) != here.get(name)).cloned().collect();
    let shown = |value: Option<&Value>| value.unwrap_or(&Value::Null).to_string();
    let told = |name: &String| {
        format!("{name}: {} there, {} here", shown(there.get(name)), shown(here.get(name)))
    };
    let told = differing.iter().map(told).collect::<Vec<_>>().join("; ");
    (format!("settings ({told})"), differing)
}
