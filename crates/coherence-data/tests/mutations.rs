//! Each parser gets 10,000 mutated files: no panic, and at most 2 × file + 1 MB of memory.
//!
//! Mutations are seeded, so that failures are reproducible. `MUTATIONS=100000` sets another number.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use coherence_data::random::{below, stream};
use coherence_data::{idx, matrix::Matrix};
use coherence_tests::memory::{CountingAllocator, peak};
use coherence_tests::mutations;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// All files of `tests/KIND`, sorted by name, so that the order is the same everywhere.
fn files(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(kind);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Parses mutations of `seeds` with `parse`, within 2 × file + 1 MB.
fn survive(name: &str, seeds: &[Vec<u8>], parse: impl Fn(&[u8])) {
    let mut rng = stream(0, &format!("mutations.{name}"));
    mutations::survive(seeds, |n| below(&mut rng, n), parse);
}

/// Opens the file and, if it opens, reads all of it in small blocks.
fn read_matrix(file: &[u8], tensor: Option<&str>) {
    let Ok(matrix) = Matrix::new(Cursor::new(file), tensor) else { return };
    let mut buffer = [0.0_f32; 64];
    let width = matrix.cols().min(64);
    for row in 0..matrix.rows().min(1000) {
        let out = &mut buffer[..width];
        matrix.read(row..row + 1, 0..width, out).expect("a file that opened has all its values");
    }
}

#[test]
fn mutated_idx_files_neither_panic_nor_exhaust_memory() {
    let mut seeds = files("hostile/idx");
    let mut plain = Vec::new();
    let pixels: Vec<u8> = (0..=255).cycle().take(3 * 28 * 28).collect();
    idx::encode(&idx::Array { dims: [3, 28, 28], values: pixels }, &mut plain).unwrap();
    seeds.extend([plain, include_bytes!("../digits/t10k-labels-idx1-ubyte.gz").to_vec()]);
    // Gzip may expand a thousandfold, up to the caller's limit, which is within the megabyte here.
    survive("idx", &seeds, |file| {
        let _ = idx::decode::<3>(file, 500_000);
        let _ = idx::decode::<1>(file, 500_000);
    });
}

#[test]
fn mutated_npy_files_neither_panic_nor_exhaust_memory() {
    let seeds = [files("hostile/npy"), files("golden/npy")].concat();
    survive("npy", &seeds, |file| read_matrix(file, None));
}

#[test]
fn mutated_safetensors_files_neither_panic_nor_exhaust_memory() {
    let mut seeds = files("hostile/safetensors");
    let good = br#"{"__metadata__":{"format":"pt"},"w":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]}}"#;
    let header = (good.len() as u64).to_le_bytes();
    seeds.push([&header[..], good, &[0x3f; 48]].concat());
    survive("safetensors", &seeds, |file| {
        read_matrix(file, None);
        read_matrix(file, Some("b"));
    });
}

/// Headers for which a careless parser allocates more than the file: one long name, deeply nested
/// brackets, ten thousand tensors, a long shape. Beyond 2 × file only the fixed buffers are allowed.
#[test]
fn large_hostile_headers_take_at_most_twice_their_size() {
    let name = format!("{{\"\\n{}\":0}}", "x".repeat(4 << 20));
    let escapes = format!("{{\"{}\":0}}", "x\\n".repeat(2 << 20));
    let tower = format!("{{\"__metadata__\":{}", "[".repeat(4 << 20));
    let entry = |i| format!("\"{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    let many = format!("{{{}}}", (0..50_000).map(entry).collect::<Vec<_>>().join(","));
    let dims = "0,".repeat(2 << 20);
    let shape =
        format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":[{dims}0],\"data_offsets\":[0,0]}}}}");
    for header in [name, escapes, tower, many, shape] {
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
        let held = peak(|| read_matrix(&file, None));
        let most = 2 * file.len() + (128 << 10);
        assert!(held <= most, "{}… held {held} of {most}", &header[..20]);
    }
}
