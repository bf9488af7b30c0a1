//! n × d matrices of other frameworks (`.npy` and safetensors), read in blocks.
//!
//! Row e is usually the gradient of example e. A [`Matrix`] holds an open file and none of its values;
//! [`read`](Matrix::read) fills the caller's buffer with any block and may be called by several threads
//! at once. A file larger than memory is read in blocks of rows (for sums over rows) or of columns (for
//! robust means).
//!
//! | format | element types | order |
//! |---|---|---|
//! | `.npy` 1.0, 2.0, 3.0 | `f2`, `f4`, `f8`, little- or big-endian | C and Fortran |
//! | safetensors | F16, BF16, F32, F64 | C |
//!
//! Headers are not trusted: products are checked for overflow, the length of the header is limited by
//! a constant and by the file, and the file must be exactly as long as the header says. A matrix
//! without rows or columns is refused.

mod error;
mod foreign;
mod npy;
mod read;
mod safetensors;
mod source;
mod value;
mod write;

use std::fs::File;
use std::path::Path;

pub use error::{MatrixError, MatrixFault};
pub use foreign::foreign_format;
pub use source::Source;
pub use value::{Dtype, Value};
pub use write::{Format, ResultError, write_vector};

use source::{Sequential, fill};
use value::Endian;

/// The order of the values in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The values of a row are contiguous (C).
    RowMajor,
    /// The values of a column are contiguous (Fortran).
    ColumnMajor,
}

/// The content of a file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    dtype: Dtype,
    endian: Endian,
    /// Whether columns, not rows, are contiguous.
    fortran: bool,
    rows: usize,
    cols: usize,
    /// Offset of the first value in the file.
    start: u64,
}

/// An n × d matrix in a file, n ≥ 1 and d ≥ 1.
///
/// ```
/// use coherence_data::matrix::{Dtype, Matrix};
/// // numpy.save of [[1, 2, 3], [4, 5, 6]] as float32
/// let mut file = b"\x93NUMPY\x01\x00\x48\x00".to_vec();
/// file.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }         \n\n\n\n");
/// file.extend([1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|x| x.to_le_bytes()));
///
/// let matrix = Matrix::new(std::io::Cursor::new(file), None).unwrap();
/// assert_eq!((matrix.rows(), matrix.cols(), matrix.dtype()), (2, 3, Dtype::F32));
/// let mut block = [0.0_f64; 4];
/// matrix.read(0..2, 1..3, &mut block).unwrap();
/// assert_eq!(block, [2.0, 3.0, 5.0, 6.0]);
/// ```
#[derive(Debug)]
pub struct Matrix<S = File> {
    source: S,
    header: Header,
}

impl Matrix<File> {
    /// Opens a matrix file. The format is recognised by the content, not by the name.
    ///
    /// `tensor` is the name of a tensor in a safetensors file; `None` stands for its only tensor.
    ///
    /// # Errors
    /// [`MatrixError`] with the file and the [`MatrixFault`].
    pub fn open(path: &Path, tensor: Option<&str>) -> Result<Self, MatrixError> {
        File::open(path)
            .map_err(MatrixFault::Io)
            .and_then(|file| Self::new(file, tensor))
            .map_err(|fault| MatrixError { file: path.to_owned(), fault })
    }
}

impl<S: Source> Matrix<S> {
    /// The same matrix, read through another source of the same bytes.
    pub fn through<R: Source>(self, source: impl FnOnce(S) -> R) -> Matrix<R> {
        Matrix { source: source(self.source), header: self.header }
    }

    /// As [`open`](Matrix::open), from any source.
    ///
    /// # Errors
    /// The first [`MatrixFault`].
    pub fn new(source: S, tensor: Option<&str>) -> Result<Self, MatrixFault> {
        let length = source.length()?;
        let mut first = [0; 8];
        if length < 8 {
            return Err(MatrixFault::Length { found: length, expected: 8 });
        }
        fill(&source, &mut first, 0)?;
        let mut rest = Sequential { source: &source, position: 8 };
        let header = match (npy::version(first), tensor) {
            (None, _) => {
                refuse_foreign(&source, length)?;
                safetensors::read_header(&mut rest, u64::from_le_bytes(first), length, tensor)?
            }
            (Some(version), None) => npy::read_header(&mut rest, version, length)?,
            (Some(_), Some(name)) => return Err(MatrixFault::Unnamed { name: name.to_owned() }),
        };
        match header {
            Header { rows, cols, .. } if rows == 0 || cols == 0 => {
                Err(MatrixFault::Empty { rows, cols })
            }
            header => Ok(Self { source, header }),
        }
    }
}

fn refuse_foreign(source: &impl Source, length: u64) -> Result<(), MatrixFault> {
    let mut beginning = [0; foreign::BEGINNING];
    let beginning = &mut beginning[..length.min(foreign::BEGINNING as u64) as usize];
    fill(source, beginning, 0)?;
    match foreign::recognize(beginning) {
        Some(foreign::Foreign { what, remedy }) => Err(MatrixFault::Foreign { what, remedy }),
        None => Ok(()),
    }
}

/// The length of a file whose data begin at `start`; `None` on overflow.
fn expected_length(start: u64, rows: u64, cols: u64, dtype: Dtype) -> Option<u64> {
    rows.checked_mul(cols)?.checked_mul(dtype.size() as u64)?.checked_add(start)
}
