//! Instruction counts of the kernels, by gungraun under valgrind, where both are installed.

use anyhow::Result;
use serde_json::Value;
use xshell::{Shell, cmd};

use super::record::Record;

/// Runs the bench `instructions`; what is not installed is a line of the page.
pub(crate) fn measure(sh: &Shell, record: &mut Record) -> Result<()> {
    let runs =
        |program: &str| cmd!(sh, "{program} --version").quiet().ignore_stderr().read().is_ok();
    for program in ["valgrind", "gungraun-runner"] {
        if !runs(program) {
            record.missing.push(format!("instruction counts: {program} is not installed"));
            return Ok(());
        }
    }
    println!("bench instructions");
    let lines = cmd!(sh, "cargo bench --quiet --package coherence-benches --bench instructions")
        .args(["--", "--output-format=json"])
        .read();
    match lines {
        Ok(lines) => {
            let summaries = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
            record.instructions.extend(summaries.filter_map(|summary: Value| count(&summary)));
        }
        Err(error) => record.missing.push(format!("instruction counts: {error}")),
    }
    Ok(())
}

/// Name and instructions of one line of gungraun's JSON.
fn count(summary: &Value) -> Option<(String, u64)> {
    let text = |key: &str| summary.get(key).and_then(Value::as_str);
    let count = summary.pointer("/profiles/0/data/total/metrics/Ir/values/new")?;
    let name = format!("{} {}", text("function_name")?, text("id").unwrap_or_default());
    Some((name, count.as_u64()?))
}
