//! What can be wrong with a matrix file.

use std::io;
use std::path::PathBuf;

/// A fault in a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub struct MatrixError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a matrix file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The operating system would not let us read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Neither `.npy` nor safetensors, which begins with its header's length.
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
    /// A format that is known but not read.
    #[error("this is {what}: convert it in Python by `{remedy}`")]
    Foreign {
        /// What it is.
        what: &'static str,
        /// The line of Python that makes a `.npy` file of it.
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
    /// A field of the header is not what it must be.
    #[error("{field}: found {found}, expected {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What it says, shortened.
        found: String,
        /// What it may say.
        expected: &'static str,
    },
    /// The safetensors header is no JSON of the expected form.
    #[error("header: {0}")]
    Json(#[from] serde_json::Error),
    /// The dimensions multiply to more bytes than any file has.
    #[error("shape: found {rows} × {cols}, whose size overflows")]
    Overflow {
        /// Rows announced.
        rows: u64,
        /// Columns announced.
        cols: u64,
    },
    /// The file is shorter or longer than its header says.
    #[error("file length: found {found} bytes, expected {expected}")]
    Length {
        /// Its length.
        found: u64,
        /// What it should be.
        expected: u64,
    },
    /// Tensors overlap, leave gaps, or lie outside the file.
    #[error("data offsets: found a tensor at {found}, expected one at {expected}")]
    Offset {
        /// Where the next tensor, or the data's end, lies.
        found: u64,
        /// Where it should lie.
        expected: u64,
    },
    /// The safetensors file does not say which tensor is meant.
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
        /// The name asked for.
        wanted: Option<String>,
        /// How many tensors there are.
        count: usize,
        /// The first of their names, shortened.
        first: Vec<String>,
    },
    /// A tensor was named, but a `.npy` file has one array and no names.
    #[error("a .npy file has no names (leave out \"{name}\")")]
    Unnamed {
        /// The name asked for.
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
