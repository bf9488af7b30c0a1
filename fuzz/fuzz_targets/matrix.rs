//! Opening bytes as a matrix file and reading a block of it both ways.

use std::io::Cursor;

use coherence_data::matrix::Matrix;

/// Whatever opens must give all its values, the same in one block and row by row.
pub fn read(file: &[u8], tensor: Option<&str>) {
    let Ok(mut matrix) = Matrix::new(Cursor::new(file), tensor) else { return };
    let (rows, cols) = (matrix.rows().min(64), matrix.cols().min(64));
    let mut block = vec![0.0_f64; rows * cols];
    matrix.read(0..rows, 0..cols, &mut block).expect("a file that opened has all its values");
    let mut line = vec![0.0_f64; cols];
    for row in 0..rows {
        matrix.read(row..row + 1, 0..cols, &mut line).expect("it opened");
        let same = line.iter().zip(&block[row * cols..]).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "row {row}");
    }
}
