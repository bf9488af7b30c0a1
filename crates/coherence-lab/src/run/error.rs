//! Why an experiment has no record.

use std::path::PathBuf;

use coherence_data::OpenError;
use coherence_data::files::WriteError;
use thiserror::Error;

/// Why an experiment could not be run to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The stop flag was raised; everything is saved.
    #[error("interrupted and saved; the same command goes on where it stopped")]
    Interrupted,
    /// The data set is not there.
    #[error(transparent)]
    Data(#[from] OpenError),
    /// The experiment asks for something that the data cannot give.
    #[error("{run}: {reason}")]
    Settings {
        /// Run.
        run: String,
        /// What does not fit.
        reason: String,
    },
    /// The folder holds a run with other settings.
    #[error(
        "{} holds a run with other settings ({difference}); remove it or choose another --out",
        folder.display()
    )]
    Differs {
        /// Run folder.
        folder: PathBuf,
        /// The settings that differ: theirs, then ours.
        difference: String,
    },
    /// A file of a run folder cannot be read, or is not what we wrote.
    #[error("{}: {reason}; remove the folder to run again", path.display())]
    Damaged {
        /// File.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a run folder cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Training failed.
    #[error("{run}: {source}")]
    Train {
        /// Run.
        run: String,
        /// Why.
        source: coherence_train::TrainingRunError,
    },
    /// No worker threads.
    #[error("cannot start worker threads: {0} (try fewer --jobs or --threads)")]
    Threads(String),
}
