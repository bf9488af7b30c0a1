//! Faults of matrix files.

use std::io;
use std::path::PathBuf;

/// What is expected of a shape.
pub(super) const TWO_DIMENSIONS: &str = "two dimensions (use `.reshape(n, d)`)";

/// What is expected of a dimension.
pub(super) const SIZE: &str = "a size from 0 to 2⁶⁴−1";

/// A fault in a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub struct MatrixError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: MatrixFault,
}

/// What is wrong with a matrix file.
#[derive(Debug, thiserror::Error)]
pub enum MatrixFault {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file is neither `.npy` nor safetensors (which begins with the length of its header).
    #[error(
        "neither .npy nor safetensors: as safetensors it would have a header of {header} bytes in \
         a file of {length} (expected at most {cap})"
    )]
    Format {
        /// The first eight bytes as a little-endian number.
        header: u64,
        /// The file's length.
        length: u64,
        /// The longest header accepted.
        cap: u64,
    },
    /// A known format that is not supported.
    #[error("this is {what}: convert it in Python by `{remedy}`")]
    Foreign {
        /// The format.
        what: &'static str,
        /// A line of Python that converts it to `.npy`.
        remedy: &'static str,
    },
    /// A matrix without values.
    #[error("shape: found {rows} × {cols}, expected at least one row and one column")]
    Empty {
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
    },
    /// A field of the header has an invalid value.
    #[error("{field}: found {found}, expected {expected}")]
    Field {
        /// The name of the field.
        field: &'static str,
        /// Its value, shortened.
        found: String,
        /// The values allowed.
        expected: &'static str,
    },
    /// The safetensors header is not JSON of the expected form.
    #[error("header: {0}")]
    Json(#[from] serde_json::Error),
    /// The size in bytes overflows.
    #[error("shape: found {rows} × {cols}, whose size overflows")]
    Overflow {
        /// Rows according to the header.
        rows: u64,
        /// Columns according to the header.
        cols: u64,
    },
    /// The file is shorter or longer than its header says.
    #[error("file length: found {found} bytes, expected {expected}")]
    Length {
        /// The length of the file.
        found: u64,
        /// The length according to the header.
        expected: u64,
    },
    /// Tensors overlap, leave gaps, or lie outside the file.
    #[error("data offsets: found a tensor at {found}, expected one at {expected}")]
    Offset {
        /// The offset of the next tensor, or of the end of the data.
        found: u64,
        /// The offset expected.
        expected: u64,
    },
    /// The safetensors file has no tensor of the requested name, or several and no name was given.
    #[error(
        "{}; it has {count}: {}{}",
        match wanted {
            Some(name) => format!("no tensor is called \"{name}\""),
            None => "name the tensor to read".to_owned(),
        },
        first.join(", "),
        if *count > first.len() { ", …" } else { "" }
    )]
    Tensor {
        /// The requested name.
        wanted: Option<String>,
        /// The number of tensors in the file.
        count: usize,
        /// The first few names, shortened.
        first: Vec<String>,
    },
    /// A name was given, but a `.npy` file holds one array without a name.
    #[error("a .npy file has no names (leave out \"{name}\")")]
    Unnamed {
        /// The requested name.
        name: String,
    },
}

/// The beginning of `text`, for a message.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
