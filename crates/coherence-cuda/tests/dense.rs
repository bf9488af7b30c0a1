//! Rules of a dense matrix, on the host's engine.
#![cfg(feature = "host")]

mod common;
mod engine;

use coherence_core::{
    aggregate::{
        AnyCoordinateRule, AnyVectorRule, Krum, Mean, MedianOfMeans, MultiKrum, Requirements, Rule,
    },
    finite::Policy,
};
use coherence_cpu::{
    Isa,
    dense::{self as cpu, Columnwise},
    order::OrderStatistics,
};
use coherence_cuda::{dense, select::select_columns};
use common::{close, draw};
use engine::{download, engine, upload};

#[test]
fn medians_of_means_are_those_of_the_processor() {
    for [n, d, k] in [[1, 3, 1], [7, 300, 3], [50, 9, 24], [12, 40, 12], [23, 5, 2]] {
        let (rows, rule) = (draw::<f64>(n * d, 1), MedianOfMeans { groups: k });
        let (mut expected, mut out) = (vec![0.0; d], upload(&vec![9.0; d]));
        let on_cpu = Columnwise::new(AnyCoordinateRule::MedianOfMeans(rule), n).unwrap();
        on_cpu.aggregate(&rows, Policy::Error, &mut expected).unwrap();
        dense::median_of_means(engine(), rule, upload(&rows).view(), out.view_mut()).unwrap();
        close(&download(&out), &expected);
    }
}

#[test]
fn krum_chooses_the_rows_that_the_processor_chooses() {
    for [n, d, f, keep] in [[5, 1, 1, 1], [9, 700, 2, 3], [12, 30, 4, 8]] {
        let mut rows = draw::<f32>(n * d, 2);
        rows[..d].iter_mut().for_each(|x| *x *= 50.0);
        let copy = rows[d..2 * d].to_vec();
        rows[2 * d..3 * d].copy_from_slice(&copy); // equal scores: undecided by the Gram matrix
        let (on_device, mut out) = (upload(&rows), upload(&vec![9.0; d]));
        let rule = MultiKrum { f, keep };
        let kept = dense::multi_krum(engine(), rule, on_device.view(), n, out.view_mut()).unwrap();
        assert_eq!(kept, cpu::multi_krum(Isa::detect(), &rows, n, rule).unwrap());
        let chosen: Vec<_> = kept.iter().flat_map(|&e| rows[e * d..][..d].to_vec()).collect();
        let mut expected = vec![0.0; d];
        cpu::robust_mean(&chosen, Mean, &mut expected);
        close(&download(&out), &expected);
        let gram: Vec<f64> = dense::gram(engine(), on_device.view(), n);
        let naive = |at: usize| {
            let (x, y) = (&rows[at / n * d..][..d], &rows[at % n * d..][..d]);
            x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
        };
        close(&gram, &(0..n * n).map(naive).collect::<Vec<f64>>());
    }
}

#[test]
fn rules_that_are_not_defined_are_errors() {
    let (rows, mut out) = (upload(&[1.0; 8]), upload(&[0.0; 2]));
    let rule = MedianOfMeans { groups: 5 };
    assert!(dense::median_of_means(engine(), rule, rows.view(), out.view_mut()).is_err());
    let rule = MultiKrum { f: 1, keep: 1 };
    assert!(dense::multi_krum(engine(), rule, rows.view(), 4, out.view_mut()).is_err());
}

/// A rule of the core's table on the device.
fn on_device(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let rule: Rule = text.parse().expect("a rule");
    let (n, d) = (rows.len(), rows.first().map_or(1, Vec::len));
    rule.check(n).map_err(|error| error.to_string())?;
    let (values, mut out) = (upload(&rows.concat()), upload(&vec![f64::NAN; d]));
    match rule {
        Rule::Coordinate(AnyCoordinateRule::MedianOfMeans(rule)) => {
            dense::median_of_means(engine(), rule, values.view(), out.view_mut()).unwrap();
        }
        Rule::Coordinate(rule) => {
            let by = OrderStatistics::of(rule, n).expect("a rule with a kernel");
            select_columns(engine(), by, values.view(), None, out.view_mut());
        }
        Rule::Vector(rule) => {
            let rule = match rule {
                AnyVectorRule::Krum(Krum { f }) => MultiKrum { f, keep: 1 },
                AnyVectorRule::MultiKrum(rule) => rule,
                _ => unreachable!("no kernel for {text}"),
            };
            dense::multi_krum(engine(), rule, values.view(), n, out.view_mut()).unwrap();
        }
    }
    Ok(download(&out))
}

coherence_tests::rule_laws!(
    kernels,
    [
        "mean",
        "winsorized",
        "winsorized%",
        "trimmed",
        "median",
        "median-of-means",
        "krum",
        "multi-krum",
    ],
    1e-13,
    on_device
);
