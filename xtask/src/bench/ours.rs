//! Runs the benches of this repository and collects their figures.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use xshell::{Shell, cmd};

use super::record::{Figure, Measured, read_json};
use super::{BENCHES, parts::Bench};

const QUICK: [&str; 3] = ["0.1", "0.2", "10"];

/// One bench: criterion's medians from its folder, other figures from the lines that it prints.
pub(super) fn measure(sh: &Shell, bench: &Bench, quick: bool) -> Result<Measured> {
    measure_only(sh, bench, None, quick)
}

/// The median of a single figure of a bench, in seconds.
pub(super) fn again(sh: &Shell, bench: &Bench, id: &str, quick: bool) -> Result<f64> {
    let measured = measure_only(sh, bench, Some(id), quick)?;
    let figure = measured.figures.get(id).with_context(|| format!("no figure {id}"))?;
    Ok(figure.median)
}

fn measure_only(sh: &Shell, bench: &Bench, id: Option<&str>, quick: bool) -> Result<Measured> {
    let results = crate::target_dir().join("bench/criterion");
    if results.exists() {
        std::fs::remove_dir_all(&results)?;
    }
    let _home = sh.push_env("CRITERION_HOME", &results);
    let mut arguments: Vec<&str> = Vec::new();
    if let Some([warm, time, samples]) = bench.times.map(|times| if quick { QUICK } else { times })
    {
        arguments.extend(["--noplot", "--warm-up-time", warm, "--measurement-time", time]);
        arguments.extend(["--sample-size", samples, "--nresamples", "10000"]);
    }
    arguments.extend(id.map(|id| ["--exact", id]).into_iter().flatten());
    let name = bench.name;
    let lines = cmd!(sh, "cargo bench --quiet {BENCHES...} --bench {name} --")
        .args(arguments)
        .quiet()
        .read()?;
    let mut figures = printed(&lines)?;
    if bench.times.is_some() {
        collect(&results, &mut figures)?;
    }
    ensure!(!figures.is_empty(), "no figures");
    Ok(Measured { figures, ..Measured::default() })
}

/// One line of a bench that prints its figures: `{"id": "memory/plain step", "bytes": 8848384}`.
#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(flatten)]
    figures: BTreeMap<String, f64>,
}

/// The figures of these lines, by id and name: `memory/plain step/bytes`.
pub(super) fn printed(lines: &str) -> Result<BTreeMap<String, Figure>> {
    let mut figures = BTreeMap::new();
    for line in lines.lines().filter(|line| line.starts_with('{')) {
        let line: Line = serde_json::from_str(line).with_context(|| line.to_owned())?;
        for (name, median) in line.figures {
            figures.insert(format!("{}/{name}", line.id), Figure { median, interval: None });
        }
    }
    Ok(figures)
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

fn collect(results: &Path, figures: &mut BTreeMap<String, Figure>) -> Result<()> {
    for folder in folders_named_new(results)? {
        let Name { full_id } = read_json(&folder.join("benchmark.json"))?;
        let Estimates { median } = read_json(&folder.join("estimates.json"))?;
        let Interval { lower_bound, upper_bound } = median.confidence_interval;
        // criterion counts in nanoseconds; a ratio has no unit
        let is_ratio = full_id.split('/').next().is_some_and(|group| group.ends_with("ratio"));
        let unit = if is_ratio { 1.0 } else { 1e-9 };
        let [median, low, high] =
            [median.point_estimate, lower_bound, upper_bound].map(|x| x * unit);
        figures.insert(full_id, Figure { median, interval: Some([low, high]) });
    }
    Ok(())
}

/// Where criterion keeps the latest results of each benchmark.
fn folders_named_new(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.ends_with("new") {
            found.push(path);
        } else if path.is_dir() {
            found.extend(folders_named_new(&path)?);
        }
    }
    Ok(found)
}
