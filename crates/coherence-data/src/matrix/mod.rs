//! n × d matrices of other frameworks, read by blocks: `.npy` and safetensors.
//!
//! Row e is usually the gradient of example e. A [`Matrix`] holds the file open and a buffer of
//! 64 KiB; [`read`](Matrix::read) fills the caller's buffer with any rectangle, so a file larger
//! than memory is walked by blocks of rows (sums over rows) or of columns (robust averages).
//!
//! | format | element types | order |
//! |---|---|---|
//! | `.npy` 1.0, 2.0, 3.0 | `f2`, `f4`, `f8`, little- or big-endian | C and Fortran |
//! | safetensors | F16, BF16, F32, F64 | C |
//!
//! Headers are not believed: products are checked for overflow, header lengths held against a cap
//! and the file, and the file must be exactly as long as the header says.

mod error;
mod npy;
mod safetensors;
mod value;
mod write;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

pub use error::{Fault, MatrixError};
pub use value::{Dtype, Value};
pub use write::{ResultError, write_vector};

use value::Endian;

/// Bytes read at once; whole values of every element type.
const PIECE: usize = 1 << 16;

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

/// An n × d matrix in a file.
///
/// ```
/// use coherence_data::matrix::{Dtype, Matrix};
/// // numpy.save of [[1, 2, 3], [4, 5, 6]] as float32
/// let mut file = b"\x93NUMPY\x01\x00\x48\x00".to_vec();
/// file.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }         \n\n\n\n");
/// file.extend([1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|x| x.to_le_bytes()));
///
/// let mut matrix = Matrix::new(std::io::Cursor::new(file), None).unwrap();
/// assert_eq!((matrix.rows(), matrix.cols(), matrix.dtype()), (2, 3, Dtype::F32));
/// let mut block = [0.0_f64; 4];
/// matrix.read(0..2, 1..3, &mut block).unwrap();
/// assert_eq!(block, [2.0, 3.0, 5.0, 6.0]);
/// ```
#[derive(Debug)]
pub struct Matrix<R = File> {
    source: R,
    layout: Layout,
    piece: Vec<u8>,
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

impl<R: Read + Seek> Matrix<R> {
    /// As [`open`](Matrix::open), from any source.
    ///
    /// # Errors
    /// The [`Fault`] found first.
    pub fn new(mut source: R, tensor: Option<&str>) -> Result<Self, Fault> {
        let length = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let mut first = [0; 8];
        if length < 8 {
            return Err(Fault::Length { found: length, expected: 8 });
        }
        source.read_exact(&mut first)?;
        let layout = match (npy::version(first), tensor) {
            (None, _) => {
                safetensors::layout(&mut source, u64::from_le_bytes(first), length, tensor)?
            }
            (Some(version), None) => npy::layout(&mut source, version, length)?,
            (Some(_), Some(name)) => return Err(Fault::Unnamed { name: name.to_owned() }),
        };
        Ok(Self { source, layout, piece: vec![0; PIECE] })
    }

    /// The number of rows, n.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// The number of columns, d.
    pub fn cols(&self) -> usize {
        self.layout.cols
    }

    /// The type of the values in the file.
    pub fn dtype(&self) -> Dtype {
        self.layout.dtype
    }

    /// Reads the block `rows` × `cols` into `out` [rows, cols], row-major.
    ///
    /// Fastest when the block spans the contiguous side: whole rows, or whole columns of a file in
    /// Fortran order. An F64 file read as `f32` is rounded to nearest, beyond its range to ±∞.
    ///
    /// # Errors
    /// Those of the source.
    ///
    /// # Panics
    /// If the block reaches beyond the matrix or `out` has another size than the block.
    pub fn read<T: Value>(
        &mut self,
        rows: Range<usize>,
        cols: Range<usize>,
        out: &mut [T],
    ) -> io::Result<()> {
        let Layout { rows: n, cols: d, fortran, .. } = self.layout;
        assert!(rows.start <= rows.end && rows.end <= n, "rows {rows:?} of a matrix of {n} rows");
        assert!(cols.start <= cols.end && cols.end <= d, "columns {cols:?} of {d} columns");
        let width = cols.len();
        assert_eq!(out.len(), rows.len() * width, "the buffer must be as large as the block");
        if fortran {
            self.read_lines(cols, rows, n, &mut |column, row, x| out[row * width + column] = x)
        } else {
            self.read_lines(rows, cols, d, &mut |row, column, x| out[row * width + column] = x)
        }
    }

    /// Reads values `within` of each of `lines`, contiguous runs of `length` values in the file,
    /// and calls `put` with the place in the block: line, place in the line, value.
    fn read_lines<T: Value>(
        &mut self,
        lines: Range<usize>,
        within: Range<usize>,
        length: usize,
        put: &mut impl FnMut(usize, usize, T),
    ) -> io::Result<()> {
        if within.is_empty() {
            return Ok(());
        }
        let whole = within.len() == length;
        // Whole lines follow one another without a gap and are one run.
        let run = if whole { lines.len() * length } else { within.len() };
        let runs = if whole { lines.len().min(1) } else { lines.len() };
        let (mut line, mut place) = (0, 0);
        for nth in 0..runs {
            let first = (lines.start + nth) * length + within.start;
            self.read_run(first, run, &mut |x| {
                put(line, place, x);
                place += 1;
                if place == within.len() {
                    (line, place) = (line + 1, 0);
                }
            })?;
        }
        Ok(())
    }

    /// Reads `count` values from value number `first` on.
    fn read_run<T: Value>(
        &mut self,
        first: usize,
        count: usize,
        put: &mut impl FnMut(T),
    ) -> io::Result<()> {
        let size = self.layout.dtype.size();
        self.source.seek(SeekFrom::Start(self.layout.start + (first * size) as u64))?;
        let mut left = count * size;
        while left > 0 {
            let piece = &mut self.piece[..left.min(PIECE)];
            self.source.read_exact(piece)?;
            value::decode(self.layout.dtype, self.layout.endian, piece, put);
            left -= piece.len();
        }
        Ok(())
    }
}

/// The length that a file must have whose data begin at `start`; `None` on overflow.
fn expected_length(start: u64, rows: u64, cols: u64, dtype: Dtype) -> Option<u64> {
    rows.checked_mul(cols)?.checked_mul(dtype.size() as u64)?.checked_add(start)
}
