//! `coherence data path`.

use clap::Args;

use coherence_data::{OpenError, locate};

use crate::output::{self, Status};

/// Print where a data set is stored, or which folders are searched
#[derive(Debug, Args)]
pub(super) struct Path {
    /// A name, such as mnist [default: print the folders that are searched]
    name: Option<String>,
}

impl Path {
    pub(super) fn run(self) -> anyhow::Result<Status> {
        let roots = locate::roots();
        let found = match self.name {
            None => roots,
            Some(name) => {
                let entry = super::entry(&name)?;
                let missing = || OpenError::absent(name, locate::folders(&roots, entry));
                vec![locate::folder(&roots, entry).ok_or_else(missing)?]
            }
        };
        let lines: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
        output::note(&lines.join("\n"))?;
        Ok(Status::Holds)
    }
}
