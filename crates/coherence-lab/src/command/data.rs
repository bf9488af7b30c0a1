//! `coherence data`: lists, fetches and verifies data sets.

mod fetch;
mod list;
mod path;
mod verify;

use anyhow::Context;
use clap::{Args, Subcommand};

use coherence_data::locate;
use coherence_data::manifest::{self, Entry};

use crate::output::Status;
use crate::watch;

/// List, fetch and verify data sets, or print where they are stored
///
/// Data sets are searched for in $COHERENCE_DATA if it is set, else in ./data and in the platform's
/// folder for user data.
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
        warn_of_wrong_variable();
        match self.action {
            Action::List(action) => action.run(),
            Action::Fetch(action) => action.run(),
            Action::Verify(action) => action.run(),
            Action::Path(action) => action.run(),
        }
    }
}

/// Warns on stderr if $COHERENCE_DATA is set but is not a folder, which would otherwise go unnoticed.
pub(super) fn warn_of_wrong_variable() {
    if let Some(folder) = locate::named().filter(|folder| !folder.is_dir()) {
        watch::line(&format!(
            "warning: {} is {}, which is not a folder; set it to the folder that holds the data sets, \
             or unset it",
            locate::VARIABLE,
            folder.display()
        ));
    }
}

/// The manifest's entry for the command-line argument `name`.
fn entry(name: &str) -> anyhow::Result<&'static Entry> {
    manifest::entry(name).with_context(|| {
        let known: Vec<&str> = manifest::entries().iter().map(|e| e.name.as_str()).collect();
        let known = known.join(", ");
        match name {
            "digits" => {
                format!("digits are compiled in and have no files (data sets with files: {known})")
            }
            _ => format!("no data set is called \"{name}\" (known: {known})"),
        }
    })
}

/// The manifest's entries for `names`; all entries if no name is given.
fn entries(names: &[String]) -> anyhow::Result<Vec<&'static Entry>> {
    if names.is_empty() {
        return Ok(manifest::entries().iter().collect());
    }
    names.iter().map(|name| entry(name)).collect()
}
