//! Reading blocks of a matrix.

use std::io;
use std::ops::Range;

use super::source::fill;
use super::value::{Endian, decode};
use super::{Dtype, Header, Matrix, Order, Source, Value};

/// Bytes read at once when values must be decoded; a multiple of the size of every element type.
const PIECE: usize = 1 << 14;

/// Lines, and values per line, that are transposed at once: they stay in the L2 cache.
const TRANSPOSED: (usize, usize) = (16, 1 << 12);

impl<S: Source> Matrix<S> {
    /// Reads the block `rows` × `cols` into `out` [rows, cols], row-major.
    ///
    /// Values of the file's own type are read directly into `out`. An F64 file read as `f32` is rounded
    /// to nearest; values beyond the range of `f32` become ±∞. Several threads may read at once.
    ///
    /// # Errors
    /// Those of the source.
    ///
    /// # Panics
    /// If the block exceeds the matrix or `out` is not as large as the block.
    pub fn read<T: Value>(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        out: &mut [T],
    ) -> io::Result<()> {
        match self.order() {
            Order::RowMajor => self.read_lines(rows, cols, out),
            Order::ColumnMajor => self.read_transposed(rows, cols, out),
        }
    }

    /// Reads the block `rows` × `cols` in the order of the file: `out` is [rows, cols] for a row-major
    /// matrix, [cols, rows] for a column-major one.
    ///
    /// # Errors
    /// Those of the source.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn read_stored<T: Value>(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        out: &mut [T],
    ) -> io::Result<()> {
        match self.order() {
            Order::RowMajor => self.read_lines(rows, cols, out),
            Order::ColumnMajor => self.read_lines(cols, rows, out),
        }
    }

    /// Reads a block of a column-major file in row-major order.
    fn read_transposed<T: Value>(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        out: &mut [T],
    ) -> io::Result<()> {
        check(&rows, self.rows(), &cols, self.cols(), out.len());
        let (width, (lines, length)) = (cols.len(), TRANSPOSED);
        let mut tile = vec![T::default(); lines.min(width) * length.min(rows.len())];
        for first_col in cols.clone().step_by(lines) {
            let some_cols = first_col..cols.end.min(first_col + lines);
            for first_row in rows.clone().step_by(length) {
                let some_rows = first_row..rows.end.min(first_row + length);
                let count = some_rows.len();
                let tile = &mut tile[..some_cols.len() * count];
                self.read_lines(some_cols.clone(), some_rows, tile)?;
                for (i, row) in out[(first_row - rows.start) * width..]
                    .chunks_exact_mut(width)
                    .take(count)
                    .enumerate()
                {
                    let place = first_col - cols.start;
                    let row = &mut row[place..place + some_cols.len()];
                    for (j, slot) in row.iter_mut().enumerate() {
                        *slot = tile[j * count + i];
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the values `within` each of `lines` to `out` [lines, within]. A line is a row of a
    /// row-major file or a column of a column-major one.
    fn read_lines<T: Value>(
        &self,
        lines: Range<usize>,
        within: Range<usize>,
        out: &mut [T],
    ) -> io::Result<()> {
        let Header { rows, cols, fortran, .. } = self.header;
        let (count, length) = if fortran { (cols, rows) } else { (rows, cols) };
        check(&lines, count, &within, length, out.len());
        if within.len() == length {
            return self.read_run(lines.start * length, out); // no gap between lines
        }
        let runs = out.chunks_exact_mut(within.len().max(1));
        for (line, run) in lines.zip(runs) {
            self.read_run(line * length + within.start, run)?;
        }
        Ok(())
    }

    /// Reads `out.len()` consecutive values, starting at index `first`.
    fn read_run<T: Value>(&self, first: usize, out: &mut [T]) -> io::Result<()> {
        let Header { dtype, endian, start, .. } = self.header;
        let size = dtype.size();
        let offset = |value: usize| start + ((first + value) * size) as u64;
        if dtype == T::DTYPE {
            fill(&self.source, bytemuck::cast_slice_mut(out), offset(0))?;
            if endian != Endian::NATIVE {
                out.iter_mut().for_each(|value| *value = value.swap_bytes());
            }
            return Ok(());
        }
        let mut piece = [0_u64; PIECE / 8];
        let piece: &mut [u8] = bytemuck::cast_slice_mut(&mut piece);
        for (nth, out) in out.chunks_mut(PIECE / size).enumerate() {
            let piece = &mut piece[..out.len() * size];
            fill(&self.source, piece, offset(nth * (PIECE / size)))?;
            decode(dtype, endian, piece, out);
        }
        Ok(())
    }

    /// The order of the values in the file.
    pub fn order(&self) -> Order {
        if self.header.fortran { Order::ColumnMajor } else { Order::RowMajor }
    }

    /// The number of rows, n ≥ 1.
    pub fn rows(&self) -> usize {
        self.header.rows
    }

    /// The number of columns, d ≥ 1.
    pub fn cols(&self) -> usize {
        self.header.cols
    }

    /// The type of the values in the file.
    pub fn dtype(&self) -> Dtype {
        self.header.dtype
    }
}

#[track_caller]
fn check(lines: &Range<usize>, count: usize, within: &Range<usize>, length: usize, room: usize) {
    let valid = |part: &Range<usize>, end| part.start <= part.end && part.end <= end;
    assert!(
        valid(lines, count) && valid(within, length),
        "block {lines:?} × {within:?} of {count} lines of {length} values"
    );
    assert_eq!(room, lines.len() * within.len(), "the buffer must be as large as the block");
}
