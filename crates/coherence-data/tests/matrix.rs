//! A block read from a file equals the block of the matrix in memory, whatever the format.

use std::io::Cursor;
use std::path::Path;

use coherence_data::matrix::{Dtype, Matrix, Order, Source, write_vector};
use half::{bf16, f16};
use proptest::prelude::*;
use safetensors::tensor::{Dtype as Stored, SafeTensors, TensorView, serialize};

/// Value (i, j) of the test matrix; exact in every element type.
fn value(i: usize, j: usize) -> f64 {
    i as f64 - j as f64 / 4.0 + 0.125
}

fn little(dtype: Dtype, x: f64) -> Vec<u8> {
    match dtype {
        Dtype::F16 => f16::from_f64(x).to_le_bytes().to_vec(),
        Dtype::BF16 => bf16::from_f64(x).to_le_bytes().to_vec(),
        Dtype::F32 => (x as f32).to_le_bytes().to_vec(),
        Dtype::F64 => x.to_le_bytes().to_vec(),
    }
}

/// A `.npy` file, written value by value.
fn npy(dtype: Dtype, big: bool, fortran: bool, n: usize, d: usize) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let sign = if big { '>' } else { '<' };
    let size = dtype.size();
    let header =
        format!("{{'descr': '{sign}f{size}', 'fortran_order': {order}, 'shape': ({n}, {d}), }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    let places: Vec<(usize, usize)> = if fortran {
        (0..d).flat_map(|j| (0..n).map(move |i| (i, j))).collect()
    } else {
        (0..n).flat_map(|i| (0..d).map(move |j| (i, j))).collect()
    };
    for (i, j) in places {
        let mut bytes = little(dtype, value(i, j));
        if big {
            bytes.reverse();
        }
        file.extend(bytes);
    }
    file
}

fn block(rows: std::ops::Range<usize>, cols: std::ops::Range<usize>) -> Vec<f64> {
    rows.flat_map(|i| cols.clone().map(move |j| value(i, j))).collect()
}

fn read_all(matrix: &Matrix<impl Source>) -> Vec<f64> {
    let (n, d) = (matrix.rows(), matrix.cols());
    let mut out = vec![0.0; n * d];
    matrix.read(0..n, 0..d, &mut out).unwrap();
    out
}

/// n, d, and a range within each.
fn shape_and_block() -> impl Strategy<Value = (usize, usize, [usize; 4])> {
    (1_usize..12, 1_usize..12).prop_flat_map(|(n, d)| {
        let block = (0..=n, 0..=n, 0..=d, 0..=d)
            .prop_map(|(a, b, c, e)| [a.min(b), a.max(b), c.min(e), c.max(e)]);
        (Just(n), Just(d), block)
    })
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn a_block_of_an_npy_file_is_the_block_of_the_matrix(
        (n, d, [i0, i1, j0, j1]) in shape_and_block(),
        dtype in prop::sample::select(vec![Dtype::F16, Dtype::F32, Dtype::F64]),
        big: bool,
        fortran: bool,
    ) {
        let matrix = Matrix::new(Cursor::new(npy(dtype, big, fortran, n, d)), None).unwrap();
        prop_assert_eq!((matrix.rows(), matrix.cols(), matrix.dtype()), (n, d, dtype));
        let expected = block(i0..i1, j0..j1);
        let mut doubles = vec![0.0_f64; expected.len()];
        matrix.read(i0..i1, j0..j1, &mut doubles).unwrap();
        prop_assert_eq!(&doubles, &expected);
        let mut singles = vec![0.0_f32; expected.len()];
        matrix.read(i0..i1, j0..j1, &mut singles).unwrap();
        prop_assert!(singles.iter().zip(&expected).all(|(&a, &b)| f64::from(a) == b));
    }

    #[test]
    fn a_named_tensor_is_read_from_a_file_with_several(
        (n, d, [i0, i1, j0, j1]) in shape_and_block(),
        which in 0_usize..4,
    ) {
        let kinds = [
            (Dtype::F16, Stored::F16), (Dtype::BF16, Stored::BF16),
            (Dtype::F32, Stored::F32), (Dtype::F64, Stored::F64),
        ];
        let data = kinds.map(|(dtype, _)| -> Vec<u8> {
            block(0..n, 0..d).into_iter().flat_map(|x| little(dtype, x)).collect()
        });
        let tensors = kinds.iter().zip(&data).enumerate().map(|(k, ((_, stored), data))| {
            (format!("layer.{k}"), TensorView::new(*stored, vec![n, d], data).unwrap())
        });
        let labels = TensorView::new(Stored::I64, vec![2], &[7; 16]).unwrap();
        let others = [("labels".to_owned(), labels)];
        let file = serialize(tensors.chain(others), None).unwrap();
        let name = format!("layer.{which}");
        let matrix = Matrix::new(Cursor::new(file), Some(&name)).unwrap();
        prop_assert_eq!(matrix.dtype(), kinds[which].0);
        let mut out = vec![0.0_f64; (i1 - i0) * (j1 - j0)];
        matrix.read(i0..i1, j0..j1, &mut out).unwrap();
        prop_assert_eq!(out, block(i0..i1, j0..j1));
    }
}

/// The files were written by NumPy, in every supported form: `golden/npy.py`.
#[test]
fn files_of_numpy_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/npy");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 14);
    for path in files {
        let matrix = Matrix::open(&path, None).unwrap();
        assert_eq!((matrix.rows(), matrix.cols()), (5, 3), "{}", path.display());
        assert_eq!(read_all(&matrix), block(0..5, 0..3), "{}", path.display());
    }
}

/// Contiguous runs longer than the internal buffer, in both orders.
#[test]
fn large_blocks_are_read_in_pieces() {
    let (n, d) = (60, 500);
    for fortran in [false, true] {
        let matrix = Matrix::new(Cursor::new(npy(Dtype::F64, false, fortran, n, d)), None).unwrap();
        let all = read_all(&matrix);
        assert!(all.iter().enumerate().all(|(k, &x)| x == value(k / d, k % d)));
    }
}

/// Half-precision values in runs longer than the internal buffer.
#[test]
fn long_runs_of_half_precision_are_decoded() {
    let (n, d) = (3, 40_000);
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let header = format!("{{'descr': '>f2', 'fortran_order': False, 'shape': ({n}, {d}), }}\n");
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    let value = |k: usize| f16::from_f32((k % 2047) as f32 / 4.0);
    file.extend((0..n * d).flat_map(|k| value(k).to_be_bytes()));
    let matrix = Matrix::new(Cursor::new(file), None).unwrap();
    let mut out = vec![0.0_f32; n * (d - 1)];
    matrix.read(0..n, 1..d, &mut out).unwrap();
    for (row, out) in out.chunks(d - 1).enumerate() {
        assert!(out.iter().enumerate().all(|(j, &x)| x == value(row * d + j + 1).to_f32()));
    }
}

#[test]
fn a_block_as_stored_is_the_block_or_its_transpose() {
    let (n, d) = (7, 5);
    for (fortran, order) in [(false, Order::RowMajor), (true, Order::ColumnMajor)] {
        let matrix = Matrix::new(Cursor::new(npy(Dtype::F64, false, fortran, n, d)), None).unwrap();
        assert_eq!(matrix.order(), order);
        let mut stored = vec![0.0; 4 * 3];
        matrix.read_stored(2..6, 1..4, &mut stored).unwrap();
        let expected: Vec<f64> = if fortran {
            (1..4).flat_map(|j| (2..6).map(move |i| value(i, j))).collect()
        } else {
            block(2..6, 1..4)
        };
        assert_eq!(stored, expected);
    }
}

#[test]
fn several_threads_read_one_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.npy");
    let (n, d) = (40, 3000);
    std::fs::write(&path, npy(Dtype::F32, false, false, n, d)).unwrap();
    let matrix = &Matrix::open(&path, None).unwrap();
    std::thread::scope(|scope| {
        for start in 0..4 {
            scope.spawn(move || {
                for row in (start..n).step_by(4) {
                    let mut out = vec![0.0_f64; d];
                    matrix.read(row..row + 1, 0..d, &mut out).unwrap();
                    assert_eq!(out, block(row..row + 1, 0..d));
                }
            });
        }
    });
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_open_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.npy");
    std::fs::write(&path, npy(Dtype::F32, false, false, 100, 100)).unwrap();
    let matrix = Matrix::open(&path, None).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    let error = matrix.read(0..100, 0..100, &mut vec![0.0_f32; 10_000]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_matrix_without_rows_or_columns_is_refused() {
    for (n, d) in [(0, 3), (3, 0), (0, 0)] {
        let error =
            Matrix::new(Cursor::new(npy(Dtype::F32, false, false, n, d)), None).unwrap_err();
        let expected = format!("shape: found {n} × {d}, expected at least one row and one column");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_single_tensor_needs_no_name() {
    let data: Vec<u8> = [1.0_f32, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = TensorView::new(Stored::F32, vec![2, 1], &data).unwrap();
    let metadata = Some([("framework".to_owned(), "pt".to_owned())].into());
    let file = serialize([("grads", view)], metadata).unwrap();
    let matrix = Matrix::new(Cursor::new(file), None).unwrap();
    assert_eq!(read_all(&matrix), [1.0, 2.0]);
}

#[test]
fn an_npy_file_has_no_names() {
    let file = npy(Dtype::F32, false, false, 1, 1);
    let error = Matrix::new(Cursor::new(file), Some("x")).unwrap_err();
    assert_eq!(error.to_string(), "a .npy file has no names (leave out \"x\")");
}

#[test]
#[should_panic(expected = "block 0..3 × 0..2 of 2 lines of 2 values")]
fn a_block_beyond_the_matrix_panics() {
    let file = npy(Dtype::F32, false, false, 2, 2);
    let _ = Matrix::new(Cursor::new(file), None).unwrap().read(0..3, 0..2, &mut [0.0_f32; 6]);
}

#[test]
fn a_written_npy_vector_has_the_bytes_of_numpy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mean.npy");
    write_vector(&path, "mean", &[1.5_f64, -2.0]).unwrap();
    let file = std::fs::read(&path).unwrap();
    let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    expected.extend(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }");
    expected.resize(127, b' ');
    expected.push(b'\n');
    expected.extend([1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()));
    assert_eq!(file, expected);
}

#[test]
fn a_written_safetensors_vector_is_read_by_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mean.safetensors");
    write_vector(&path, "mean", &[1.5_f32, -2.0]).unwrap();
    let file = std::fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let mean = tensors.tensor("mean").unwrap();
    assert_eq!((mean.dtype(), mean.shape()), (Stored::F32, &[2][..]));
    assert_eq!(mean.data(), [1.5_f32, -2.0].map(f32::to_le_bytes).concat());
}

#[test]
fn a_result_with_an_unknown_extension_is_refused() {
    let error = write_vector(Path::new("mean.csv"), "mean", &[1.0_f32]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mean.csv: unknown file extension, expected .npy or .safetensors"
    );
}

#[cfg(unix)]
#[test]
fn a_device_is_refused_with_the_remedy() {
    let error = Matrix::open(Path::new("/dev/null"), None).expect_err("no file").to_string();
    assert!(error.contains("save its bytes to a file"), "{error}");
}
