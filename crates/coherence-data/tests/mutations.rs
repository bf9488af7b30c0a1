//! Parsers meet 10,000 mutated files each: no panic, and memory of at most 2 × file + 1 MB.
//!
//! Mutations are seeded, so a failure comes back. `MUTATIONS=100000` asks for more.

#![allow(unsafe_code)] // a counting allocator cannot be written without

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use coherence_data::random::{below, stream};
use coherence_data::{idx, matrix::Matrix};
use rand_chacha::ChaCha8Rng;

thread_local! {
    /// Bytes this thread holds, and the most it has held since the last reset.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// The system's allocator, counting by thread.
struct Counting;

fn count(bytes: isize) {
    // A thread that is being torn down is not measured.
    let _ = HELD.try_with(|held| {
        let now = held.get().0 + bytes;
        held.set((now, held.get().1.max(now)));
    });
}

// SAFETY: every call is passed on unchanged to `System`, which upholds the contract; counting
// allocates nothing, for the thread-local has a constant initialiser and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        count(new as isize - layout.size() as isize);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.realloc(pointer, layout, new) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that `work` holds at once beyond what was held before.
fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.get().0;
    HELD.set((before, before));
    work();
    (HELD.get().1 - before) as usize
}

/// All files of `tests/KIND`, by name so that the order is everywhere the same.
fn files(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(kind);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Changes one to four places of `file`; `other` lends bytes.
fn mutate(rng: &mut ChaCha8Rng, file: &mut Vec<u8>, other: &[u8]) {
    const WORDS: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];
    for _ in 0..=below(rng, 4) {
        let at = below(rng, file.len() as u64 + 1) as usize;
        let length = (below(rng, 9) as usize).min(file.len() - at);
        let change = below(rng, 7);
        let word = WORDS[below(rng, 8) as usize].to_be_bytes();
        match change {
            0 if at < file.len() => file[at] ^= 1 << below(rng, 8),
            1 => file[at..at + length].copy_from_slice(&word[8 - length..]),
            2 => file.truncate(at),
            3 => drop(file.drain(at..at + length)),
            4 => file.extend_from_within(at..),
            5 => {
                let from = below(rng, other.len() as u64 + 1) as usize;
                file.splice(at..at + length, other[from..].iter().take(64).copied());
            }
            _ => file
                .splice(at..at, [b"0123456789{}[]()'\",:"[below(rng, 20) as usize]])
                .for_each(drop),
        }
    }
}

/// Parses mutations of `seeds`, at most 20 kB each, with `parse`; `allowance` is in bytes.
fn survive(name: &str, seeds: &[Vec<u8>], allowance: usize, parse: impl Fn(&[u8])) {
    let asked = std::env::var("MUTATIONS").map(|n| n.parse().expect("MUTATIONS is a number"));
    let mut rng = stream(0, &format!("mutations.{name}"));
    for nth in 0..asked.unwrap_or(10_000_u64) {
        let seed = &seeds[below(&mut rng, seeds.len() as u64) as usize];
        let other = &seeds[below(&mut rng, seeds.len() as u64) as usize];
        let mut file = seed[..seed.len().min(20_000)].to_vec();
        mutate(&mut rng, &mut file, other);
        let held = peak(|| parse(&file));
        let most = 2 * file.len() + allowance;
        assert!(held <= most, "{name}: mutation {nth} of {} bytes held {held} bytes", file.len());
    }
}

const MEGABYTE: usize = 1 << 20;

/// Opens the file, and reads all of it by small blocks if it opens.
fn read_matrix(file: &[u8], tensor: Option<&str>) {
    let Ok(mut matrix) = Matrix::new(Cursor::new(file), tensor) else { return };
    let mut buffer = [0.0_f32; 64];
    let width = matrix.cols().min(64);
    for row in 0..matrix.rows().min(1000) {
        let out = &mut buffer[..width];
        matrix.read(row..row + 1, 0..width, out).expect("a file that opened has all its values");
    }
}

#[test]
fn mutated_idx_files_cannot_hurt() {
    let mut seeds = files("hostile/idx");
    let mut plain = Vec::new();
    let pixels: Vec<u8> = (0..=255).cycle().take(3 * 28 * 28).collect();
    idx::encode(&idx::Array { dims: [3, 28, 28], values: pixels }, &mut plain).unwrap();
    seeds.extend([plain, include_bytes!("../digits/t10k-labels-idx1-ubyte.gz").to_vec()]);
    // Gzip may unfold a thousandfold, up to the caller's limit, which here is within the megabyte.
    survive("idx", &seeds, MEGABYTE, |file| {
        let _ = idx::decode::<3>(file, 500_000);
        let _ = idx::decode::<1>(file, 500_000);
    });
}

#[test]
fn mutated_npy_files_cannot_hurt() {
    let seeds = [files("hostile/npy"), files("golden/npy")].concat();
    survive("npy", &seeds, MEGABYTE, |file| read_matrix(file, None));
}

#[test]
fn mutated_safetensors_files_cannot_hurt() {
    let mut seeds = files("hostile/safetensors");
    let good = br#"{"__metadata__":{"format":"pt"},"w":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]}}"#;
    let header = (good.len() as u64).to_le_bytes();
    seeds.push([&header[..], good, &[0x3f; 48]].concat());
    survive("safetensors", &seeds, MEGABYTE, |file| {
        read_matrix(file, None);
        read_matrix(file, Some("b"));
    });
}

/// Headers where a careless parser holds more than it was given: one name, a tower of brackets,
/// ten thousand tensors, a long shape. Only the fixed buffers are allowed for beyond 2 × file.
#[test]
fn large_hostile_headers_take_twice_their_size_at_most() {
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
