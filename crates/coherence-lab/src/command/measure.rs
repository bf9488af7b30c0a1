//! `coherence measure`.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use clap::{Args, ValueEnum};

use coherence_nn::{Mlp, weights};
use coherence_train::measure::{self, measure};

use crate::output::{self, Status};

mod findings;
mod source;

use findings::Findings;
use source::{Noise, Source};

/// Measure the coherence of a trained network
///
/// Per-example gradients are of the SUM loss; α is over the whole network unless --by says more.
///
/// α, by layer, class and group, costs one forward and backward pass. What an example has in common
/// with the others (helpfulness, standard errors: --by example, --csv) costs a product with their
/// sum more, 1.4 to 1.6 times that pass, as long as activations and deltas fit into 256 MiB
/// (43,000 examples of mlp:784,256,256,256,10); beyond that the pass is done again. --errors adds
/// as much again for the classes and for the groups. Memory does not depend on the number of
/// examples otherwise, but for some 200 bytes for each.
///
/// JSON: loss (MEAN per example), network, and the arrays layers, classes, groups, examples. The
/// network and each of the first three have name, m, alpha, m_coherence, alpha_unbiased and its
/// standard_error, sq_norm_of_sum, sum_sq_norms, helpfulness (MEAN over a class or group, where the
/// whole sample helps). Examples have index, label, corrupt, loss, sq_norm, helpfulness. What was
/// not asked for is an empty array, what was not measured is null.
#[derive(Debug, Args)]
pub(crate) struct Measure {
    /// The network: mlp:INPUTS,HIDDEN,…,CLASSES, for example mlp:784,256,256,256,10
    #[arg(long, value_name = "NAME")]
    model: Widths,
    /// Its weights under PyTorch's names (fc1.weight … or 0.weight …)
    #[arg(long, value_name = "FILE.safetensors")]
    weights: PathBuf,
    /// The data: DATASET or DATASET:train or DATASET:test, for example digits:test
    #[arg(long, value_name = "DATASET[:SPLIT]")]
    data: Source,
    /// Only the first N examples
    #[arg(long, value_name = "N")]
    examples: Option<usize>,
    /// Make the data noisy as experiments do: permuted-labels:PERCENT, redrawn-labels:PERCENT or
    /// random-pixels:PERCENT
    #[arg(long, value_name = "KIND:PERCENT")]
    noise: Option<Noise>,
    /// The seed of the noise: that of the run
    #[arg(long, default_value_t = 1, requires = "noise")]
    seed: u64,
    /// What to break coherence down by
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    by: Vec<By>,
    /// The standard errors of de-biased α of classes and groups, too
    #[arg(long)]
    errors: bool,
    /// Write the examples to a file, one row each
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// JSON instead of tables
    #[arg(long)]
    json: bool,
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

/// The widths of a multi-layer perceptron.
#[derive(Clone, Debug)]
struct Widths(Vec<usize>);

impl FromStr for Widths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, widths) = text.split_once(':').unwrap_or((text, ""));
        if kind != "mlp" {
            return Err(format!("no model {kind}; write mlp:784,256,10"));
        }
        let width = |w: &str| w.parse().map_err(|_| format!("'{w}' is not a width"));
        widths.split(',').map(width).collect::<Result<_, _>>().map(Self)
    }
}

impl Measure {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let mlp = self.network()?;
        let data = self.data.open(self.noise, self.seed, self.examples)?;
        let by = measure::By {
            class: self.asks(By::Class),
            example: self.asks(By::Example) || self.csv.is_some(),
            errors: self.errors,
        };
        let measured = measure(&mlp, &data, by)?;
        if let Some(path) = &self.csv {
            findings::write_csv(&measured.examples, path)?;
        }
        output::result(self.json, &Findings::of(&measured, |by| self.asks(by)))?;
        Ok(Status::Holds)
    }

    fn asks(&self, by: By) -> bool {
        self.by.contains(&by)
    }

    fn network(&self) -> anyhow::Result<Mlp<f32>> {
        let mut mlp = Mlp::zeros(&self.model.0)?;
        let file = self.weights.display();
        let bytes = fs::read(&self.weights).with_context(|| format!("cannot read {file}"))?;
        weights::load(&mut mlp, &bytes).with_context(|| format!("cannot use {file}"))?;
        Ok(mlp)
    }
}
