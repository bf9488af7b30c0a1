//! `coherence check`.

use std::fmt;

use clap::Args;
use serde::Serialize;

use super::experiments::Experiments;
use crate::output::{self, Status};
use crate::spec::SpecError;

/// Check experiments: every key, value, claim and figure
///
/// Nothing is run. Exit status 1 when an experiment is not valid, 2 when one is not there or cannot be read.
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
        let checked: Vec<(String, Option<SpecError>)> = names
            .into_iter()
            .map(|name| {
                let error = self.experiments.load(&name).err();
                (name, error)
            })
            .collect();
        let was_read = |error: &SpecError| {
            matches!(error, SpecError::Format { .. } | SpecError::Invalid { .. })
        };
        let errors: Vec<&SpecError> =
            checked.iter().filter_map(|(_, error)| error.as_ref()).collect();
        let status = if errors.is_empty() {
            Status::Holds
        } else if errors.iter().all(|error| was_read(error)) {
            Status::Fails
        } else {
            Status::CouldNotRun
        };
        let listing = checked.into_iter().map(|(experiment, error)| Checked {
            experiment,
            problem: error.map(|error| error.to_string()),
        });
        output::result(self.json, &Listing(listing.collect()))?;
        Ok(status)
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
