//! Reads the laws from the sources: documented items and names of tests.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A documented item that states a law.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// `Type::method` or `module::function`.
    pub(super) name: String,
    /// Relative to the root.
    pub(super) file: String,
    /// The first paragraph of its documentation.
    pub(super) summary: String,
    /// Its first block of plain text.
    pub(super) formula: String,
    /// The paper and the equation.
    pub(super) source: String,
    /// The rows of the catalogue that it cites.
    pub(super) rows: Vec<String>,
}

impl Item {
    pub(super) fn has(&self, row: &str) -> bool {
        self.rows.iter().any(|cited| cited == row)
    }
}

/// A test whose name begins with a row, or with several.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) rows: Vec<String>,
}

impl Test {
    pub(super) fn has(&self, row: &str) -> bool {
        self.rows.iter().any(|named| named == row)
    }
}

/// All items under a folder whose doc comment has a line `Law: …`, in order of file and line.
pub(super) fn items(folder: &Path, root: &Path) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for (file, text) in sources(folder, root)? {
        let mut doc: Vec<&str> = Vec::new();
        let mut owner = module(&file);
        for line in text.lines() {
            if let Some(implemented) = line.strip_prefix("impl") {
                owner = implementor(implemented);
            } else if line == "}" {
                owner = module(&file);
            }
            let line = line.trim_start();
            if let Some(text) = line.strip_prefix("///") {
                doc.push(text.strip_prefix(' ').unwrap_or(text));
            } else if !line.starts_with("#[") {
                items.extend(declared(line).and_then(|name| item(name, &owner, &file, &doc)));
                doc.clear();
            }
        }
    }
    Ok(items)
}

fn item((kind, name): (&str, &str), owner: &str, file: &str, doc: &[&str]) -> Option<Item> {
    let rows = doc.iter().find_map(|line| line.strip_prefix("Law: "))?;
    let name =
        if kind == "fn" && !owner.is_empty() { format!("{owner}::{name}") } else { name.into() };
    Some(Item {
        name,
        file: file.into(),
        summary: plain(&paragraph(doc)),
        formula: formula(doc),
        source: plain(&source(doc)),
        rows: rows.split(',').map(|row| row.trim().trim_end_matches('.').into()).collect(),
    })
}

/// The public item that a line declares: its kind and its name.
fn declared(line: &str) -> Option<(&str, &str)> {
    let declaration = line.strip_prefix("pub ")?;
    let declaration = declaration.strip_prefix("const ").unwrap_or(declaration);
    let kind = ["fn", "struct", "enum", "trait"]
        .into_iter()
        .find(|kind| declaration.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' ')))?;
    let name = declaration[kind.len()..].trim_start();
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    Some((kind, &name[..end]))
}

/// `<B: AsRef<[f64]>> Sums<B> {` → `Sums`; `AddAssign for Decrease {` → `Decrease`.
fn implementor(rest: &str) -> String {
    let header = rest.split('{').next().unwrap_or(rest);
    let named = header.rsplit(" for ").next().unwrap_or(header).trim();
    let mut depth = 0;
    let outside: String = named
        .replace("->", "")
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '<') - i32::from(*c == '>');
            depth == 0 && *c != '>'
        })
        .collect();
    outside.trim().into()
}

/// The module that a file is: `similarity` for `similarity/mod.rs`, none for `lib.rs`.
fn module(file: &str) -> String {
    let path = Path::new(file);
    let stem = |path: &Path| path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into());
    let folder = path.parent().map_or(String::new(), stem);
    match folder.as_str() {
        "src" => stem(path),
        _ => folder,
    }
}

/// The first paragraph.
fn paragraph(doc: &[&str]) -> String {
    doc.iter().take_while(|line| !line.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// The first block of plain text.
fn formula(doc: &[&str]) -> String {
    let Some(start) = doc.iter().position(|line| *line == "```text") else { return String::new() };
    let block: Vec<&str> =
        doc[start + 1..].iter().take_while(|line| **line != "```").copied().collect();
    block.join("\n")
}

/// The paragraph under `# Source`, or that begins with `Source: `.
fn source(doc: &[&str]) -> String {
    let under_heading = doc.iter().position(|line| *line == "# Source").map(|at| at + 2);
    let in_line = doc.iter().position(|line| line.starts_with("Source: "));
    let start = under_heading.or(in_line).unwrap_or(doc.len());
    paragraph(doc.get(start..).unwrap_or_default()).replacen("Source: ", "", 1)
}

/// Without rustdoc's links, which do not work in a page: `[text](target)` becomes `text`.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("[`") {
        let Some(end) = rest[start..].find("`]").map(|n| start + n) else { break };
        out.push_str(&rest[..start]);
        out.push_str(&rest[start + 1..end + 1]);
        rest = &rest[end + 2..];
        if rest.starts_with('(') {
            rest = rest.find(')').map_or(rest, |close| &rest[close + 1..]);
        }
    }
    out + rest
}

/// All functions under a folder whose name begins with a row: `a05b_…` is of A5b.
pub(super) fn tests(folder: &Path, root: &Path) -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    for (file, text) in sources(folder, root)? {
        for line in text.lines() {
            let Some(name) = line.trim_start().strip_prefix("fn ") else { continue };
            let name = name.split(['(', '<']).next().unwrap_or(name);
            let rows = rows_of(name);
            if !rows.is_empty() {
                tests.push(Test { name: name.into(), file: file.clone(), rows });
            }
        }
    }
    Ok(tests)
}

/// `a05b_finite_sample_inverse_inverts` → A5b; `a18_a19_golden` → A18 and A19.
fn rows_of(name: &str) -> Vec<String> {
    name.split('_').map_while(row_of).collect()
}

/// `a05b` → `A5b`.
fn row_of(prefix: &str) -> Option<String> {
    let digits = prefix.strip_prefix('a')?.get(..2)?;
    let number: u32 = digits.parse().ok()?;
    let letter = &prefix[3..];
    let is_row = letter.is_empty() || (letter.len() == 1 && ("b"..="z").contains(&letter));
    is_row.then(|| format!("A{number}{letter}"))
}

/// The Rust files under a folder as (path relative to the root, text), sorted by path.
fn sources(folder: &Path, root: &Path) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        Ok((name, text))
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_name_begins_with_its_row() {
        assert_eq!(rows_of("a05b_inverse_inverts"), ["A5b"]);
        assert_eq!(rows_of("a12_a13_bound_a14"), ["A12", "A13"]);
        for other in ["alpha_is_scale_invariant", "add_one", "a05bc_x", "a5_x", "aé5_x"] {
            assert!(rows_of(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn an_item_is_named_by_its_type_or_module() {
        assert_eq!(implementor("<B: AsRef<[f64]> + AsMut<[f64]>> Sums<B> {"), "Sums");
        assert_eq!(implementor(" AddAssign for Decrease {"), "Decrease");
        assert_eq!(implementor(" Coherence {"), "Coherence");
        assert_eq!(module("crates/coherence-core/src/minibatch.rs"), "minibatch");
        assert_eq!(module("crates/coherence-core/src/similarity/cosine.rs"), "similarity");
        assert_eq!(
            declared("pub const fn buffer_len(dim: usize) -> usize {"),
            Some(("fn", "buffer_len"))
        );
        assert_eq!(declared("pub struct Sums<B> {"), Some(("struct", "Sums")));
        assert_eq!(declared("fn private() {"), None);
    }

    #[test]
    fn documentation_yields_formula_and_source() {
        let doc = [
            "One",
            "two.",
            "",
            "```text",
            "a = b",
            "```",
            "",
            "# Source",
            "",
            "MC20 §3,",
            "(3).",
            "",
            "Law: A1",
        ];
        assert_eq!((paragraph(&doc).as_str(), formula(&doc).as_str()), ("One two.", "a = b"));
        assert_eq!(source(&doc), "MC20 §3, (3).");
        assert_eq!(source(&["Source: WS20.", "", "Law: A18"]), "WS20.");
        assert_eq!(source(&["Nothing."]), "");
    }

    #[test]
    fn links_of_rustdoc_become_their_text() {
        assert_eq!(plain("see [`alpha`](Self::alpha) and [`Sums`]."), "see `alpha` and `Sums`.");
    }
}
