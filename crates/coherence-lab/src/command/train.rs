//! `coherence train`.

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;

use crate::memory::Needed;
use coherence_data::augment::Augmentation;
use coherence_data::{Dataset, random};
use coherence_nn::{Activation, Model, device::Device, loss::Loss, model::Architecture};
use coherence_train::{
    Aggregation, Config, Examples, Outcome, Progress, RateSchedule, Schedule, TrainingRun,
    TrainingRunError, Watch, collective::Collective,
};

use super::device::{On, Work};
use super::interrupt;
use super::measure::network;
use super::source::Input;
use super::workers::{self, Patience};
use crate::output::{self, Status};
use crate::watch;

/// Train a network, with coherence measured on the way
///
/// Stochastic gradient descent on the MEAN loss, from the initialisation of the architecture. The rule
/// says how the gradients of a mini-batch become a direction: their mean, or a robust mean that is
/// computed coordinate by coordinate from the examples' gradients, which are never stored. Momentum, weight
/// decay and the schedule of the rate act on the direction, as PyTorch's SGD does.
///
/// The folder --out gets metrics.csv (step, series, value: loss and accuracy of the training and the
/// test split, α and sums of the probe and of the mini-batch, and what --by asks for), learned.csv (when
/// each example was learned), weights.safetensors (torchvision's names) and a checkpoint. The same command
/// goes on where it stopped, after Ctrl-C and after a crash, and ends with the same bytes.
///
/// Batch normalisation uses the statistics of the mini-batch (of each micro-batch, if there are any), and
/// then only mean, m3, a3, rm3 and ra3 are defined: no example has a gradient of its own. With
/// --running-statistics it uses running ones, which are estimated from the first ten mini-batches before
/// training and then stay as they are, and every rule is defined.
///
/// Several workers: with a program built with --features mpi, `mpirun -np 3 coherence train …` cuts each
/// mini-batch in three, or, for m3 and a3 over three workers, gives each a mini-batch. median-of-means:P over P
/// workers takes the exact median of the workers' mean gradients, RULE@P another rule by coordinate over them;
/// winsorized:CLIP, trimmed:TRIM and median are over the examples of mini-batches of P. m3, a3 and median-of-means give
/// the same bits as one worker, except for the running statistics of batch normalisation, which are averaged over the
/// workers; the sums of the other rules are added in the order of the workers. Measurements are shared. All workers
/// need the same files; each uses all cores, unless RAYON_NUM_THREADS says how many.
///
/// With --device cuda:N the network is trained and measured on a GPU; its results differ from the processor's in the
/// last bits. A run may continue on another device. If the device fails, the command ends with a message, and the
/// same command continues from the last checkpoint.
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// The network.
    #[arg(long, value_name = "NAME", help = format!(
        "The network: mlp:INPUTS,HIDDEN,…,CLASSES or one of `coherence list models`; {}",
        Architecture::WIDTHS
    ))]
    model: Architecture,
    /// The activation between the layers, for mlp: relu, leaky-relu:SLOPE, relu6, tanh, sigmoid, silu, gelu or
    /// identity
    #[arg(long, default_value_t = Activation::Relu, value_name = "NAME")]
    activation: Activation,
    #[command(flatten)]
    input: Input,
    /// How gradients become a direction: mean, winsorized:CLIP, trimmed:TRIM, median, median-of-means:GROUPS, m3, a3,
    /// rm3, ra3, or any rule of `coherence aggregate` over the mean gradients of groups, RULE@GROUPS, such as krum:1@10
    #[arg(long, default_value = "mean", value_name = "RULE")]
    rule: Aggregation,
    #[command(flatten)]
    optimizer: Optimizer,
    /// The loss: cross-entropy, cross-entropy:SMOOTHING (of the labels) or squared-error (half the squared
    /// distance from one-hot labels)
    #[arg(long, default_value_t = Loss::default(), value_name = "LOSS")]
    loss: Loss,
    /// Examples in a mini-batch
    #[arg(long, default_value_t = 100, value_name = "N")]
    batch: usize,
    /// Examples in one forward and backward pass, to save memory; must divide the batch; for every rule but
    /// winsorized:CLIP, trimmed:TRIM and median, which need all examples at once (RULE@GROUPS does not)
    #[arg(long, value_name = "N")]
    micro_batch: Option<usize>,
    /// Passes over the training examples, each of ⌊examples / batch⌋ mini-batches
    #[arg(long, default_value_t = 10, value_name = "N", conflicts_with = "steps")]
    epochs: u64,
    /// Mini-batches to process, instead of epochs
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Steps between measurements [default: an epoch]
    #[arg(long, value_name = "N")]
    every: Option<NonZero<u64>>,
    /// Steps between checkpoints: what a kill or a crash can cost; 0 for a checkpoint only after Ctrl-C and at the
    /// end
    #[arg(long, default_value_t = 500, value_name = "N")]
    checkpoint_every: u64,
    /// Training examples over which α is measured; 0 for none [default: 1000, or all of fewer]
    #[arg(long, value_name = "N")]
    probe: Option<usize>,
    /// What to record beyond the whole network: layer (each tensor), group (pristine and corrupt examples), activity
    /// (dead units, cosine of direction and gradient), imputed (α from mini-batch gradients; always with
    /// batch statistics; imputed-layer and imputed-group for tensors and groups as well), half (a random half of
    /// these examples), test (coherence of test examples), learned (median last-learned steps)
    #[arg(
        long,
        visible_alias = "watch",
        value_delimiter = ',',
        default_value = "group",
        value_name = "WHAT"
    )]
    by: Vec<Watch>,
    /// Change the training images at random, differently in each epoch: crop:PADDING, flip or crop:PADDING,flip
    #[arg(long, value_name = "HOW")]
    augment: Option<Augmentation>,
    /// Normalise by running statistics, so that every example has a gradient of its own
    #[arg(long)]
    running_statistics: bool,
    /// The seed of the initial weights, the order of the examples, the noise and the probe
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    patience: Patience,
    /// The folder of the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

/// How a direction becomes an update.
#[derive(Debug, Args)]
struct Optimizer {
    /// The learning rate, which multiplies the MEAN gradient
    #[arg(long, default_value_t = 0.1, value_name = "RATE")]
    rate: f64,
    /// How the rate changes: constant; steps:A,B,… (divided by 10 from each of these steps on) or
    /// steps:A,B,…/DIVISOR; cosine (from the rate to 0)
    #[arg(long, default_value_t = RateSchedule::Constant, value_name = "SCHEDULE")]
    schedule: RateSchedule,
    /// Steps of linear warm-up, before or on top of the schedule
    #[arg(long, default_value_t = 0, value_name = "N")]
    warmup: u64,
    /// Momentum, from 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "MU")]
    momentum: f64,
    /// Nesterov's momentum
    #[arg(long, requires = "momentum")]
    nesterov: bool,
    /// Weight decay (L2), added to the gradient
    #[arg(long, default_value_t = 0.0, value_name = "LAMBDA")]
    weight_decay: f64,
}

impl Train {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        workers::among(self.patience, |workers| self.on.run(Training { command: &self, workers }))
    }

    fn train<D: Device<f32>>(
        &self,
        workers: Arc<dyn Collective>,
        device: D,
    ) -> anyhow::Result<Status> {
        let is_first = workers.rank() == 0;
        self.model.check_activation(self.activation)?;
        if self.out.exists() && !self.out.is_dir() {
            bail!("--out {} is a file (name a folder; it need not exist)", self.out.display());
        }
        let (train, test) = (self.input.open(self.seed)?, self.input.open_test()?);
        let network = network(&self.model, self.activation, train.as_ref())?;
        let there = train.len();
        if let Some(probe) = self.probe.filter(|&probe| there < probe) {
            bail!(
                "--probe {probe} is more than the training set has: {there} (ask for at most that)"
            );
        }
        let config = self.config(there);
        config.check(there)?;
        let needed = Needed::in_training(&config, &network, [train.len(), test.len()]);
        needed.check(&format!("training {}", self.model), &device)?;
        let mut rng = random::stream(self.seed, "initialisation");
        let model = Model::initialized_on(device, network, &mut rng);
        let stop = interrupt::flag()?;
        let (train, test) = (Examples::open(Arc::from(train))?, Examples::open(Arc::from(test))?);
        let all = Arc::clone(&workers);
        let mut run = TrainingRun::among(workers, &self.out, config, model, train, test)
            .map_err(with_options)?;
        let progress = watch::Progress::new(self.quiet || !is_first);
        let (done, steps) = (run.trainer().step(), run.trainer().config().steps);
        let from = if done == 0 { String::new() } else { format!(", {done} of them done") };
        progress.start(&self.model.to_string(), &format!("{steps} steps{from}"), [done, steps]);
        let outcome = run.advance(stop, |at| progress.reach(at.step, || state(at)));
        progress.finish();
        let outcome = outcome?;
        // An interruption is an error, which ends all soon: worker 0 must have written the checkpoint.
        all.any(false);
        if outcome == Outcome::Interrupted {
            bail!("interrupted; the same command goes on at step {}", run.trainer().step());
        }
        if is_first {
            let found = Trained { out: self.out.clone(), latest: run.latest().clone() };
            output::result(self.json, &found)?;
        }
        Ok(Status::Holds)
    }

    fn config(&self, examples: usize) -> Config {
        let Optimizer { rate, ref schedule, warmup, momentum, nesterov, weight_decay } =
            self.optimizer;
        let config = Config {
            batch: self.batch,
            micro_batch: self.micro_batch,
            loss: self.loss,
            rate,
            schedule: schedule.clone(),
            warmup,
            momentum,
            nesterov,
            weight_decay,
            aggregation: self.rule,
            batch_statistics: !self.running_statistics,
            seed: self.seed,
            augmentation: self.augment,
            probe: self.probe.unwrap_or_else(|| examples.min(1000)),
            watch: self.by.clone(),
            checkpoint_every: self.checkpoint_every,
            ..Config::default()
        };
        let epoch = config.steps_of_epoch(examples);
        Config {
            steps: self.steps.unwrap_or(self.epochs.saturating_mul(epoch)),
            evaluate: Schedule::Every { steps: self.every.map_or(epoch, NonZero::get) },
            ..config
        }
    }
}

/// Settings whose names are not those of their options.
const OPTIONS: [(&str, &str); 7] = [
    ("aggregation", "--rule"),
    ("augmentation", "--augment"),
    ("batch_statistics", "--running-statistics"),
    ("evaluate", "--every (without it by the steps of an epoch: --batch and --examples)"),
    ("probe", "--probe (without it by --examples)"),
    ("steps", "--steps or --epochs"),
    ("watch", "--by"),
];

/// The error, with the options that determine the settings which it names, if their names are others.
fn with_options(error: TrainingRunError) -> anyhow::Error {
    let TrainingRunError::OtherRun { settings, .. } = &error else { return error.into() };
    let differs = |(name, _): &&(&str, &str)| settings.iter().any(|setting| setting == name);
    let by: Vec<String> = OPTIONS
        .iter()
        .filter(differs)
        .map(|(name, option)| format!("{name} is set by {option}"))
        .collect();
    if by.is_empty() { error.into() } else { anyhow!("{error}; {}", by.join(", ")) }
}

/// The training of one worker.
struct Training<'a> {
    command: &'a Train,
    workers: Arc<dyn Collective>,
}

impl Work for Training<'_> {
    type Output = Status;

    fn on<D: Device<f32>>(self, device: D) -> anyhow::Result<Status> {
        self.command.train(self.workers, device)
    }
}

/// The state of the network, as far as it is known.
fn state(Progress { loss, latest, .. }: Progress) -> String {
    let mut parts: Vec<String> = loss.iter().map(|loss| format!("loss {loss:.3}")).collect();
    for (what, series) in [("test accuracy", "test.accuracy"), ("α", "probe.alpha")] {
        parts.extend(latest.get(series).map(|value| format!("{what} {value:.4}")));
    }
    parts.join(", ")
}

/// The last value of each series.
#[derive(Serialize)]
struct Trained {
    out: PathBuf,
    latest: std::collections::BTreeMap<String, f64>,
}

impl fmt::Display for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series = ["train.loss", "train.accuracy", "test.loss", "test.accuracy", "probe.alpha"];
        for name in series {
            if let Some(value) = self.latest.get(name) {
                writeln!(f, "{name:15} {value:.4}")?;
            }
        }
        write!(f, "results: {}", self.out.display())
    }
}
