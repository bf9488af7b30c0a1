//! Rules that rustc does not enforce: every module has documentation, files are small, sources
//! contain no unfinished code and no path of one machine.

use anyhow::{Result, ensure};
use std::path::Path;
use xshell::{Shell, cmd};

/// Most lines of code, neither blank nor comment, of a file.
const MOST_LINES: usize = 400;

/// Words that no committed file may contain, each with the reason. They are split here so that this
/// file does not contain them.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("todo", "!("), "unfinished code"),
    (concat!("unimplemented", "!("), "unfinished code"),
    (concat!("#[ig", "nore"), "a test switched off"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
];

/// Fails with a list of all violations.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let listing = cmd!(sh, "git ls-files --cached --others --exclude-standard").quiet().read()?;
    let root = crate::workspace_root();
    let mut faults = Vec::new();
    let mut n_files = 0;
    for name in listing.lines().filter(|name| is_text(name)) {
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        n_files += 1;
        faults.extend(faults_of(name, &text));
    }
    ensure!(faults.is_empty(), "untidy:\n  {}", faults.join("\n  "));
    println!("tidy: {n_files} files");
    Ok(())
}

fn is_text(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    matches!(extension, Some("rs" | "toml" | "md" | "py" | "js" | "css" | "sh"))
}

fn faults_of(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (word, why) in FORBIDDEN {
        if let Some(line) = text.lines().position(|line| line.contains(word)) {
            faults.push(format!("{name}:{}: {why} ({word})", line + 1));
        }
    }
    if name.ends_with(".rs") {
        if !text.starts_with("//!") {
            faults.push(format!("{name}: the first line must document the module (`//! …`)"));
        }
        let n_lines = text.lines().filter(|line| is_code(line)).count();
        if n_lines > MOST_LINES {
            faults.push(format!("{name}: {n_lines} lines of code, at most {MOST_LINES}: split it"));
        }
    }
    faults
}

fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}
