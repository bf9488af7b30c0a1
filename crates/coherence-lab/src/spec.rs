//! Experiments as data: one TOML file each, every key known, every value checked.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::cell::{Axis, Cell};
use crate::claim::Claim;
use crate::figure::Figure;
use crate::id::Id;
use crate::scale::Scale;

mod axes;
mod bound;
mod check;
mod dataset;
mod difficulty;
mod error;
mod explain;
mod initial;
mod library;
pub mod limits;
mod line;
mod series;
mod size;
mod text;
mod training;
mod when;
mod worked;

pub use bound::Bound;
pub use dataset::{Dataset, DatasetError};
pub use difficulty::{Difficulty, Single, Subset};
pub use error::{FormatError, SpecError};
pub use initial::Initial;
pub use library::{Library, files};
pub use text::Text;
pub use training::{Data, Grid, Training};
pub use when::When;
pub use worked::{Averaging, Keep, Model, Sweep, Toy, Worked};

/// One experiment: what a paper says, how we repeat it at each scale, what must come out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Identifier of the catalogue, for example `C1`; also the file's name.
    pub id: Id,
    /// Title, a statement.
    pub title: String,
    /// Paper, section, figure.
    pub source: String,
    /// What the paper states, in our words.
    pub statement: String,
    /// Where our protocol departs from the paper's, one sentence each.
    #[serde(default)]
    pub deviations: Vec<String>,
    /// What we see in the result, paragraphs separated by empty lines.
    pub analysis: String,
    /// A worked example, the same at every scale…
    pub worked: Option<Worked>,
    /// … or a network to train, by scale.
    #[serde(default, rename = "scale")]
    pub scales: BTreeMap<Scale, Training>,
    /// What must come out.
    #[serde(default, rename = "claim")]
    pub claims: Vec<Claim>,
    /// What the report draws.
    #[serde(default, rename = "figure")]
    pub figures: Vec<Figure>,
}

impl Experiment {
    /// The longest experiment file in bytes; the longest of ours has three quarters of it.
    pub const LONGEST: usize = 16_384;

    /// Reads and checks one file, and no more of it than [`LONGEST`](Self::LONGEST) and a byte.
    pub fn load(path: &Path) -> Result<Self, SpecError> {
        let mut text = Vec::new();
        fs::File::open(path)
            .and_then(|open| open.take(Self::LONGEST as u64 + 1).read_to_end(&mut text))
            .map_err(|source| SpecError::Read { path: path.to_owned(), source })?;
        Self::checked(&text, &path.display().to_string(), &stem(path))
    }

    /// The experiment in `text`, which comes from `file` and must have the id `name`.
    fn checked(text: &[u8], file: &str, name: &str) -> Result<Self, SpecError> {
        let experiment = Self::parse(text)
            .map_err(|source| SpecError::Format { file: file.to_owned(), source })?;
        let text = str::from_utf8(text).unwrap_or_default();
        let mut problems = experiment.problems();
        if name != &*experiment.id {
            problems.push(format!("id is {}, which is not the file's name", experiment.id));
        }
        let problems: Vec<String> =
            problems.into_iter().map(|problem| line::located(text, problem)).collect();
        if problems.is_empty() {
            return Ok(experiment);
        }
        Err(SpecError::Invalid { file: file.to_owned(), problems })
    }

    /// Reads without checking; the error names line and column. However hostile the file is, this
    /// holds at most twice its length and 1 MB.
    pub fn parse(file: &[u8]) -> Result<Self, FormatError> {
        if Self::LONGEST < file.len() {
            return Err(FormatError::TooLong);
        }
        let text = str::from_utf8(file)?;
        size::check(text)?;
        toml::from_str(text).map_err(|e| FormatError::Toml(explain::explain(&e.to_string())))
    }

    /// The axes of the grid at a scale; empty where the experiment does not run there.
    pub fn axes(&self, scale: Scale) -> Vec<Axis> {
        match &self.worked {
            Some(worked) => worked.axes(),
            None => self.scales.get(&scale).map_or_else(Vec::new, |training| training.grid.axes()),
        }
    }

    /// The cells of the grid at a scale.
    pub fn cells(&self, scale: Scale) -> Vec<Cell> {
        match &self.worked {
            Some(worked) => worked.cells().into_iter().map(|(cell, _)| cell).collect(),
            None => Cell::product(&self.axes(scale)),
        }
    }

    /// The settings in force at a scale, by name, as text to be shown.
    pub fn settings(&self, scale: Scale) -> BTreeMap<String, String> {
        match &self.worked {
            Some(worked) => worked.shown(),
            None => self.scales.get(&scale).map(Training::shown).unwrap_or_default(),
        }
    }

    /// Whether the experiment is defined at a scale.
    pub fn runs_at(&self, scale: Scale) -> bool {
        self.worked.is_some() || self.scales.contains_key(&scale)
    }
}

/// The name of a file without its extension.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
