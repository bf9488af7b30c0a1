//! Each parser gets 10,000 mutated files: no panic, and at most 2 × file + 1 MB of memory.
//!
//! Mutations are seeded, so that failures are reproducible. `MUTATIONS=100000` sets another number.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use coherence_data::folder::{Folder, Framing};
use coherence_data::random::{below, stream};
use coherence_data::{Dataset, idx, matrix::Matrix};
use coherence_tests::memory::{CountingAllocator, peak};
use coherence_tests::mutations;
use image::{DynamicImage, ImageFormat, RgbImage};

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

/// The crate `image` decodes, with memory for what it decodes: here only that nothing panics, and that a
/// false size costs no more than the file could hold.
#[test]
fn mutated_images_do_not_panic() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("class/image.png");
    fs::create_dir(path.parent().unwrap()).unwrap();
    let encoded = |format| {
        let pixels = (0..3 * 40 * 30).map(|k| (k * k % 251) as u8).collect();
        let image = DynamicImage::from(RgbImage::from_raw(40, 30, pixels).unwrap());
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, format).unwrap();
        file.into_inner()
    };
    let seeds = [ImageFormat::Jpeg, ImageFormat::Png].map(encoded);
    fs::write(&path, &seeds[0]).unwrap();
    let data = Folder::open(root.path(), Framing::square(8)).unwrap();
    let (mut rng, mut values) = (stream(0, "mutations.image"), [0.0; 192]);
    let (mut read, mut refused) = (0, 0);
    for nth in 0..4000 {
        let mut file = seeds[nth % 2].clone();
        let mut below = |n: usize| below(&mut rng, n as u64) as usize;
        for _ in 0..=below(4) {
            let at = below(file.len());
            // Headers decide sizes and tables.
            let at = if below(2) == 0 { at } else { at.min(below(200)) };
            match below(4) {
                0 => file[at] ^= 1 << below(8),
                1 => file[at] = [0, 0x7f, 0xff][below(3)],
                2 => drop(file.drain(at..(at + below(9)).min(file.len()))),
                _ => file.extend_from_within(at..),
            }
        }
        fs::write(&path, &file).unwrap();
        let held = peak(|| match data.get(0, &mut values) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        });
        let most = (8 << 20) + 30 * 8 * 1032 * file.len();
        assert!(held <= most, "mutation {nth} of {} bytes held {held}", file.len());
    }
    assert!(read > 100 && refused > 1000, "{read} read, {refused} refused");
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
