//! `coherence measure`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::memory::Needed;
use coherence_data::Dataset;
use coherence_data::files::is_same_file;
use coherence_data::matrix::foreign_format;
use coherence_nn::{Activation, Graph, Model, Shape, device::Device, model::Architecture, weights};
use coherence_train::collective::Collective;
use coherence_train::measure::{self, Meter, group_size, impute};

use super::device::{On, Work};
use super::source::Input;
use super::workers::{self, Patience};
use crate::output::{self, Status};
use crate::watch::{Progress, line};

mod assumed;
mod findings;
mod told;

use assumed::Assumed;
use findings::Findings;
use told::Told;

/// Measure the coherence of a trained network
///
/// Per-example gradients are of the SUM loss, which is cross-entropy without smoothing; α is over the whole network unless --by says more.
///
/// α, by layer, class and group, costs one forward and backward pass. What an example has in common
/// with the others (helpfulness, standard errors: --by example, --csv) costs one more product, with
/// their sum: 1.4 to 1.6 times that pass in all, as long as activations and deltas fit into 256 MiB
/// (43,000 examples of mlp:784,256,256,256,10); beyond that the pass is done again. --errors costs
/// one more such product for each of classes and groups. Otherwise an example takes some 200 bytes.
///
/// The network is the function that was trained only with the right activation and inputs: name them
/// by --activation and --normalize. Loss and accuracy stand beside the result; an accuracy near
/// chance (below twice 1/classes) gives a warning on stderr.
///
/// Batch normalisation is by the running statistics in the file, so that every example has a gradient of its
/// own. What training by the statistics of a mini-batch sees is measured with --groups K: the coherence of
/// the gradients of K groups of examples and the α of single examples that follows from it.
///
/// Several workers: with a program built with --features mpi, `mpirun -np P coherence measure …` shares the passes
/// over the examples. S and Q are added in the order of the workers, so that their last bits depend on P alone;
/// --groups is measured by each worker.
///
/// JSON: assumed (model, activation, normalize, data, noise, examples, classes), loss (MEAN per
/// example), accuracy, network, and the arrays layers, classes, groups, examples. The network and
/// each of the first three arrays' entries have name, m, alpha, m_coherence, alpha_debiased and its
/// standard_error, sq_norm_of_sum, sum_sq_norms, helpfulness (MEAN over a class or group, where the
/// whole sample helps). groups_imputed has groups, size, alpha_of_groups, alpha_of_groups_debiased and its
/// alpha_of_groups_standard_error (both of the gradients of groups), alpha, m_coherence (of the sample),
/// alpha_debiased and its standard_error. Examples have index, label, corrupt, loss, sq_norm, helpfulness. What was
/// not asked for is an empty array, what was not measured is null.
#[derive(Debug, Args)]
pub(crate) struct Measure {
    /// The network.
    #[arg(long, value_name = "NAME", help = format!(
        "The network: mlp:INPUTS,HIDDEN,…,CLASSES, for example mlp:784,256,256,256,10, or one of `coherence list \
         models`; {}",
        Architecture::WIDTHS
    ))]
    model: Architecture,
    /// Its weights under PyTorch's names (fc1.weight … or 0.weight …, torchvision's for its networks)
    #[arg(long, value_name = "FILE.safetensors")]
    weights: PathBuf,
    /// The activation between the layers: relu, leaky-relu:SLOPE, relu6, tanh, sigmoid, silu, gelu (the erf
    /// form, PyTorch's default) or identity; only for mlp
    #[arg(long, default_value_t = Activation::Relu, value_name = "NAME")]
    activation: Activation,
    #[command(flatten)]
    input: Input,
    /// The seed of the noise, that of the run, and of the groups
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Impute α from the gradients of K groups of equal size, cut at random; batch normalisation is by the
    /// statistics of each group
    #[arg(long, value_name = "K")]
    groups: Option<usize>,
    /// What to break coherence down by
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    by: Vec<By>,
    /// Add the standard errors of de-biased α of classes and groups
    #[arg(long)]
    errors: bool,
    /// Write the examples to a file, one row each
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    patience: Patience,
    /// JSON instead of tables
    #[arg(long)]
    json: bool,
    /// No progress on stderr, which a measurement of more than two seconds shows
    #[arg(long)]
    quiet: bool,
}

/// What to break coherence down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Each tensor of the network
    Layer,
    /// Each class
    Class,
    /// The pristine and the corrupt examples
    Group,
    /// Each example's helpfulness, and with it the mean helpfulness of classes and groups, and the
    /// standard errors of de-biased α of the network and its tensors
    Example,
}

/// The measurement of one worker.
struct Measuring<'a> {
    command: &'a Measure,
    workers: Arc<dyn Collective>,
}

impl Work for Measuring<'_> {
    type Output = Status;

    fn on<D: Device<f32>>(self, device: D) -> anyhow::Result<Status> {
        self.command.measure(self.workers, device)
    }
}

impl Measure {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        workers::among(self.patience, |workers| self.on.run(Measuring { command: &self, workers }))
    }

    fn measure<D: Device<f32>>(
        &self,
        workers: Arc<dyn Collective>,
        device: D,
    ) -> anyhow::Result<Status> {
        let is_first = workers.rank() == 0;
        self.model.check_activation(self.activation)?;
        self.check_csv()?;
        let data = self.input.open(self.seed)?;
        let network = network(&self.model, self.activation, data.as_ref())?;
        let group =
            self.groups.map(|groups| group_size(&network, data.len(), groups)).transpose()?;
        let network_needs = measure::memory(&network, data.len())
            .max(measure::memory_of_group(&network, group.unwrap_or(0)));
        let needed = Needed { data: 0, network: network_needs };
        needed.check(&format!("measuring {}", self.model), &device)?;
        let model = self.load(device, network)?;
        let by = measure::By {
            class: self.asks(By::Class),
            example: self.asks(By::Example) || self.csv.is_some(),
            errors: self.errors,
        };
        let told = Told::new(&data, Progress::new(self.quiet || !is_first));
        let measured = Meter::among(workers, &model, &told, by, measure::BUDGET)?.measure()?;
        drop(told);
        let seed = self.seed;
        let imputed = self.groups.map(|groups| impute(&model, data.as_ref(), groups, seed));
        if !is_first {
            return imputed.transpose().map(|_| Status::Holds).map_err(Into::into);
        }
        if let Some(path) = &self.csv {
            findings::write_csv(&measured.examples, path)?;
        }
        let assumed = self.assumed(data.as_ref());
        if let Some(warning) = assumed.warning(measured.accuracy) {
            line(&format!("warning: {warning}"));
        }
        output::result(
            self.json,
            &Findings::new(assumed, &measured, imputed.transpose()?, |by| self.asks(by)),
        )?;
        Ok(Status::Holds)
    }

    /// Refuses, before any work, a file of examples that is the weights or the data, or cannot be written.
    fn check_csv(&self) -> anyhow::Result<()> {
        let Some(csv) = &self.csv else { return Ok(()) };
        let inputs = self.input.data.path().into_iter().chain([self.weights.as_path()]);
        let place = |path: &Path| path.canonicalize().ok();
        for input in inputs {
            let within = place(csv).zip(place(input)).is_some_and(|(csv, of)| csv.starts_with(of));
            if within || is_same_file(input, csv) {
                bail!("{} is read as well: choose another file for --csv", csv.display());
            }
        }
        let folder = csv.parent().filter(|folder| !folder.as_os_str().is_empty());
        if csv.is_dir() || folder.is_some_and(Path::is_file) {
            bail!("--csv {} cannot be a file: choose another one", csv.display());
        }
        Ok(())
    }

    fn asks(&self, by: By) -> bool {
        self.by.contains(&by)
    }

    fn assumed(&self, data: &dyn Dataset) -> Assumed {
        Assumed {
            model: self.model.to_string(),
            activation: matches!(self.model, Architecture::Mlp(_))
                .then(|| self.activation.to_string()),
            normalize: self.input.normalize.as_ref().map(ToString::to_string),
            data: self.input.data.to_string(),
            noise: self.input.noise.as_ref().map(|noise| format!("{noise}, seed {}", self.seed)),
            examples: data.len(),
            classes: data.classes(),
        }
    }

    fn load<D: Device<f32>>(
        &self,
        device: D,
        network: Graph<f32, D>,
    ) -> anyhow::Result<Model<f32, D>> {
        let mut model = Model::zeros_on(device, network);
        let file = self.weights.display();
        let bytes = fs::read(&self.weights).with_context(|| format!("cannot read {file}"))?;
        if let Some(what) = foreign_format(&bytes) {
            bail!(
                "{file} is {what}, not a safetensors file (convert it: import torch; from \
                 safetensors.torch import save_file; save_file(torch.load('FILE'), \
                 'weights.safetensors'), where FILE holds a state_dict)"
            );
        }
        weights::load(&mut model, &bytes).with_context(|| format!("cannot use {file}"))?;
        Ok(model)
    }
}

/// The network `name` for images and classes like those of `data`.
pub(super) fn network<D: Device<f32>>(
    name: &Architecture,
    activation: Activation,
    data: &dyn Dataset,
) -> anyhow::Result<Graph<f32, D>> {
    let image = data.shape();
    let input = Shape::image(image.height, image.width, image.channels);
    let network = name.build(input, data.classes(), activation);
    network.with_context(|| format!("{name} for images of {input} and {} classes", data.classes()))
}
