//! `coherence check`.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use coherence_lab::spec::{Experiment, files};

use super::experiments::Experiments;
use crate::output::{self, Status};

/// Check experiment files: every key, value, claim and figure
///
/// Exit status 1 when a file is not valid.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Files to check; without any, all of the folder
    files: Vec<PathBuf>,
    #[command(flatten)]
    experiments: Experiments,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let files =
            if self.files.is_empty() { files(&self.experiments.folder)? } else { self.files };
        let checked: Vec<Checked> = files.iter().map(|path| Checked::of(path)).collect();
        let valid = checked.iter().all(|file| file.problem.is_none());
        output::result(self.json, &Listing(checked))?;
        Ok(if valid { Status::Holds } else { Status::Fails })
    }
}

#[derive(Serialize)]
struct Listing(Vec<Checked>);

#[derive(Serialize)]
struct Checked {
    file: String,
    problem: Option<String>,
}

impl Checked {
    fn of(path: &Path) -> Self {
        let problem = Experiment::load(path).err().map(|e| e.to_string());
        Self { file: path.display().to_string(), problem }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Checked { file, problem } in &self.0 {
            match problem {
                None => writeln!(f, "{file}: valid")?,
                Some(problem) => writeln!(f, "{problem}")?,
            }
        }
        Ok(())
    }
}
