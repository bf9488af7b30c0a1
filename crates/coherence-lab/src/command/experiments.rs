//! Which experiments a command works on.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::spec::{Experiment, Library, SpecError};

/// Where the experiments are, an option of several commands.
#[derive(Debug, Args)]
pub(super) struct Experiments {
    /// Folder of the experiment files [default: ./experiments if there are any in it, else those
    /// built into this program]
    #[arg(long = "experiments", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Experiments {
    pub(super) fn library(&self) -> Library {
        Library::find(self.folder.as_deref())
    }

    /// The experiment called `name`: a file if it is a path or ends with `.toml`, else an
    /// identifier of the library.
    pub(super) fn load(&self, name: &str) -> Result<Experiment, SpecError> {
        if is_file(name) { Experiment::load(Path::new(name)) } else { self.library().load(name) }
    }
}

/// Whether an argument is a file and not an identifier, which has no separator in it.
fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    path.components().count() != 1
        || path.extension().is_some_and(|extension| extension == "toml")
        || path.is_absolute()
}
