//! Why an experiment file was refused.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Experiment;

/// Why an experiment file or a folder of them was refused.
#[derive(Debug, Error)]
pub enum SpecError {
    /// The folder could not be read.
    #[error(
        "cannot read the folder {}: {source}; --experiments names the folder of the experiments, \
         without it those built into this program are used",
        path.display()
    )]
    Folder {
        /// Folder.
        path: PathBuf,
        /// Reason.
        source: io::Error,
    },
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Reason.
        source: io::Error,
    },
    /// Not the text of an experiment.
    #[error("{file} is not an experiment: {source}")]
    Format {
        /// File.
        file: String,
        /// Reason.
        source: FormatError,
    },
    /// Well-formed, but it asks for something that makes no sense.
    #[error("{file}: {}", problems.join("\n  "))]
    Invalid {
        /// File.
        file: String,
        /// Each problem with its remedy.
        problems: Vec<String>,
    },
    /// No such experiment.
    #[error(
        "no experiment {id:?} in {library}; there are {} (--experiments DIR takes those of a folder: \
         --experiments . for ./{id}.toml)",
        known.join(", ")
    )]
    Unknown {
        /// Identifier asked for.
        id: String,
        /// Where it was looked for.
        library: String,
        /// Identifiers that are there.
        known: Vec<String>,
    },
}

/// Why bytes are not the text of an experiment.
#[derive(Debug, Error)]
pub enum FormatError {
    /// Longer than [`Experiment::LONGEST`].
    #[error("it has more than {} bytes: split it in two", Experiment::LONGEST)]
    TooLong,
    /// More parts than an experiment has use for.
    #[error("it has {found} {parts}, and {most} are the most: split it in two")]
    TooManyParts {
        /// What there are too many of.
        parts: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// Not text.
    #[error("it is not UTF-8: {0}")]
    NotText(#[from] std::str::Utf8Error),
    /// Not TOML, an unknown key, a missing key or a value of the wrong kind, with line and column.
    #[error("{0}")]
    Toml(String),
}
