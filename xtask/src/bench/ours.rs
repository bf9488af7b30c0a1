//! Runs the benches of this repository and collects criterion's medians and the counted memory.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use xshell::{Shell, cmd};

use super::record::{Median, Record, is_ratio};

/// A bench target with its time to warm up, to measure, both in seconds, and its samples.
type Plan = (&'static str, [&'static str; 3]);

const FULL: [Plan; 7] = [
    ("w1_step", ["1", "5", "50"]),
    ("w2_winsorized", ["1", "3", "30"]),
    ("w3_alpha", ["1", "5", "15"]),
    ("w5_dense", ["0.5", "2", "20"]),
    ("w6_rolling", ["1", "5", "40"]),
    ("scaling", ["0.2", "0.6", "10"]),
    ("kernels", ["0.3", "1", "10"]),
];

const QUICK: [&str; 3] = ["0.1", "0.2", "10"];

/// Runs every bench; results of earlier runs are removed first. A bench that fails is a line of the
/// page.
pub(crate) fn measure(sh: &Shell, folder: &Path, quick: bool, record: &mut Record) -> Result<()> {
    cmd!(sh, "cargo bench --quiet --package coherence-benches --no-run").run()?;
    let results = empty(folder)?;
    for plan in FULL {
        if let Err(error) = run(sh, plan, quick, &results) {
            record.missing.push(missing(plan.0) + &error.to_string());
        }
    }
    collect(&results, record)?;
    memory(sh, record)
}

/// Runs one bench again; its medians take the place of those that the record has.
pub(crate) fn measure_again(
    sh: &Shell,
    folder: &Path,
    bench: &str,
    quick: bool,
    record: &mut Record,
) -> Result<()> {
    let Some(&plan) = FULL.iter().find(|(name, _)| *name == bench) else {
        bail!("no bench {bench} (there are {})", FULL.map(|(name, _)| name).join(", "));
    };
    let results = empty(folder)?;
    run(sh, plan, quick, &results)?;
    record.missing.retain(|line| !line.starts_with(&missing(bench)));
    collect(&results, record)
}

/// The start of the line that says why a bench failed.
fn missing(bench: &str) -> String {
    format!("bench {bench}: ")
}

/// A folder for criterion's results, without those of earlier runs.
fn empty(folder: &Path) -> Result<PathBuf> {
    let results = folder.join("criterion");
    if results.exists() {
        std::fs::remove_dir_all(&results)?;
    }
    Ok(results)
}

fn run(sh: &Shell, (bench, times): Plan, quick: bool, results: &Path) -> Result<()> {
    println!("bench {bench}");
    let _home = sh.push_env("CRITERION_HOME", results);
    let [warm, time, samples] = if quick { QUICK } else { times };
    cmd!(sh, "cargo bench --quiet --package coherence-benches --bench {bench} --")
        .args(["--noplot", "--warm-up-time", warm, "--measurement-time", time])
        .args(["--sample-size", samples, "--nresamples", "10000"])
        .run()?;
    Ok(())
}

/// Criterion's name of a benchmark, in `benchmark.json`.
#[derive(Deserialize)]
struct Name {
    full_id: String,
}

/// Criterion's findings, in `estimates.json`.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

fn collect(results: &Path, record: &mut Record) -> Result<()> {
    for folder in folders_named_new(results)? {
        let read = |name| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let Name { full_id } = serde_json::from_str(&read("benchmark.json")?)?;
        let Estimates { median } = serde_json::from_str(&read("estimates.json")?)?;
        // criterion counts in nanoseconds; a ratio has no unit
        let unit = if is_ratio(&full_id) { 1.0 } else { 1e-9 };
        let Interval { lower_bound, upper_bound } = median.confidence_interval;
        let median = Median {
            median: median.point_estimate * unit,
            low: lower_bound * unit,
            high: upper_bound * unit,
        };
        record.medians.insert(full_id, median);
    }
    if record.medians.is_empty() {
        bail!("criterion left no results in {}", results.display());
    }
    Ok(())
}

/// Where criterion keeps the latest results of each benchmark.
fn folders_named_new(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() && path.ends_with("new") {
            found.push(path);
        } else if path.is_dir() {
            found.extend(folders_named_new(&path)?);
        }
    }
    Ok(found)
}

/// One line of the bench `memory`.
#[derive(Deserialize)]
struct Peak {
    id: String,
    bytes: u64,
}

fn memory(sh: &Shell, record: &mut Record) -> Result<()> {
    println!("bench memory");
    let lines =
        cmd!(sh, "cargo bench --quiet --package coherence-benches --bench memory").read()?;
    for line in lines.lines().filter(|line| line.starts_with('{')) {
        let Peak { id, bytes } = serde_json::from_str(line)?;
        record.bytes.insert(id, bytes);
    }
    Ok(())
}
