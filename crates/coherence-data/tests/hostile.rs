//! Hostile files (made by `hostile/make.py`): each is refused with an error that names the field.

use std::fs;
use std::path::{Path, PathBuf};

use coherence_data::{Images, idx, matrix::Matrix};

/// Every file of `hostile/KIND` is in `table`, and its error contains the text of its row.
fn check(kind: &str, table: &[(&str, &str)], error: impl Fn(&Path) -> Option<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile").join(kind);
    let mut listed: Vec<PathBuf> = table.iter().map(|(name, _)| folder.join(name)).collect();
    let mut there: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    listed.sort();
    there.sort();
    assert_eq!(listed, there, "the table lists every file once");
    for (name, expected) in table {
        let path = folder.join(name);
        let message = error(&path).unwrap_or_else(|| panic!("{kind}/{name} was accepted"));
        assert!(message.contains(expected), "{kind}/{name}: {message}");
        assert!(message.starts_with(path.to_str().unwrap()), "the file is named: {message}");
    }
}

#[test]
fn hostile_idx_files_are_refused() {
    let table = [
        ("empty", "magic number: found 0 bytes, expected 4"),
        ("magic-cut", "magic number: found 3 bytes, expected 4"),
        ("not-idx", "magic number: found [3c, 21, 44, 4f], expected [00, 00, 08, 03]"),
        ("floats", "magic number: found [00, 00, 0d, 03]"),
        ("labels-for-images", "magic number: found [00, 00, 08, 01]"),
        ("dimensions-cut", "dimensions: found 3 bytes, expected 4: the file is truncated"),
        ("data-cut", "data: found 17 bytes, expected 18: the file is truncated"),
        ("trailing", "found bytes after the data, expected the end of the file"),
        ("overflow", "dimensions: found [4294967295, 4294967295, 4294967295], expected a product"),
        (
            "invented-count",
            "dimensions: found [2147483647, 1, 1], expected a product of at most 1000",
        ),
        ("gzip-cut", "damaged gzip data"),
        ("gzip-checksum", "damaged gzip data"),
        ("gzip-trailing", "found bytes after the gzip stream"),
        ("gzip-of-text", "magic number: found [6e, 6f, 74, 20]"),
        ("gzip-bomb", "found bytes after the data"),
        ("gzip-name-only", "damaged gzip data"),
        ("zero-beside-overflow", "accepted as no images"),
    ];
    check("idx", &table, |path| match idx::read::<3>(path, 1000) {
        Ok(array) => {
            assert_eq!(
                (array.dims, array.values.len()),
                ([u32::MAX as usize, 0, u32::MAX as usize], 0)
            );
            Some(format!("{} accepted as no images", path.display()))
        }
        Err(error) => Some(error.to_string()),
    });
}

#[test]
fn hostile_npy_files_are_refused() {
    let table = [
        ("empty", "file length: found 0 bytes, expected 8"),
        ("magic-only", "cannot be read"),
        ("version", "version: found 9.0, expected 1.0, 2.0 or 3.0"),
        ("header-bomb", "header length: found 4294967295, expected at most 10000 bytes"),
        ("header-cut", "file length: found 27 bytes, expected 128"),
        ("not-a-dictionary", "header: found \"[1, 2, 3]"),
        ("nested", "header: found \"{{{"),
        ("not-utf8", "header: found bytes that are not UTF-8"),
        ("unclosed-quote", "expected a closing quotation mark"),
        ("integers", "descr: found <i4, expected f2, f4 or f8"),
        ("no-order", "descr: found |f4"),
        ("objects", "descr: found |O"),
        ("records", "header: found \" [('a', '<f4')]"),
        ("unknown-key", "header key: found x, expected descr, fortran_order and shape"),
        ("twice", "header key: found descr"),
        ("no-shape", "expected descr, fortran_order and shape"),
        ("order-word", "fortran_order: found Maybe"),
        ("after-brace", "header: found + 1, expected nothing after the closing brace"),
        ("scalar", "shape: found (), expected two dimensions (use `.reshape(n, d)`)"),
        ("vector", "shape: found (6,), expected two dimensions (use `.reshape(n, d)`)"),
        ("cube", "shape: found (1, 2, 3), expected two dimensions"),
        ("negative", "shape: found -2 in (-2, 3), expected a size from 0 to 2⁶⁴−1"),
        (
            "beyond-64-bits",
            "shape: found 99999999999999999999 in (99999999999999999999, 3), expected a size from 0",
        ),
        ("2-to-the-64", "shape: found 18446744073709551616 in (1, 18446744073709551616), expected"),
        ("words", "shape: found n in (n, d), expected a size from 0 to 2⁶⁴−1"),
        ("overflow", "shape: found 4294967296 × 4294967296, whose size overflows"),
        ("invented-count", "file length: found 106 bytes, expected 4000000000082"),
        ("data-cut", "file length: found 93 bytes, expected 94"),
        ("trailing", "file length: found 95 bytes, expected 94"),
    ];
    check("npy", &table, |path| Matrix::open(path, None).err().map(|e| e.to_string()));
}

#[test]
fn hostile_safetensors_files_are_refused() {
    let table = [
        ("empty", "file length: found 0 bytes, expected 8"),
        ("seven-bytes", "file length: found 7 bytes, expected 8"),
        ("header-bomb", "neither .npy nor safetensors"),
        ("lying-header", "a header of 100000000 bytes in a file of 10 (expected at most 2)"),
        ("not-json", "header: "),
        ("after-json", "header: trailing characters"),
        ("nested", "header: EOF while parsing a list"),
        ("no-tensor", "name the tensor to read; it has 0"),
        ("two", "name the tensor to read; it has 2: a, b"),
        ("overflow", "shape: found [4194305, 4194305, …] of 3 dimensions, expected two dimensions"),
        ("overflow-2d", "shape: found 4294967296 × 4294967296, whose size overflows"),
        ("short", "data offsets: found a tensor at 1, expected one at 0"),
        ("backward", "data offsets"),
        ("gap", "data offsets: found a tensor at 4, expected one at 0"),
        ("overlap", "data offsets: found a tensor at 4, expected one at 8"),
        ("beyond", "data offsets: found a tensor at 8, expected one at 16"),
        ("trailing", "data offsets: found a tensor at 5, expected one at 4"),
        ("size", "file length: found 8 bytes, expected 12"),
        ("negative", "integer `-1`, expected a size from 0 to 2⁶⁴−1 as a dimension of a shape"),
        ("2-to-the-64", "e+19`, expected a size from 0 to 2⁶⁴−1 as a dimension of a shape"),
        ("scalar", "shape: found [], expected two dimensions (use `.reshape(n, d)`)"),
        ("vector", "shape: found [2], expected two dimensions (use `.reshape(n, d)`)"),
        ("integers", "dtype: found another, expected F16, BF16, F32 or F64"),
    ];
    check("safetensors", &table, |path| Matrix::open(path, None).err().map(|e| e.to_string()));
}

#[test]
fn a_missing_tensor_is_refused_with_the_names_of_the_others() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/safetensors/two");
    let error = Matrix::open(&path, Some("c")).unwrap_err().to_string();
    assert!(error.ends_with("no tensor is called \"c\"; it has 2: a, b"), "{error}");
    assert!(Matrix::open(&path, Some("b")).is_ok());
}

#[test]
fn images_and_labels_must_match() {
    let images = || idx::Array { dims: [2, 1, 1], values: vec![0, 1] };
    let labels = |values: Vec<u8>| idx::Array { dims: [values.len()], values };
    let error = Images::new(images(), labels(vec![1]), 10).unwrap_err();
    assert_eq!(error.to_string(), "number of labels: found 1, expected 2");
    let error = Images::new(images(), labels(vec![1, 10]), 10).unwrap_err();
    assert_eq!(error.to_string(), "label 1: found 10, expected a class below 10");
    assert!(Images::new(images(), labels(vec![1, 9]), 10).is_ok());
}
