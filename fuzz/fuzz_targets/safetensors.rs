//! Any bytes as a safetensors file, and any bytes as the header of a well-framed one.

#![no_main]

mod matrix;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    for tensor in [None, Some("a")] {
        matrix::read(file, tensor);
        matrix::read(&[&(file.len() as u64).to_le_bytes(), file].concat(), tensor);
        // Data of 16 bytes, so that small tensors fit.
        matrix::read(&[&(file.len() as u64).to_le_bytes(), file, &[7; 16]].concat(), tensor);
    }
});
