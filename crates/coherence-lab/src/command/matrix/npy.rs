//! Files of matrices in memory, for tests.

use std::io::Cursor;

use coherence_cpu::Element;
use coherence_data::matrix::{Dtype, Matrix, Value};

/// A `.npy` file of values [n, d].
pub(crate) fn npy<T: Element>(
    descr: &str,
    fortran: bool,
    values: &[T],
    d: usize,
) -> Matrix<Cursor<Vec<u8>>> {
    let n = values.len() / d;
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({n}, {d}), }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{header:<117}\n").bytes());
    let mut put = |x: T| {
        let mut bytes = match &descr[2..] {
            "4" => (x.widen() as f32).to_le_bytes().to_vec(),
            _ => x.widen().to_le_bytes().to_vec(),
        };
        if descr.starts_with('>') {
            bytes.reverse();
        }
        file.extend(bytes);
    };
    if fortran {
        (0..d).for_each(|j| (0..n).for_each(|i| put(values[i * d + j])));
    } else {
        values.iter().for_each(|&x| put(x));
    }
    Matrix::new(Cursor::new(file), None).expect("a matrix")
}

/// The type of numbers in the file, in this byte order.
pub(crate) fn descr<T: Value>(big: bool) -> &'static str {
    match (T::DTYPE, big) {
        (Dtype::F64, false) => "<f8",
        (Dtype::F64, true) => ">f8",
        (_, false) => "<f4",
        (_, true) => ">f4",
    }
}
