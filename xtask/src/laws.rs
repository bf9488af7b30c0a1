//! Writes `docs/laws.md`: for each law its statement, source, functions and tests, from doc comments
//! and test names.
//!
//! A documented item of coherence-core says `Law: A5b` in its doc comment; a test's name begins
//! with the row, `a05b_…`. A row without either is an error, so no law can lose its function or test.

mod scan;

use anyhow::{Context, Result, ensure};
use scan::{Item, Test};
use std::fmt::Write as _;

/// The rows of the catalogue, section A.
const ROWS: &[(&str, &str)] = &[
    ("A1", "α = ‖E g‖² / E‖g‖², from two running sums that merge"),
    ("A2", "0 ≤ α ≤ 1; 0 iff the mean gradient is 0, 1 iff all gradients are equal and not 0"),
    ("A3", "α is scale invariant"),
    ("A4", "independent mini-batches amplify: α_W = kα / (1 + (k − 1) α)"),
    ("A5", "its inverse imputes α from mini-batch gradients"),
    ("A5b", "both, for mini-batches that partition one sample"),
    ("A6", "zero gradients dilute: α(W) = p α(V)"),
    ("A6b", "mixtures of orthogonal families: bound and exact form"),
    ("A7", "the orthogonal limit 1/m, and m-coherence m α"),
    ("A8", "commonality: α = (1 + (m − 1) f) / m, and with zero gradients added"),
    ("A9", "k copies of orthogonal gradients have m-coherence k"),
    ("A10", "α of a network is the energy-weighted mean of its layers' α"),
    ("A11", "E‖g − g′‖ ≤ √(2 (1 − α) E‖g‖²)"),
    ("A12", "the generalisation bound"),
    ("A12b", "its corollaries, its recursion, and the gap as stability"),
    ("A13", "a sample's α is biased upwards where gradients have equal norms"),
    ("A14", "α is the ratio of two first-order decreases of the loss"),
    ("A15", "1/α is gradient diversity"),
    ("A15b", "α and the gradient noise scale; α per coordinate and GSNR"),
    ("A15c", "the de-biased α̂, with standard errors"),
    ("A15d", "helpfulness; its mean is α̂"),
    ("A16", "the peers' measures: stiffness, cosine, confusion, distance, GSNR"),
    ("A17", "shares of the decrease due to pristine and corrupt examples; null worlds"),
    ("A18", "winsorised, trimmed and median aggregation"),
    ("A19", "medians of means, M3 and A3, RM3 and RA3, geometric medians"),
    ("A20", "M3 on idiosyncratic components that share no coordinate keeps exactly the common one"),
];

const PAGE: &str = "docs/laws.md";

/// Writes the page, or with `check` fails if it is stale. Fails in both cases if a row has no
/// function or no test, or if a name cites a row that does not exist.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = crate::workspace_root();
    let items = scan::items(&root.join("crates/coherence-core/src"), &root)?;
    let mut tests = Vec::new();
    for folder in ["crates", "tests"] {
        tests.extend(scan::tests(&root.join(folder), &root)?);
    }
    let page = page(&items, &tests);
    let path = root.join(PAGE);
    if check {
        let present =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
        ensure!(present == page, "{PAGE} is stale: run `cargo xtask laws`");
    } else {
        crate::files::write(&path, &page)?;
    }
    let faults = faults(&items, &tests);
    ensure!(faults.is_empty(), "laws:\n  {}", faults.join("\n  "));
    println!("laws: {} rows, {} functions, {} tests", ROWS.len(), items.len(), tests.len());
    Ok(())
}

fn faults(items: &[Item], tests: &[Test]) -> Vec<String> {
    let mut faults = Vec::new();
    for (row, _) in ROWS {
        if !items.iter().any(|item| item.has(row)) {
            faults.push(format!("{row}: no documented item says `Law: {row}`"));
        }
        if !tests.iter().any(|test| test.has(row)) {
            faults.push(format!("{row}: no test is named after it"));
        }
    }
    let known = |row: &str| ROWS.iter().any(|(known, _)| *known == row);
    for item in items {
        let unknown = item.rows.iter().filter(|row| !known(row));
        faults.extend(unknown.map(|row| format!("{}: {} cites {row}", item.file, item.name)));
    }
    for test in tests {
        let unknown = test.rows.iter().filter(|row| !known(row));
        faults.extend(unknown.map(|row| format!("{}: {} cites {row}", test.file, test.name)));
    }
    faults
}

fn page(items: &[Item], tests: &[Test]) -> String {
    let mut page = String::from(
        "# Laws\n\n\
         Every law of the mathematics, its source, the function that states it and the tests that hold it to it.\n\
         This page is made by `cargo xtask laws` from the sources; `cargo xtask laws --check` fails if it is stale, \
         or if a law has lost its function or its test.\n\n\
         | law | statement | functions | tests |\n|---|---|---|---|\n",
    );
    for (row, statement) in ROWS {
        let n_items = items.iter().filter(|item| item.has(row)).count();
        let n_tests = tests.iter().filter(|test| test.has(row)).count();
        let anchor = row.to_lowercase();
        let _ =
            writeln!(page, "| [{row}](#{anchor}) | {} | {n_items} | {n_tests} |", cell(statement));
    }
    for (row, statement) in ROWS {
        let _ = writeln!(page, "\n## {row}\n\n{statement}.\n");
        items.iter().filter(|item| item.has(row)).for_each(|item| describe(&mut page, item));
        page.push_str("Tests:\n\n");
        for test in tests.iter().filter(|test| test.has(row)) {
            let _ =
                writeln!(page, "- `{}` ([{2}](../{1}))", test.name, test.file, short(&test.file));
        }
    }
    page
}

fn describe(page: &mut String, item: &Item) {
    let _ = writeln!(
        page,
        "**`{}`** ([{2}](../{1})): {3}\n",
        item.name,
        item.file,
        short(&item.file),
        item.summary
    );
    if !item.formula.is_empty() {
        let _ = writeln!(page, "```text\n{}\n```\n", item.formula);
    }
    if !item.source.is_empty() {
        let _ = writeln!(page, "Source: {}\n", item.source);
    }
}

/// A `|` would end a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A path without the prefix that most paths share.
fn short(file: &str) -> &str {
    file.strip_prefix("crates/").unwrap_or(file)
}
