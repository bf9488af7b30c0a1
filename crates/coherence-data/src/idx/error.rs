//! What can be wrong with an IDX file, each with the field, what was found and what was expected.

use std::io;
use std::path::PathBuf;

/// A fault in a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub struct IdxError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an IDX file, or with two that should belong together.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The operating system would not let us read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// It began as gzip but does not decompress: truncated, changed, or a wrong checksum.
    #[error("damaged gzip data: {0}")]
    Gzip(io::Error),
    /// Neither gzip nor IDX of unsigned bytes in the expected number of dimensions.
    #[error(
        "magic number: found {found:02x?}, expected {expected:02x?} \
         (IDX of unsigned bytes in {} dimensions) or gzip", expected[3]
    )]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
        /// 00 00 08 and the number of dimensions.
        expected: [u8; 4],
    },
    /// The dimensions announce more than the caller allows, or overflow.
    #[error("dimensions: found {dims:?}, expected a product of at most {limit}")]
    TooLarge {
        /// The dimensions in the header.
        dims: Vec<usize>,
        /// The caller's limit, in values.
        limit: u64,
    },
    /// The file ends inside `field`.
    #[error("{field}: found {found} bytes, expected {expected}: the file is truncated")]
    Truncated {
        /// Where it ends.
        field: &'static str,
        /// Bytes of the field that are there.
        found: u64,
        /// Bytes that should be there.
        expected: u64,
    },
    /// Bytes follow where the file should end.
    #[error("found bytes after the {place}, expected the end of the file")]
    Trailing {
        /// What should have been last.
        place: &'static str,
    },
    /// Every byte is there, but not the right ones.
    #[error("SHA-256: found {found}, expected {expected}")]
    Checksum {
        /// Of the decompressed file.
        found: String,
        /// In the manifest.
        expected: String,
    },
    /// A number differs from that of the companion file.
    #[error("{field}: found {found}, expected {expected}")]
    Mismatch {
        /// Which number.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The value it should have.
        expected: u64,
    },
    /// A label names a class that does not exist.
    #[error("label {index}: found {found}, expected a class below {classes}")]
    Label {
        /// The example.
        index: usize,
        /// Its label.
        found: u8,
        /// The number of classes.
        classes: usize,
    },
}
