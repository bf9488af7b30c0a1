//! `coherence check`.

use std::fmt;

use clap::Args;
use serde::Serialize;

use super::experiments::Experiments;
use crate::output::{self, Status};

/// Check experiments: every key, value, claim and figure
///
/// Nothing is run. Exit status 1 when an experiment is not valid, 2 when there is none to check.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Files (my/C9.toml) or identifiers (C3) [default: all experiments that `list` lists]
    #[arg(value_name = "EXPERIMENT")]
    names: Vec<String>,
    #[command(flatten)]
    experiments: Experiments,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let names =
            if self.names.is_empty() { self.experiments.library().ids()? } else { self.names };
        let check = |name: &String| Checked {
            experiment: name.clone(),
            problem: self.experiments.load(name).err().map(|e| e.to_string()),
        };
        let checked: Vec<Checked> = names.iter().map(check).collect();
        let valid = checked.iter().all(|checked| checked.problem.is_none());
        output::result(self.json, &Listing(checked))?;
        Ok(if valid { Status::Holds } else { Status::Fails })
    }
}

#[derive(Serialize)]
struct Listing(Vec<Checked>);

#[derive(Serialize)]
struct Checked {
    experiment: String,
    problem: Option<String>,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Checked { experiment, problem } in &self.0 {
            match problem {
                None => writeln!(f, "{experiment}: valid")?,
                Some(problem) => writeln!(f, "{problem}")?,
            }
        }
        Ok(())
    }
}
