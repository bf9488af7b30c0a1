//! Where the experiment files are.

use std::path::PathBuf;

use clap::Args;

/// The folder of experiment files, an option of several commands.
#[derive(Debug, Args)]
pub(super) struct Experiments {
    /// Folder of the experiment files
    #[arg(long = "experiments", value_name = "DIR", default_value = "experiments")]
    pub(super) folder: PathBuf,
}
