//! `coherence measure`.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use clap::{Args, ValueEnum};

use coherence_data::select::Subset;
use coherence_data::{Dataset, Split, open};
use coherence_nn::{Mlp, weights};
use coherence_train::measure::{self, measure};

use crate::output::{self, Status};

mod findings;

/// Measure the coherence of a trained network
///
/// Per-example gradients are of the SUM loss; α is over the whole network unless --by says more.
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
    /// What to break coherence down by
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    by: Vec<By>,
    /// The standard errors of de-biased α of classes and groups, too
    #[arg(long)]
    errors: bool,
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

/// A data set and one of its splits.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    split: Split,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, split) = text.split_once(':').unwrap_or((text, "train"));
        let split = match split {
            "train" => Split::Train,
            "test" => Split::Test,
            other => return Err(format!("no split {other}; there are train and test")),
        };
        Ok(Self { name: name.to_owned(), split })
    }
}

impl Measure {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let mlp = self.network()?;
        let data = self.data()?;
        let by = measure::By {
            class: self.by.contains(&By::Class),
            example: self.by.contains(&By::Example),
            errors: self.errors,
        };
        let measured = measure(&mlp, &data, by)?;
        let (layer, group) = (self.by.contains(&By::Layer), self.by.contains(&By::Group));
        let findings = findings::Findings::of(&measured, layer, group);
        output::result(self.json, &findings)?;
        Ok(Status::Holds)
    }

    fn network(&self) -> anyhow::Result<Mlp<f32>> {
        let mut mlp = Mlp::zeros(&self.model.0)?;
        let file = self.weights.display();
        let bytes = fs::read(&self.weights).with_context(|| format!("cannot read {file}"))?;
        weights::load(&mut mlp, &bytes).with_context(|| format!("cannot use {file}"))?;
        Ok(mlp)
    }

    fn data(&self) -> anyhow::Result<Box<dyn Dataset>> {
        let data = open(&self.data.name, self.data.split)?;
        Ok(match self.examples {
            None => data,
            Some(n) => {
                Box::new(Subset::new(data, (0..n).collect()).with_context(|| {
                    format!("--examples {n} is more than {} has", self.data.name)
                })?)
            }
        })
    }
}
