//! The function behind the command: it obeys the laws of the rules, and for every order, byte order,
//! element type and number of threads it gives the same bits as the kernels in memory.

use coherence_core::aggregate::{
    AnyCoordinateRule, AnyVectorRule, Requirements, Rows, Rule, ScratchBuffer, VectorRule,
};
use coherence_core::finite::Policy;
use coherence_cpu::Element;
use coherence_cpu::dense::{Columnwise, aggregate_rows};
use coherence_cuda::Host;
use coherence_data::matrix::Value;
use coherence_nn::device::{Cuda, Device, Remote};

use super::{aggregate, on_device};
use crate::command::matrix::npy::{descr, npy};

fn command<T: Element + Value>(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let Some(d) = rows.first().map(Vec::len) else { return Err("a matrix needs rows".into()) };
    let values: Vec<T> = rows.concat().into_iter().map(T::narrow).collect();
    let matrix = npy(descr::<T>(false), rows.len().is_multiple_of(2), &values, d);
    let rule = text.parse().expect("a rule");
    let out = aggregate::<T>(&matrix, rule, Policy::Error, 2).map_err(|e| format!("{e:#}"))?;
    Ok(out.into_iter().map(T::widen).collect())
}

coherence_tests::rule_laws!(
    command_in_single_precision,
    coherence_tests::laws::rules::EVERY,
    1e-6,
    command::<f32>
);
coherence_tests::rule_laws!(
    command_in_double_precision,
    coherence_tests::laws::rules::EVERY,
    1e-9,
    command::<f64>
);

/// Numbers from a fixed recurrence, between −1 and 1.
fn numbers<T: Element>(len: usize) -> Vec<T> {
    let mut state = 7_u64;
    let next = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::narrow((state >> 40) as f64 / f64::from(1 << 23) - 1.0)
    };
    (0..len).map(next).collect()
}

fn bits<T: Element>(values: &[T]) -> Vec<u64> {
    values.iter().map(|x| x.widen().to_bits()).collect()
}

const RULES: [&str; 8] = [
    "mean",
    "median",
    "winsorized:2",
    "winsorized:7%:interpolated",
    "trimmed:20",
    "median-of-means:3",
    "mean-around-median:2",
    "sign-majority",
];

fn check<T: Element + Value>(n: usize, d: usize) {
    let values = numbers::<T>(n * d);
    for text in RULES {
        let rule: Rule = text.parse().expect("a rule");
        let Rule::Coordinate(coordinate) = rule else { panic!("{text} is coordinate-wise") };
        let mut expected = vec![T::nan(); d];
        let kernel = Columnwise::new(coordinate, n).expect("defined");
        kernel.aggregate(&values, Policy::Error, &mut expected).expect("finite values");
        for (fortran, big) in [(false, false), (false, true), (true, false), (true, true)] {
            let matrix = npy(descr::<T>(big), fortran, &values, d);
            for threads in [1, 2, 5] {
                let found =
                    aggregate::<T>(&matrix, rule, Policy::Error, threads).expect("a result");
                let context = format!("{text} of {n} × {d}, {fortran} {big} {threads}");
                assert_eq!(bits(&found), bits(&expected), "{context}");
            }
        }
    }
}

/// One block and several; all rows at once, in parts, and so many that they are counted.
#[test]
fn every_order_and_number_of_threads_gives_the_bits_of_the_kernels_in_memory() {
    for (n, d) in [(41, 3), (100, 3000), (600, 750), (4100, 60)] {
        check::<f32>(n, d);
    }
    check::<f64>(100, 1500);
}

fn check_on<T: Element + Value, D: Device<T>>(device: &D, n: usize, d: usize) {
    let values = numbers::<T>(n * d);
    for text in
        ["mean", "winsorized:2", "winsorized:10%", "trimmed:2", "median", "median-of-means:3"]
    {
        let rule: Rule = text.parse().expect("a rule");
        for fortran in [false, true] {
            let matrix = npy(descr::<T>(false), fortran, &values, d);
            let expected = aggregate::<T>(&matrix, rule, Policy::Error, 1).expect("a result");
            let found = on_device::aggregate(device, "it", &matrix, rule, Policy::Error, 2);
            for (found, expected) in found.expect("a result").iter().zip(&expected) {
                let (found, expected) = (found.widen(), expected.widen());
                let tolerance = if text == "median" { 0.0 } else { T::epsilon().widen() };
                assert!((found - expected).abs() <= tolerance, "{text}: {found}, not {expected}");
            }
        }
    }
}

/// One block and several.
#[test]
fn a_device_gives_the_results_of_the_processor() {
    for (n, d) in [(5, 3), (600, 500), (30, 300_000)] {
        check_on::<f32, _>(&Remote::default(), n, d);
    }
    check_on::<f32, _>(&Cuda::new(Host), 20, 70);
    check_on::<f64, _>(&Cuda::new(Host), 7, 50);
}

#[test]
fn what_a_device_does_not_compute_is_refused_with_the_processor_as_the_remedy() {
    let mut values = numbers::<f32>(12);
    let refused = |text: &str, values: &[f32], policy| {
        let (matrix, rule) = (npy("<f4", false, values, 3), text.parse().expect("a rule"));
        let device = Remote::default();
        let found = on_device::aggregate::<f32, _>(&device, "it", &matrix, rule, policy, 2);
        format!("{:#}", found.expect_err("refused"))
    };
    for text in ["mean-around-median:1", "krum:0"] {
        let error = refused(text, &values, Policy::Error);
        assert!(error.contains("on the processor only: take --device cpu"), "{error}");
    }
    values[7] = f32::NAN;
    for (policy, remedy) in [(Policy::Error, "choose"), (Policy::Omit, "take --device cpu")] {
        let error = refused("median", &values, policy);
        let place = "row 2, column 1 is not finite";
        assert!(error.contains(place) && error.contains(remedy), "{error}");
    }
    let error = refused("winsorized:3", &values, Policy::Error);
    assert!(error.contains("vectors") || error.contains("clip"), "{error}");
}

fn core<T: Element>(rule: AnyVectorRule, values: &[T], d: usize, policy: Policy) -> Vec<T> {
    let rows = Rows::matrix(values, d).expect("whole rows");
    rule.aggregate_to_vec(rows, policy).expect("defined")
}

/// What is computed in memory has the bits of the kernels, however the file is ordered and read.
#[test]
fn rules_around_a_centre_and_by_norms_have_the_bits_of_the_kernels() {
    let (n, d) = (23, 5000);
    let values = numbers::<f32>(n * d);
    for text in [
        "geometric-median",
        "geometric-median-of-means:5",
        "centered-clipping:20:3",
        "norm-clipping:30",
    ] {
        let rule: Rule = text.parse().expect("a rule");
        let Rule::Vector(vector) = rule else { panic!("{text} is over rows") };
        let mut scratch = ScratchBuffer::new(rule.scratch_len(n, d));
        let mut expected = vec![0.0; d];
        aggregate_rows(vector, &values, Policy::Error, scratch.as_scratch(), &mut expected)
            .unwrap();
        for (fortran, threads) in [(false, 1), (false, 3), (true, 2)] {
            let matrix = npy("<f4", fortran, &values, d);
            let found = aggregate::<f32>(&matrix, rule, Policy::Error, threads).expect("a result");
            assert_eq!(bits(&found), bits(&expected), "{text}, {fortran} {threads}");
        }
    }
}

/// Covers blocks, exact distances and the rows chosen, over several pieces of the columns.
#[test]
fn rules_by_distances_in_blocks_equal_the_cores() {
    let (n, d) = (20, 40_000);
    let mut values = numbers::<f32>(n * d);
    values[3 * d..4 * d].fill(1e20);
    let row = values[5 * d..6 * d].to_vec();
    values[9 * d..10 * d].copy_from_slice(&row);
    for text in ["krum:3", "krum:0", "multi-krum:4:7", "bulyan:4", "minimum-diameter:3"] {
        let rule: Rule = text.parse().expect("a rule");
        let Rule::Vector(vector) = rule else { panic!("{text} is over rows") };
        let expected = core(vector, &values, d, Policy::Error);
        for (fortran, threads) in [(false, 1), (false, 3), (true, 2)] {
            let matrix = npy("<f4", fortran, &values, d);
            let found = aggregate::<f32>(&matrix, rule, Policy::Error, threads).expect("a result");
            for (x, y) in found.iter().zip(&expected) {
                assert!((x - y).abs() <= 1e-6, "{text}: {x}, by the core {y}");
            }
        }
    }
    values[7 * d + 11] = f32::NAN;
    let matrix = npy("<f4", false, &values, d);
    for text in ["krum:3", "bulyan:3"] {
        let rule = text.parse().expect("a rule");
        let error = aggregate::<f32>(&matrix, rule, Policy::Error, 2).unwrap_err().to_string();
        assert!(error.contains("row 7, column 11 is not finite"), "{error}");
        let Rule::Vector(vector) = rule else { panic!("{text} is over rows") };
        let found = aggregate::<f32>(&matrix, rule, Policy::Omit, 2).expect("a result");
        assert_eq!(found, core(vector, &values, d, Policy::Omit), "{text}");
    }
}

/// The aggregate of rows scaled by a power of two is the scaled aggregate, up to the limits of `f64`.
#[test]
fn rules_hold_at_the_limits_of_f64() {
    let (n, d) = (9, 5);
    let values = numbers::<f64>(n * d);
    for text in [
        "krum:1",
        "multi-krum:1:3",
        "bulyan:1",
        "geometric-median",
        "geometric-median-of-means:4",
        "minimum-diameter:2",
        "mean",
        "trimmed:2",
        "median-of-means:4",
        "mean-around-median:2",
    ] {
        let rule: Rule = text.parse().expect("a rule");
        let aggregated = |values: &[f64]| {
            let matrix = npy("<f8", false, values, d);
            aggregate::<f64>(&matrix, rule, Policy::Error, 2).expect("a result")
        };
        let plain = aggregated(&values);
        for exponent in [1020, 660, -660, -1000] {
            let scale = 2_f64.powi(exponent);
            let found = aggregated(&values.iter().map(|x| x * scale).collect::<Vec<_>>());
            for (x, y) in found.iter().zip(&plain) {
                assert!((x / scale - y).abs() <= 1e-9, "{text} at 2^{exponent}: {x}, not {y}");
            }
        }
    }
    for (text, scaled) in [
        ("norm-clipping:0.5", "norm-clipping:0.5e200"),
        ("centered-clipping:0.5:2", "centered-clipping:0.5e200:2"),
    ] {
        let aggregated = |text: &str, scale: f64| {
            let values: Vec<f64> = values.iter().map(|x| x * scale).collect();
            let matrix = npy("<f8", false, &values, d);
            aggregate::<f64>(&matrix, text.parse().unwrap(), Policy::Error, 2).expect("a result")
        };
        for (x, y) in aggregated(scaled, 1e200).iter().zip(aggregated(text, 1.0)) {
            assert!((x / 1e200 - y).abs() <= 1e-9, "{scaled}: {x}, not {y}");
        }
    }
}

/// The sum of the rows kept may exceed `f64`, their mean does not.
#[test]
fn the_mean_of_the_largest_rows_is_a_number() {
    let values = [f64::MAX; 10];
    let matrix = npy("<f8", false, &values, 2);
    let rule = "multi-krum:0:3".parse().expect("a rule");
    assert_eq!(aggregate::<f64>(&matrix, rule, Policy::Error, 2).expect("a result"), [f64::MAX; 2]);
}

/// A Byzantine row has no say in the precision of the others, however far away it is.
#[test]
fn a_far_row_neither_decides_nor_blurs_the_others() {
    let d = 2;
    // By Krum the second; the first is the farthest from the others.
    let honest = [1.0, 1.0, 1.25, 2.0, 1.0, 2.25, 1.125, 2.125, 1.5, 2.0, 1.0, 1.75];
    for far in [1e30, 1e200, -1.7e308] {
        for scale in [1e-150, 1.0, 1e150] {
            let near: Vec<f64> = honest.iter().map(|x| x * scale).collect();
            let values = [&near[..], &[far, -far]].concat();
            for text in ["krum:1", "multi-krum:1:3", "bulyan:1", "minimum-diameter:1"] {
                let rule: Rule = text.parse().expect("a rule");
                let Rule::Vector(vector) = rule else { panic!("{text} is over rows") };
                let matrix = npy("<f8", false, &values, d);
                let found = aggregate::<f64>(&matrix, rule, Policy::Error, 2).expect("a result");
                for (x, y) in found.iter().zip(core(vector, &values, d, Policy::Error)) {
                    assert!(
                        (x - y).abs() <= 1e-12 * y.abs(),
                        "{text}, {far:e}, {scale:e}: {x} {y}"
                    );
                }
                if text == "krum:1" {
                    assert_eq!(found, near[d..2 * d], "{far:e}, {scale:e}");
                }
            }
        }
    }
}

/// A non-finite value affects only its own column, also in parts.
#[test]
fn non_finite_values_among_many_rows_give_the_cores_result() {
    let (n, d) = (5000, 3);
    let mut values = numbers::<f32>(n * d);
    (values[4000 * d + 1], values[70 * d + 1]) = (f32::NAN, f32::INFINITY);
    let matrix = npy("<f4", false, &values, d);
    for text in ["mean", "median", "winsorized:9", "sign-majority"] {
        let rule: Rule = text.parse().expect("a rule");
        let Rule::Coordinate(coordinate) = rule else { panic!("{text} is coordinate-wise") };
        for policy in [Policy::Propagate, Policy::Omit] {
            let found = aggregate::<f32>(&matrix, rule, policy, 2).expect("a result");
            let mut expected = vec![0.0; d];
            expected_columns(coordinate, &values, policy, &mut expected);
            for (x, y) in found.iter().zip(&expected) {
                assert!((x - y).abs() <= 1e-6 || (x.is_nan() && y.is_nan()), "{text}: {x} {y}");
            }
        }
        let error = aggregate::<f32>(&matrix, rule, Policy::Error, 2).unwrap_err().to_string();
        assert!(error.contains("row 70, column 1 is not finite"), "{error}");
    }
}

fn expected_columns(rule: AnyCoordinateRule, values: &[f32], policy: Policy, out: &mut [f32]) {
    let d = out.len();
    let rule = coherence_core::aggregate::Coordinatewise(rule);
    let rows = Rows::matrix(values, d).expect("whole rows");
    out.copy_from_slice(&rule.aggregate_to_vec(rows, policy).expect("defined"));
}
