//! `coherence list`.

mod models;

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use coherence_nn::model::Architecture;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::output::{self, Status};
use crate::scale::Scale;
use crate::spec::{Experiment, Library};

/// List the experiments: identifier, scales, number of claims, title; or the models
///
/// The experiments are the files of ./experiments if there are any, else those built into this program;
/// the last line says which. `coherence run C3` runs one of them.
///
/// `coherence list models` lists the networks that train and measure take, for square images of three channels and
/// 1000 classes: parameters, multiply-adds of a forward pass of one image, and the memory of the activations of a
/// batch in f32. Training needs about as much again for their gradients. The last line says how residual networks of
/// another width are named.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[arg(value_enum, default_value_t = What::Experiments)]
    what: What,
    /// Height and width of the images, for models [default: 224, for inception_v3 299]
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// Images in the batch whose activations are counted, for models [default: 1]
    #[arg(long, value_name = "N")]
    batch: Option<NonZero<usize>>,
    /// Folder of the experiment files, for experiments [default: ./experiments if there are any in it, else
    /// those built into this program]
    #[arg(long = "experiments", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Experiments,
    Models,
}

impl List {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        if self.what == What::Models {
            ensure!(
                self.folder.is_none(),
                "--experiments is for `coherence list experiments`: leave it out"
            );
            let models =
                models::Models::new(self.size, self.batch.unwrap_or(NonZero::<usize>::MIN))?;
            output::result(self.json, &models)?;
            if !self.json {
                output::note(Architecture::WIDTHS)?;
            }
            return Ok(Status::Holds);
        }
        for (option, is_given) in [("size", self.size.is_some()), ("batch", self.batch.is_some())] {
            ensure!(
                !is_given,
                "--{option} is for models: write `coherence list models --{option} N`"
            );
        }
        let library = Library::find(self.folder.as_deref());
        let all = library.load_all(&[])?;
        output::result(self.json, &Listing(all.iter().map(Item::from_experiment).collect()))?;
        if !self.json {
            output::note(&format!("experiments: {library}"))?;
        }
        Ok(Status::Holds)
    }
}

#[derive(Serialize)]
struct Listing(Vec<Item>);

#[derive(Serialize)]
struct Item {
    id: String,
    title: String,
    source: String,
    scales: Vec<Scale>,
    claims: usize,
}

impl Item {
    fn from_experiment(experiment: &Experiment) -> Self {
        let mut scales = vec![Scale::Smoke, Scale::Quick, Scale::Desk, Scale::Paper];
        scales.retain(|&scale| experiment.runs_at(scale));
        Self {
            id: experiment.id.to_string(),
            title: experiment.title.clone(),
            source: experiment.source.clone(),
            scales,
            claims: experiment.claims.len(),
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["id", "scales", "claims", "title", "source"]);
        for item in &self.0 {
            let scales: Vec<String> = item.scales.iter().map(Scale::to_string).collect();
            let scales = if scales.len() == 4 { "all".to_owned() } else { scales.join(" ") };
            let claims = item.claims.to_string();
            table.add_row([&item.id, &scales, &claims, &item.title, &item.source]);
        }
        write!(f, "{table}")
    }
}
