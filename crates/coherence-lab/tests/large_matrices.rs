//! Matrices of many bytes through `coherence alpha` and `coherence aggregate`: little memory, and each byte is read as
//! often as the method has passes.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// A matrix of n × d zeros in f4 that takes no room on a disk, since nothing but the header is written.
fn zeros(folder: &Path, fortran: bool, [n, d]: [u64; 2]) -> PathBuf {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': ({n}, {d}), }}");
    let header =
        [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes()].concat();
    let path = folder.join(format!("{n}x{d}.npy"));
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(&header).unwrap();
    file.set_len(header.len() as u64 + 4 * n * d).unwrap();
    path
}

/// What a run of the program took at most.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    /// Resident memory.
    megabytes: u64,
    /// Bytes that it asked files for.
    read: u64,
}

/// The number after `name` in a table of Linux about a process.
fn number(process: u32, table: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/{table}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Runs the program, and looks at it until it ends.
fn run(arguments: &[&str], file: &Path) -> Taken {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    let mut child = command.args(arguments).arg(file).stdout(Stdio::null()).spawn().unwrap();
    let mut taken = Taken::default();
    loop {
        let kib = number(child.id(), "status", "VmHWM:");
        taken.megabytes = taken.megabytes.max(kib * 1024 / 1_000_000);
        taken.read = taken.read.max(number(child.id(), "io", "rchar:"));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return taken;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// α is computed on fewer rows: what it needs does not depend on their number, and all of these are hundreds of times
/// the memory.
#[test]
fn eight_gigabytes_pass_through_64_mb_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.npy");
    let aggregate = ["aggregate", "--rule", "winsorized:8", "--out", out.to_str().unwrap()];
    for (arguments, rows) in [(&aggregate[..], 1000), (&["alpha"][..], 250)] {
        let file = zeros(folder.path(), false, [rows, 2_000_000]);
        let Taken { megabytes, .. } = run(arguments, &file);
        assert!((1..64).contains(&megabytes), "{arguments:?} took {megabytes} MB");
    }
}

/// Columns that a block takes whole, and of 36 MB, which none does. It once took minutes: no byte may be read oftener
/// than there are passes.
#[test]
fn a_tall_matrix_in_fortran_order_is_read_once_in_each_pass() {
    let folder = tempfile::tempdir().unwrap();
    for [n, d] in [[4_000_000, 2], [9_000_000, 1], [100_000, 80]] {
        let (file, size) = (zeros(folder.path(), true, [n, d]), 4 * n * d);
        for (arguments, passes) in [
            (&["alpha"][..], 3),
            (&["aggregate", "--rule", "mean"], 1),
            (&["aggregate", "--rule", "winsorized:8"], 5),
        ] {
            let taken = run(arguments, &file);
            let most = passes * size + 4_000_000; // the program itself and its libraries, too
            assert!(
                (size / 2..=most).contains(&taken.read),
                "{arguments:?} of {n} × {d}: {taken:?}"
            );
            assert!((1..64).contains(&taken.megabytes), "{arguments:?} of {n} × {d}: {taken:?}");
        }
    }
}
