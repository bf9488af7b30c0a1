//! Faults of IDX files, each with the field, the value found and the value expected.

use std::io;
use std::path::PathBuf;

/// A fault in a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub struct IdxError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: IdxFault,
}

/// What is wrong with an IDX file, or with two files that should match.
#[derive(Debug, thiserror::Error)]
pub enum IdxFault {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// The file begins as gzip but does not decompress: it is truncated, changed, or its checksum is
    /// wrong.
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
        /// 00 00 08, then the number of dimensions.
        expected: [u8; 4],
    },
    /// The product of the dimensions exceeds the caller's limit or overflows.
    #[error("dimensions: found {dims:?}, expected a product of at most {limit}")]
    TooLarge {
        /// The dimensions in the header.
        dims: Vec<usize>,
        /// The caller's limit on the number of values.
        limit: u64,
    },
    /// The file ends inside `field`.
    #[error("{field}: found {found} bytes, expected {expected}: the file is truncated")]
    Truncated {
        /// The field in which the file ends.
        field: &'static str,
        /// Bytes of the field in the file.
        found: u64,
        /// Bytes of the whole field.
        expected: u64,
    },
    /// Bytes follow after the end of the data.
    #[error("found bytes after the {place}, expected the end of the file")]
    Trailing {
        /// The part that should be the last.
        place: &'static str,
    },
    /// The size is right, but the content is not.
    #[error("SHA-256: found {found}, expected {expected}")]
    Checksum {
        /// The checksum of the decompressed file.
        found: String,
        /// The checksum in the manifest.
        expected: String,
    },
    /// A number in the file differs from that of the companion file.
    #[error("{field}: found {found}, expected {expected}")]
    Mismatch {
        /// The name of the number.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The value it should have.
        expected: u64,
    },
    /// A label is not below the number of classes.
    #[error("label {index}: found {found}, expected a class below {classes}")]
    Label {
        /// The index of the example.
        index: usize,
        /// Its label.
        found: u8,
        /// The number of classes.
        classes: usize,
    },
}
