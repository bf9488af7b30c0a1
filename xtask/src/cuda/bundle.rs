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

impl Record {
    /// The lines of programs that did not pass, each with its part. A sanitizer may run out of time: the page says so.
    fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut keep = |part: &str, lines: &[String], is_sound: &dyn Fn(&str) -> bool| {
            let failed = lines.iter().filter(|line| !is_sound(line));
            failures.extend(failed.map(|line| format!("{part}, {line}")));
        };
        keep("laws", &self.laws, &has_passed);
        for (part, lines) in [("memcheck", &self.memcheck), ("racecheck", &self.racecheck)] {
            keep(part, lines, &|line| has_passed(line) || is_unfinished(line));
        }
        keep("networks", &self.networks, &|line| !line.contains("test result") || passed(line) > 0);
        failures
    }
}

/// The number of tests that passed, from the last line of a program of tests; 0 if one of them failed.
fn passed(line: &str) -> u32 {
    let count = line.split_once("test result: ok. ").and_then(|(_, end)| end.split(' ').next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// At least one test has to pass: a program whose filter matches no test ends with status 0.
fn has_passed(line: &str) -> bool {
    line.contains(": exit status 0, ") && passed(line) > 0
}

/// Whether `timeout` ended the program.
pub(super) fn is_unfinished(line: &str) -> bool {
    line.contains(": exit status 124, ")
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
    let kernels = tests(&["--package", "coherence-cuda", "--features", "host", "--test", "*"])?;
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

/// Keeps the results of a device in records/cuda; fails afterwards if a test did not pass.
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
    let path = crate::workspace_root().join(&file);
    crate::files::write(&path, &(serde_json::to_string_pretty(&record)? + "\n"))?;
    println!("{file} is written: `cargo xtask cuda` shows it in docs/cuda.md");
    let failures = record.failures();
    ensure!(failures.is_empty(), "these did not pass on the device:\n  {}", failures.join("\n  "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_that_have_passed_a_test_have_passed() {
        let result = |outcome: &str| {
            format!("{outcome}; 0 failed; 0 ignored; 0 measured; finished in 1.00s")
        };
        let passed = result("dense: exit status 0, test result: ok. 3 passed");
        let failed = [
            result("dense: exit status 0, test result: ok. 0 passed"),
            result("dense: exit status 99, test result: ok. 3 passed"),
            result("dense: exit status 101, test result: FAILED. 2 passed"),
            "dense: exit status 139, ".to_owned(),
            "dense: exit status 0, ".to_owned(),
        ];
        let unfinished = "dense: exit status 124, ".to_owned();
        let record = |laws: &String, sanitizers: &String, networks: &[&str]| Record {
            device: String::new(),
            date: String::new(),
            kernels: String::new(),
            laws: vec![laws.clone()],
            memcheck: vec![sanitizers.clone()],
            racecheck: vec![sanitizers.clone()],
            networks: networks.iter().map(|&line| line.to_owned()).collect(),
            times: Vec::new(),
        };
        let networks = ["test cuda::parity ... ok", "test result: ok. 1 passed; 0 failed"];
        assert!(record(&passed, &unfinished, &networks).failures().is_empty());
        assert_eq!(record(&unfinished, &passed, &[]).failures(), [format!("laws, {unfinished}")]);
        for line in failed {
            let expected = ["laws", "memcheck", "racecheck"].map(|part| format!("{part}, {line}"));
            assert_eq!(record(&line, &line, &[]).failures(), expected);
        }
        for line in
            ["test result: ok. 0 passed; 0 failed", "test result: FAILED. 1 passed; 1 failed"]
        {
            let found = record(&passed, &passed, &[line]).failures();
            assert_eq!(found, [format!("networks, {line}")]);
        }
    }
}
