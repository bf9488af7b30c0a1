//! n × d matrices of other frameworks, read by blocks: `.npy` and safetensors.
//!
//! Row e is usually the gradient of example e. A [`Matrix`] holds the file open and nothing of its
//! values; [`read`](Matrix::read) fills the caller's buffer with any rectangle, from any number of
//! threads, so a file larger than memory is walked by blocks of rows (sums over rows) or of columns
//! (robust averages).
//!
//! | format | element types | order |
//! |---|---|---|
//! | `.npy` 1.0, 2.0, 3.0 | `f2`, `f4`, `f8`, little- or big-endian | C and Fortran |
//! | safetensors | F16, BF16, F32, F64 | C |
//!
//! Headers are not believed: products are checked for overflow, header lengths held against a cap
//! and the file, and the file must be exactly as long as the header says. A matrix without rows or
//! columns is refused.

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

pub use error::{Fault, MatrixError};
pub use source::Source;
pub use value::{Dtype, Value};
pub use write::{Format, ResultError, write_vector};

use source::{Sequential, fill};
use value::Endian;

/// Which values lie beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Those of a row (C).
    RowMajor,
    /// Those of a column (Fortran).
    ColumnMajor,
}

/// What a header says of the matrix behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    dtype: Dtype,
    endian: Endian,
    /// Whether columns, not rows, are contiguous.
    fortran: bool,
    rows: usize,
    cols: usize,
    /// Where the first value lies.
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
    layout: Layout,
}

impl Matrix<File> {
    /// Opens a matrix file; its content, not its name, tells the format.
    ///
    /// `tensor` names the tensor of a safetensors file; `None` takes the only one.
    ///
    /// # Errors
    /// [`MatrixError`] names the file and the [`Fault`].
    pub fn open(path: &Path, tensor: Option<&str>) -> Result<Self, MatrixError> {
        File::open(path)
            .map_err(Fault::Io)
            .and_then(|file| Self::new(file, tensor))
            .map_err(|fault| MatrixError { file: path.to_owned(), fault })
    }
}

impl<S: Source> Matrix<S> {
    /// As [`open`](Matrix::open), from any source.
    ///
    /// # Errors
    /// The [`Fault`] found first.
    pub fn new(source: S, tensor: Option<&str>) -> Result<Self, Fault> {
        let length = source.length()?;
        let mut first = [0; 8];
        if length < 8 {
            return Err(Fault::Length { found: length, expected: 8 });
        }
        fill(&source, &mut first, 0)?;
        let mut rest = Sequential { source: &source, position: 8 };
        let layout = match (npy::version(first), tensor) {
            (None, _) => {
                refuse_foreign(&source, length)?;
                safetensors::layout(&mut rest, u64::from_le_bytes(first), length, tensor)?
            }
            (Some(version), None) => npy::layout(&mut rest, version, length)?,
            (Some(_), Some(name)) => return Err(Fault::Unnamed { name: name.to_owned() }),
        };
        match layout {
            Layout { rows, cols, .. } if rows == 0 || cols == 0 => Err(Fault::Empty { rows, cols }),
            layout => Ok(Self { source, layout }),
        }
    }
}

fn refuse_foreign(source: &impl Source, length: u64) -> Result<(), Fault> {
    let mut beginning = [0; foreign::BEGINNING];
    let beginning = &mut beginning[..length.min(foreign::BEGINNING as u64) as usize];
    fill(source, beginning, 0)?;
    match foreign::recognize(beginning) {
        Some(foreign::Foreign { what, remedy }) => Err(Fault::Foreign { what, remedy }),
        None => Ok(()),
    }
}

/// The length that a file must have whose data begin at `start`; `None` on overflow.
fn expected_length(start: u64, rows: u64, cols: u64, dtype: Dtype) -> Option<u64> {
    rows.checked_mul(cols)?.checked_mul(dtype.size() as u64)?.checked_add(start)
}
