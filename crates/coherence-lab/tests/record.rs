//! Records on disk, whatever is in them and whatever happens to them.

use std::fs;
use std::path::Path;

use coherence_lab::cell::{Axis, Cell};
use coherence_lab::claim::judge;
use coherence_lab::filed::filed;
use coherence_lab::machine::Machine;
use coherence_lab::made::Made;
use coherence_lab::record::{Header, Record, Row};
use coherence_lab::scale::Scale;
use coherence_lab::spec::Experiment;
use coherence_tests::cases;
use proptest::prelude::*;

/// A record of one axis; each row is (noise, seed, step, value).
fn record(rows: &[(f64, u64, u64, f64)]) -> Record {
    let row = |&(noise, seed, step, value): &(f64, u64, u64, f64)| Row {
        cell: Cell::new([("noise", noise.into())]),
        seed,
        step,
        series: "probe.fc1.weight.m_coherence".to_owned(),
        value,
    };
    let header = Header {
        experiment: "X1".parse().unwrap(),
        scale: Scale::Desk,
        seeds: vec![1, 2, 3],
        wall_seconds: 0.25,
        axes: vec![Axis { name: "noise".to_owned(), values: vec![0.0.into(), 50.0.into()] }],
        settings: [("steps".to_owned(), "10".to_owned())].into(),
        made: vec![made()],
    };
    Record { header, rows: rows.iter().map(row).collect() }
}

fn made() -> Made {
    Made {
        first: "2026-11-22".to_owned(),
        last: "2026-11-23".to_owned(),
        runs: Some(6),
        seconds: Some(0.5),
        threads: Some(1),
        device: Some("NVIDIA H100 80GB HBM3".to_owned()),
        results: Some(1),
        machine: Machine::detect(),
    }
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |value| value.is_finite())
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_record_survives_the_disk_to_the_last_bit(
        rows in prop::collection::vec((0.0..100.0f64, any::<u64>(), any::<u64>(), finite()), 0..20),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records/X1.csv");
        let record = record(&rows);
        record.save(&path).unwrap();
        prop_assert_eq!(Record::load(&path).unwrap(), record);
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_damaged_record_is_read_or_refused_with_its_file(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        of_header in any::<bool>(),
        cut in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("X1.csv");
        let header = toml::to_string(&record(&[]).header).unwrap();
        let rows = "experiment,noise,seed,step,series,value\nX1,25,1,10,test.accuracy,0.5\n";
        let damage = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            bytes
        };
        let (head, body) = if of_header {
            (damage(&header), rows.as_bytes().to_vec())
        } else {
            (header.into_bytes(), damage(rows))
        };
        fs::write(path.with_extension("toml"), head).unwrap();
        fs::write(&path, body).unwrap();
        if let Err(error) = Record::load(&path) {
            prop_assert!(error.to_string().contains("X1."), "{}", error);
        }
    }
}

/// The header of a record of the first form.
const FIRST_FORM: &str = r#"
experiment = "X1"
scale = "desk"
seeds = [1]
date = "2026-11-22"
wall_seconds = 2.5
axes = []

[settings]
steps = "10"

[machine]
cpu = "Abacus"
cores = 2
memory_gib = 24
platform = "linux-x86_64"
version = "0.1.0"
"#;

#[test]
fn headers_of_the_first_form_are_read_and_keep_what_made_them() {
    let header: Header = toml::from_str(FIRST_FORM).unwrap();
    assert_eq!(header.made.len(), 1);
    let made = &header.made[0];
    assert_eq!((made.first.as_str(), made.last.as_str()), ("2026-11-22", "2026-11-22"));
    assert_eq!((made.machine.cpu.as_str(), made.results), ("Abacus", None));
    let again: Header = toml::from_str(&toml::to_string(&header).unwrap()).unwrap();
    assert_eq!(again, header);
    let nothing = FIRST_FORM.replace("date = \"2026-11-22\"\n", "");
    let error = toml::from_str::<Header>(&nothing).unwrap_err().to_string();
    assert!(error.contains("it must say what made it"), "{error}");
}

#[test]
fn an_experiment_in_a_header_is_no_path() {
    let error = toml::from_str::<Header>(&FIRST_FORM.replace("X1", "../X1")).unwrap_err();
    assert!(error.to_string().contains("is not allowed"), "{error}");
}

/// The second program, `records/judge.py`, shares no code with ours. After a change of a claim or of
/// a record: `python3 records/judge.py`.
#[test]
fn verdicts_on_the_committed_records_are_those_of_the_second_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let filed = filed();
    assert!(3 <= filed.len());
    for known in filed {
        let record = Record::load(&root.join("records").join(&known.record)).unwrap();
        let file = root.join("experiments").join(format!("{}.toml", known.experiment));
        let experiment = Experiment::load(&file).unwrap();
        assert_eq!(experiment.claims.len(), known.claims.len(), "{}", known.record);
        for (claim, known) in experiment.claims.iter().zip(known.claims) {
            let ours = judge(claim, &record);
            assert_eq!((&claim.id, ours.verdict), (&known.id, known.verdict));
            assert_eq!(claim.quantity.to_string(), known.quantity);
            assert_eq!(ours.measurements.len(), known.cells.len(), "{}", ours.id);
            for (ours, known) in ours.measurements.iter().zip(known.cells) {
                let mean = ours.interval.map(|interval| interval.mean);
                let near = |(a, b): (f64, f64)| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
                assert_eq!((&ours.label, ours.verdict), (&known.label, known.verdict));
                assert_eq!(mean.is_some(), known.mean.is_some(), "{}", known.label);
                assert!(mean.zip(known.mean).is_none_or(near), "{}", known.label);
            }
        }
    }
}

#[test]
fn every_committed_record_is_judged_by_the_second_program() {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../records");
    let mut found = Vec::new();
    for folder in fs::read_dir(&records).unwrap().map(|entry| entry.unwrap().path()) {
        let entries = fs::read_dir(&folder).into_iter().flatten();
        found.extend(entries.map(|entry| entry.unwrap().path()));
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
    let mut known: Vec<_> = filed().iter().map(|f| records.join(&f.record)).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}
