//! Numbers that other people's programs and manuals give, made by `golden/make.py` and `make.R`.

use coherence_core::aggregate::{
    CenteredClipping, Mixing, NearestNeighborMixing, Rows, Rule, Scratch,
};

use crate::support::aggregate;

/// One line of `golden/*.tsv`.
struct Golden {
    source: &'static str,
    rule: &'static str,
    n: usize,
    matrix: Vec<f64>,
    expected: Vec<f64>,
    tolerance: f64,
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(' ').map(|x| x.parse().expect("a number")).collect()
}

fn values() -> impl Iterator<Item = Golden> {
    let files = [include_str!("golden/values.tsv"), include_str!("golden/wrs2.tsv")];
    files.into_iter().flat_map(str::lines).map(|line| {
        let columns: [&str; 6] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("six columns");
        Golden {
            source: columns[0],
            rule: columns[1],
            n: columns[2].parse().expect("a count"),
            matrix: numbers(columns[3]),
            expected: numbers(columns[4]),
            tolerance: columns[5].parse().expect("a number"),
        }
    })
}

/// What we make of a line's matrix.
fn found(line: &Golden) -> Vec<f64> {
    let d = line.matrix.len() / line.n;
    let rows = Rows::matrix(&line.matrix, d).expect("whole rows");
    let (name, f) = line.rule.trim_matches(['(', ')']).split_once(':').unwrap_or((line.rule, ""));
    if name == "nearest-neighbor-mixing" {
        let mixing = NearestNeighborMixing { f: f.parse().expect("a count") };
        let mut mixed = vec![0.0; line.matrix.len()];
        let (mut values, mut indices) = (vec![0.0; line.n], vec![0; line.n]);
        let scratch = Scratch { values: &mut values, indices: &mut indices };
        mixing.mix(rows, scratch, &mut mixed).expect("mixes");
        return mixed;
    }
    if line.rule.starts_with('(') {
        let mut centre = vec![0.0; d];
        let rule = CenteredClipping::new(1.25, 3).expect("a radius");
        rule.refine(rows, &mut centre, &mut vec![0.0; d + line.n]);
        return centre;
    }
    aggregate(&line.rule.parse::<Rule>().expect("a rule"), rows).expect("aggregates")
}

#[test]
fn a18_a19_other_peoples_programs_give_the_same_numbers() {
    let mut count = 0;
    for line in values() {
        let found = found(&line);
        let magnitude = line.matrix.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        assert_eq!(found.len(), line.expected.len(), "{} {}", line.source, line.rule);
        for (x, y) in found.iter().zip(&line.expected) {
            let off = (x - y).abs();
            assert!(
                off <= line.tolerance * magnitude,
                "{} {}: {x}, not {y}",
                line.source,
                line.rule
            );
        }
        count += 1;
    }
    assert!(count > 100, "only {count} lines");
}
