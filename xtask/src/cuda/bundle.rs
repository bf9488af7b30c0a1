//! Everything that a machine with a GPU needs to run the laws and the bench, and what it brought back.
//!
//! Such a machine may have CUDA and no Rust.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use xshell::{Shell, cmd};

/// What `on_device.sh` found on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Name, driver and memory.
    pub(super) device: String,
    pub(super) date: String,
    /// SHA-256 of the kernels' text.
    pub(super) kernels: String,
    /// A line for each program of tests: of the laws, then under the sanitizers.
    pub(super) laws: Vec<String>,
    pub(super) memcheck: Vec<String>,
    pub(super) racecheck: Vec<String>,
    /// Lines of the parity of all models with torchvision, and of coherence-candle's laws.
    pub(super) networks: Vec<String>,
    /// Ours and the peers'.
    pub(super) times: Vec<Time>,
}

/// A time, as w9_gpu prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Time {
    pub(super) name: String,
    pub(super) peer: String,
    pub(super) products: String,
    pub(super) median_s: f64,
    pub(super) min_s: f64,
}

/// Programs of tests, and of a command line, without symbols.
pub(super) fn write(sh: &Shell, folder: &Path) -> Result<()> {
    sh.remove_path(folder)?;
    sh.create_dir(folder)?;
    let tests = |what: &[&str]| -> Result<Vec<PathBuf>> {
        let messages = cmd!(sh, "cargo test --no-run --message-format=json {what...}").read()?;
        let executable = |line: &str| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message["profile"]["test"].as_bool()?.then_some(())?;
            message["executable"].as_str().map(PathBuf::from)
        };
        Ok(messages.lines().filter_map(executable).collect())
    };
    let kernels = tests(&["--package", "coherence-cuda", "--features", "host", "--tests"])?;
    let networks = tests(&["--package", "coherence-nn", "--test", "laws"])?;
    for program in kernels.iter().chain(&networks) {
        let name = program.file_name().and_then(|name| name.to_str()).context("a program")?;
        let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
        strip(sh, program, &folder.join(format!("test-{name}")))?;
    }
    // The host waits for the device: these programs need no more than the optimisation of tests.
    cmd!(sh, "cargo build --package coherence-lab --package coherence-benches --bin coherence --bin w9_gpu").run()?;
    for program in ["coherence", "w9_gpu"] {
        strip(sh, &crate::target_dir().join("debug").join(program), &folder.join(program))?;
    }
    sh.copy_file("benches/peers/w9_gpu.py", folder)?;
    sh.copy_file("xtask/src/cuda/on_device.sh", folder)?;
    let hash = cmd!(sh, "cargo run --quiet --package coherence-cuda --example ptx -- {folder}");
    sh.write_file(folder.join("kernels.sha256"), hash.read()? + "\n")?;
    println!(
        "{} is written: on the GPU's machine, {}/on_device.sh RESULTS; then here, cargo xtask cuda --record RESULTS",
        folder.display(),
        folder.display()
    );
    Ok(())
}

fn strip(sh: &Shell, from: &Path, to: &Path) -> Result<()> {
    Ok(cmd!(sh, "strip -o {to} {from}").run()?)
}

/// Keeps the results of a device in records/cuda.
pub(super) fn keep(sh: &Shell, results: &Path) -> Result<()> {
    let read = |name: &str| sh.read_file(results.join(name));
    let lines = |name: &str| -> Result<Vec<String>> {
        let text = if sh.path_exists(results.join(name)) { read(name)? } else { String::new() };
        Ok(text.lines().map(str::to_owned).collect())
    };
    let mut times = Vec::new();
    for line in lines("bench.jsonl")?.iter().chain(&lines("peers.jsonl")?) {
        if line.starts_with('{') {
            times.push(serde_json::from_str(line).with_context(|| line.clone())?);
        }
    }
    let record = Record {
        device: read("device.txt")?.trim().to_owned(),
        date: jiff::Zoned::now().date().to_string(),
        kernels: read("kernels.sha256")?.trim().to_owned(),
        laws: lines("laws.txt")?,
        memcheck: lines("memcheck.txt")?,
        racecheck: lines("racecheck.txt")?,
        networks: [lines("parity.txt")?, lines("candle.txt")?].concat(),
        times,
    };
    ensure!(!record.laws.is_empty(), "{} has no laws.txt", results.display());
    let name = record.device.split(',').next().unwrap_or_default().replace([' ', '/'], "-");
    let file = format!("records/cuda/{name}-{}.json", record.date);
    sh.create_dir("records/cuda")?;
    sh.write_file(&file, serde_json::to_string_pretty(&record)? + "\n")?;
    println!("{file} is written: `cargo xtask cuda` shows it in docs/cuda.md");
    Ok(())
}
