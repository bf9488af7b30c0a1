//! Rules around a centre and by norms, over several blocks of columns, against the core's own loops.

mod naive;

use coherence_core::{
    aggregate::{
        AggregateError, AnyVectorRule, Requirements, Rows, Rule, ScratchBuffer, VectorRule,
    },
    finite::{NonFinite, Policy},
};
use coherence_cpu::{Element, dense::aggregate_rows};
use naive::Rng;

const RULES: [&str; 6] = [
    "geometric-median",
    "geometric-median-of-means:3",
    "centered-clipping:60:3",
    "centered-clipping:0:2",
    "norm-clipping:40",
    "norm-clipping:0",
];

fn vector_rule(text: &str) -> AnyVectorRule {
    let Ok(Rule::Vector(rule)) = text.parse() else { panic!("{text} is over rows") };
    rule
}

fn by_rows<T: Element>(
    text: &str,
    rows: &[T],
    d: usize,
    policy: Policy,
) -> Result<Vec<T>, AggregateError> {
    let rule = vector_rule(text);
    let mut scratch = ScratchBuffer::new(rule.scratch_len(rows.len() / d, d));
    let mut out = vec![T::nan(); d];
    aggregate_rows(rule, rows, policy, scratch.as_scratch(), &mut out).map(|()| out)
}

fn by_core<T: Element>(text: &str, rows: &[T], d: usize, policy: Policy) -> Vec<T> {
    vector_rule(text).aggregate_to_vec(Rows::matrix(rows, d).unwrap(), policy).unwrap()
}

/// The result is the core's within `tolerance`, NaN where it is NaN.
#[track_caller]
fn check<T: Element>(text: &str, rows: &[T], d: usize, policy: Policy, tolerance: f64) {
    let found = by_rows(text, rows, d, policy).unwrap();
    for (x, y) in found.iter().zip(by_core(text, rows, d, policy)) {
        let (x, y) = (x.widen(), y.widen());
        let is_close = (x - y).abs() <= tolerance || (x.is_nan() && y.is_nan());
        assert!(is_close, "{text} of {} × {d}: {x}, by the core {y}", rows.len() / d);
    }
}

#[test]
fn rules_over_several_blocks_of_columns_equal_the_cores() {
    let mut rng = Rng::new(1);
    for (n, d) in [(3, 5000), (7, 2048), (12, 2049), (33, 4100)] {
        let mut rows = rng.normals(n * d);
        rows[..d].fill(1e20);
        let wide: Vec<f64> = rows.iter().map(|&x| f64::from(x) / 3.0).collect();
        for text in RULES {
            check(text, &rows, d, Policy::Error, 1e-5);
            check(text, &wide, d, Policy::Error, 1e-8);
        }
    }
}

#[test]
fn a_median_that_is_a_row_is_that_row() {
    let (n, d) = (5, 3000);
    let row = Rng::new(2).normals(d);
    let mut rows = Rng::new(3).normals(n * d);
    for i in [1, 2, 4] {
        rows[i * d..][..d].copy_from_slice(&row);
    }
    assert_eq!(by_rows("geometric-median", &rows, d, Policy::Error), Ok(row));
}

/// Rows of all magnitudes, and one whose norm is beyond `f64`.
#[test]
fn numbers_at_the_limits_of_f64_have_the_results_of_the_core() {
    let d = 6;
    let honest: Vec<f64> = Rng::new(4).normals(8 * d).into_iter().map(f64::from).collect();
    for scale in [1e-300, 1e-160, 1.0, 1e160, 1e300] {
        let mut rows: Vec<f64> = honest.iter().map(|x| x * scale).collect();
        for far in [1.0, 1e-170, 1e170, f64::MAX] {
            rows[..d].fill(far);
            for text in [
                "geometric-median".to_owned(),
                "geometric-median-of-means:3".to_owned(),
                format!("centered-clipping:{:e}:2", 2.0 * scale),
                format!("norm-clipping:{:e}", 2.0 * scale),
            ] {
                let largest = if text.contains("means") { far.max(scale) } else { scale };
                check(&text, &rows, d, Policy::Error, 1e-9 * largest);
            }
        }
    }
}

#[test]
fn values_that_are_not_finite_are_refused_left_out_or_carried_on_as_by_the_core() {
    let (n, d) = (9, 40_000);
    let mut rows = Rng::new(5).normals(n * d);
    (rows[2 * d + 7], rows[8 * d]) = (f32::NAN, f32::INFINITY);
    for text in RULES {
        let error = by_rows(text, &rows, d, Policy::Error);
        assert_eq!(error, Err(NonFinite { index: 2 * d + 7 }.into()), "{text}");
        check(text, &rows, d, Policy::Omit, 0.0);
        check(text, &rows, d, Policy::Propagate, 0.0);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit_of_a_rule_over_rows() {
    for (n, d) in [(4, 30_000), (25, 9001)] {
        let rows = Rng::new(6).normals(n * d);
        for text in RULES {
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let out = pool.install(|| by_rows(text, &rows, d, Policy::Error)).unwrap();
                out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            assert_eq!(on(1), on(3), "{text} of {n} × {d}");
        }
    }
}
