//! `coherence new`.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use coherence_data::files::write_atomically;

use crate::id::Id;
use crate::made::today;

use crate::output::{self, Status};

/// A commented experiment in which `ID` and `DATE` stand for the identifier and the day.
const TEMPLATE: &str = include_str!("new/template.toml");

/// Write a commented experiment file that runs as it is, to be changed
///
/// The file is ID.toml. A file that exists is not touched.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Identifier: letters, digits, '-', '_' or '.'
    #[arg(value_name = "ID")]
    id: Id,
    /// Folder of the file
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl New {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let text = experiment(&self.id);
        let path = self.out.join(format!("{}.toml", self.id));
        let shown = path.display();
        ensure!(!path.exists(), "{shown} exists: choose another id or --out");
        write_atomically(&path, |to| to.write_all(text.as_bytes()))?;
        output::note(&format!("{shown} is written. Next:"))?;
        output::note(&format!("  coherence check {shown}"))?;
        output::note(&format!("  coherence run {shown} --scale smoke"))?;
        Ok(Status::Holds)
    }
}

/// The text of a new experiment.
fn experiment(id: &Id) -> String {
    let text = TEMPLATE.replace("DATE", &today());
    text.replace("\"ID\"", &format!("\"{id}\"")).replace("ID.toml", &format!("{id}.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Experiment;

    #[test]
    fn new_experiment_is_valid_under_any_identifier() {
        for id in ["T1", "my-experiment", "2.5", "ID", "DATE"] {
            let id: Id = id.parse().unwrap();
            let read = Experiment::parse(experiment(&id).as_bytes()).unwrap();
            assert_eq!(read.id, id);
            assert_eq!(read.problems(), Vec::<String>::new());
            assert!(read.claims.iter().all(|claim| claim.written.to_string() == today()));
        }
    }
}
