//! Records on disk, whatever is in them and whatever happens to them.

use std::fs;

use coherence_lab::cell::{Axis, Cell};
use coherence_lab::machine::Machine;
use coherence_lab::record::{Header, Record, Row};
use coherence_lab::scale::Scale;
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
        experiment: "X1".to_owned(),
        scale: Scale::Desk,
        seeds: vec![1, 2, 3],
        date: "2026-11-22".to_owned(),
        wall_seconds: 0.25,
        axes: vec![Axis { name: "noise".to_owned(), values: vec![0.0.into(), 50.0.into()] }],
        settings: [("steps".to_owned(), "10".to_owned())].into(),
        machine: Machine::here(),
    };
    Record { header, rows: rows.iter().map(row).collect() }
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
