//! `coherence data`: what lies where, fetched and verified.

mod fetch;
mod list;
mod path;
mod verify;

use anyhow::Context;
use clap::{Args, Subcommand};

use coherence_data::manifest::{self, Entry};

use crate::output::Status;

/// List, fetch and verify data sets, or say where they lie
///
/// Data sets are searched in $COHERENCE_DATA, ./data and the platform's folder for a user's data.
#[derive(Debug, Args)]
pub(crate) struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::List),
    Fetch(fetch::Fetch),
    Verify(verify::Verify),
    Path(path::Path),
}

impl Data {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        match self.action {
            Action::List(action) => action.run(),
            Action::Fetch(action) => action.run(),
            Action::Verify(action) => action.run(),
            Action::Path(action) => action.run(),
        }
    }
}

/// The entry of the manifest called `name`, for an argument of the command line.
fn entry(name: &str) -> anyhow::Result<&'static Entry> {
    manifest::entry(name).with_context(|| {
        let known: Vec<&str> = manifest::entries().iter().map(|e| e.name.as_str()).collect();
        let known = known.join(", ");
        match name {
            "digits" => {
                format!("digits are compiled in, there is no file of them (files: {known})")
            }
            _ => format!("no data set is called \"{name}\" (known: {known})"),
        }
    })
}

/// The entries called `names`, or all of them if no name is given.
fn entries(names: &[String]) -> anyhow::Result<Vec<&'static Entry>> {
    if names.is_empty() {
        return Ok(manifest::entries().iter().collect());
    }
    names.iter().map(|name| entry(name)).collect()
}
