//! A small reproduction to report on: two noises, two clips, two seeds, and figures of each kind.

use std::collections::BTreeMap;

use crate::cell::{Axis, Cell, Setting};
use crate::claim::{Bound, Expect, Timing, Value};
use crate::figure::Figure;
use crate::id::Id;
use crate::interval::Interval;
use crate::machine::Machine;
use crate::made::Made;
use crate::record::{Header, Record, Row};
use crate::scale::Scale;
use crate::summary::{CellVerdict, ClaimSummary, ExperimentSummary, Summary, Verdict};

/// What a page must show as text and never as markup.
pub(crate) const HOSTILE: &str = "</script><script>alert('1')</script> <b>\"&";

pub(crate) fn figure(text: &str) -> Figure {
    toml::from_str(&format!("id = 'f'\ntitle = 'A figure'\ny_label = 'y'\n{text}")).unwrap()
}

fn machine() -> Machine {
    Machine {
        cpu: "Abacus".into(),
        cores: 2,
        memory_gib: 4,
        platform: "linux-x86_64".into(),
        version: "0.1.0".into(),
        commit: "0123456789ab".into(),
    }
}

/// What made half of the rows.
fn made(version: &str) -> Made {
    Made {
        first: "2026-01-01".into(),
        last: "2026-01-02".into(),
        runs: Some(4),
        seconds: Some(5.0),
        threads: Some(1),
        device: None,
        results: Some(1),
        machine: Machine { version: version.into(), ..machine() },
    }
}

pub(crate) fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn axes() -> Vec<Axis> {
    let axis = |name: &str, values: [f64; 2]| Axis {
        name: name.into(),
        values: values.map(Setting::Number).to_vec(),
    };
    vec![axis("noise", [0.0, 50.0]), axis("clip", [0.0, 2.0])]
}

fn row(cell: &Cell, seed: u64, step: u64, series: &str, value: f64) -> Row {
    Row { cell: cell.clone(), seed, step, series: series.into(), value }
}

/// In cell number c, seed s (1, 2) and step t (0, 10, 100): `a` = c + t + s, `b` = s, `proper` = 0.5.
pub(crate) fn record() -> Record {
    let mut rows = Vec::new();
    for (c, cell) in Cell::product(&axes()).iter().enumerate() {
        rows.push(row(cell, 1, 0, "proper", 0.5));
        for (seed, step) in [(1, 0), (1, 10), (1, 100), (2, 0), (2, 10), (2, 100)] {
            rows.push(row(cell, seed, step, "a", (c as u64 + step + seed) as f64));
            rows.push(row(cell, seed, step, "b", seed as f64));
        }
    }
    let header = Header {
        experiment: id("C3"),
        scale: Scale::Smoke,
        seeds: vec![1, 2],
        wall_seconds: 3.0,
        axes: axes(),
        settings: BTreeMap::new(),
        made: vec![made("0.1.0")],
    };
    Record { header, rows }
}

pub(crate) fn claim(id: &str, verdict: Verdict, values: &[f64]) -> ClaimSummary {
    let measurement = CellVerdict {
        label: "noise=50".into(),
        values: values.iter().copied().map(Value::Exact).collect(),
        count: None,
        interval: Interval::from_values(values),
        verdict,
        reason: None,
        reads: Vec::new(),
    };
    ClaimSummary {
        id: id.into(),
        statement: format!("statement of {id}"),
        quote: Some(HOSTILE.into()),
        source: "CG20 §3.3".into(),
        condition: "end(a): at least 1".into(),
        quantity: "end(a)".parse().unwrap(),
        expect: Expect::AtLeast(1.0),
        bound: Bound::Paper,
        written: "2026-01-01".into(),
        changed: Some(HOSTILE.into()),
        timing: Some(Timing::SameDay),
        verdict,
        reason: None,
        seeds_to_decide: Some(7),
        measurements: vec![measurement],
    }
}

pub(crate) fn experiment(figures: Vec<Figure>, claims: Vec<ClaimSummary>) -> ExperimentSummary {
    ExperimentSummary {
        id: id("C3"),
        scale: Scale::Smoke,
        title: HOSTILE.into(),
        source: "CG20 Fig. 4".into(),
        statement: HOSTILE.into(),
        deviations: vec![HOSTILE.into()],
        analysis: "One paragraph.\n\nAnother.".into(),
        settings: [("rate".to_owned(), HOSTILE.to_owned())].into(),
        axes: axes(),
        epoch: Some(5),
        seeds: vec![1, 2],
        wall_seconds: 3.0,
        made: vec![made("0.0.9"), Made { device: Some("Loom 3".into()), ..made("0.1.0") }],
        record: Some("records/C3.csv".into()),
        figures,
        claims,
        failure: None,
    }
}

pub(crate) fn summary(experiments: Vec<ExperimentSummary>) -> Summary {
    let date = "2026-01-05".into();
    Summary { date, machine: machine(), wall_seconds: 3.0, experiments }
}
