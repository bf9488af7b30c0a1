//! Any bytes behind the magic number of a `.npy` file.

#![no_main]

mod matrix;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    matrix::read(&[b"\x93NUMPY", file].concat(), None);
    matrix::read(file, None);
});
