//! Why an experiment has no record.

use std::path::PathBuf;

use coherence_data::OpenError;
use coherence_data::files::WriteError;
use thiserror::Error;

use crate::memory::MemoryError;

/// Why an experiment could not be run to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The stop flag was raised; everything is saved.
    #[error("interrupted and saved; the same command goes on where it stopped")]
    Interrupted,
    /// A run of another process failed; those of this one are finished.
    #[error(
        "a run of another process failed (see its message); the same command goes on where it stopped"
    )]
    Elsewhere,
    /// The data set is not there.
    #[error(transparent)]
    Data(#[from] OpenError),
    /// The experiment asks for something that the data cannot give.
    #[error("{run}: {reason}")]
    Settings {
        /// Run or experiment.
        run: String,
        /// What does not fit.
        reason: String,
    },
    /// The folder holds a run with other settings.
    #[error(
        "{} holds a run with other settings ({difference}); remove it or choose another --out",
        folder.display()
    )]
    OtherSettings {
        /// Run folder.
        folder: PathBuf,
        /// The settings that differ: theirs, then ours.
        difference: String,
    },
    /// The folder holds a run of a version whose numbers may differ from ours.
    #[error(
        "{} was made by {there} and this is {here}, whose numbers may differ; remove it to run \
         again or choose another --out",
        folder.display()
    )]
    OtherResults {
        /// Run folder.
        folder: PathBuf,
        /// The version that made it.
        there: String,
        /// This version.
        here: String,
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
        source: Box<coherence_train::TrainingRunError>,
    },
    /// The runs do not fit in memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// No worker threads.
    #[error("cannot start worker threads: {0} (try fewer --jobs or --threads)")]
    Threads(String),
}
