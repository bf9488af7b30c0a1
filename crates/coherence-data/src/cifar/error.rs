//! Faults of CIFAR files.

use std::io;
use std::path::PathBuf;

/// A data set in the binary layout could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CifarError {
    /// No folder has its files.
    #[error(
        "{name} is not on this machine; looked in {} (unpack {archive} of \
         https://www.cs.toronto.edu/~kriz/cifar.html into one of them, or set {} to the folder that \
         holds it)",
        looked.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "),
        crate::locate::VARIABLE
    )]
    Missing {
        /// The data set.
        name: &'static str,
        /// Its official archive.
        archive: &'static str,
        /// Every folder that was searched.
        looked: Vec<PathBuf>,
    },
    /// One of its files is damaged.
    #[error("{}: {fault}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: CifarFault,
    },
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum CifarFault {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// The file is no whole number of records, or empty.
    #[error(
        "found {found} bytes, expected a multiple of {record} bytes, at least one record: the file is \
         truncated or has another layout (unpack the binary version of the archive again)"
    )]
    Length {
        /// Bytes of the file.
        found: u64,
        /// Bytes of a record.
        record: u64,
    },
    /// The file has another length than the official one.
    #[error(
        "found {found} bytes, expected {expected}: the file is incomplete (unpack {archive} again, or \
         name the folder of incomplete files as {name}:DIR)"
    )]
    Incomplete {
        /// Bytes of the file, or more than any official file has.
        found: u64,
        /// Bytes of the official file.
        expected: u64,
        /// The official archive.
        archive: &'static str,
        /// The data set.
        name: &'static str,
    },
    /// A label is not below the number of classes.
    #[error(
        "label of record {index}: found {found}, expected a class below {classes} (is it a file of \
         the other CIFAR?)"
    )]
    Label {
        /// The index of the record in the file.
        index: usize,
        /// Its label.
        found: u8,
        /// The number of classes.
        classes: usize,
    },
}
