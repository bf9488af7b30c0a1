//! docs/performance.md: the records and their goals, put into the template beside this file.

use anyhow::Result;
use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use std::{collections::BTreeSet, path::Path};

use super::goal::{Goal, time};
use super::goals;
use super::parts::PARTS;
use super::record::{PartRecord, PeerRow, Record};
use super::scaling::{Table, tables};

const TEMPLATE: &str = include_str!("page.md");

/// The name of the page in its folder.
pub(super) const PAGE: &str = "performance.md";

/// Writes the page of all records in `folder`/performance.
pub(super) fn write(folder: &Path) -> Result<()> {
    let path = folder.join(PAGE);
    crate::files::write(&path, &render(&Record::load_all(folder)?)?)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// A processor's section.
#[derive(Serialize)]
struct Section<'a> {
    title: String,
    file: String,
    record: &'a Record,
    /// What peers were run.
    versions: BTreeSet<String>,
    parts: Vec<Measured<'a>>,
    met: usize,
    goals: usize,
}

/// A part's share of a section.
#[derive(Serialize)]
struct Measured<'a> {
    name: &'a str,
    part: &'a PartRecord,
    goals: Vec<Goal>,
    tables: Vec<Table>,
    peers: Vec<Peer<'a>>,
}

/// A line of the peers' table.
#[derive(Serialize)]
struct Peer<'a> {
    row: &'a PeerRow,
    title: String,
    varied: String,
    notes: String,
}

/// The whole page.
pub(super) fn render(records: &[Record]) -> Result<String> {
    let sections: Vec<Section<'_>> = records.iter().map(section).collect();
    let parts = || sections.iter().flat_map(|section| &section.parts);
    let measured = |[name, what]: &[&str; 2]| {
        let named = parts().filter(|part| part.name == *name);
        named.flat_map(|part| &part.goals).any(|goal| goal.what == *what)
    };
    let headlines: Vec<_> = goals::HEADLINES.into_iter().filter(measured).collect();
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    environment.add_filter("time", time);
    environment.add_filter("ratio", |x: f64| {
        if x < 10.0 { format!("{x:.3} ×") } else { format!("{x:.1} ×") }
    });
    environment.add_template("page.md", TEMPLATE)?;
    let page = environment.get_template("page.md")?;
    Ok(page.render(context! { sections => Serde(sections), headlines })?)
}

fn section(record: &Record) -> Section<'_> {
    let named = |name| record.parts.get_key_value(name);
    let parts: Vec<_> = PARTS.iter().filter_map(|plan| named(plan.name)).map(measured).collect();
    let rows = record.parts.values().flat_map(|part| &part.peers);
    let who = |row: &PeerRow| row.peer.split([' ', '+']).next().unwrap_or_default().to_owned();
    let goals = || parts.iter().flat_map(|part| &part.goals);
    Section {
        title: record.processor.title(),
        file: format!("performance/{}.json", record.processor.slug()),
        record,
        versions: rows.map(|row| format!("{} {}", who(row), row.version)).collect(),
        met: goals().filter(|goal| goal.met).count(),
        goals: goals().count(),
        parts,
    }
}

fn measured<'a>((name, part): (&'a String, &'a PartRecord)) -> Measured<'a> {
    let mut rows: Vec<&PeerRow> = part.peers.iter().collect();
    let order = |row: &PeerRow| (row.name.clone(), row.c, row.op.clone());
    rows.sort_by(|a, b| order(a).cmp(&order(b)).then(a.median_s.total_cmp(&b.median_s)));
    let peers = rows.into_iter().map(|row| {
        let varied = row.c.map(|c| format!("c = {c}")).or_else(|| row.op.clone());
        Peer { row, title: row.title(), varied: varied.unwrap_or_default(), notes: notes(row) }
    });
    let (goals, tables, peers) = (goals::of(name, part), tables(part), peers.collect());
    Measured { name, part, goals, tables, peers }
}

/// What a peer's row says beside its time.
fn notes(row: &PeerRow) -> String {
    let notes = [
        row.ratio_to_sgd.map(|x| format!("{x:.2} × its SGD")),
        row.paired_ratio.map(|x| format!("{x:.2} × its plain pass")),
        row.rss_peak_mib.map(|x| format!("peak {x:.0} MiB")),
    ];
    notes.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
