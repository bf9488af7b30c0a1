//! Rules on dense matrices: the laws of the core, rows in parts, many rows, and values at the limits
//! of the element type.

mod naive;

use coherence_core::aggregate::{
    AggregateError, AnyCoordinateRule, AnyVectorRule, Coordinatewise, Krum, MultiKrum,
    Requirements, Rows, Rule, VectorRule,
};
use coherence_core::finite::Policy;
use coherence_cpu::dense::{Columnwise, KrumChoice, gram, krum, multi_krum};
use coherence_cpu::{Element, Isa};
use naive::Rng;

fn rule(text: &str) -> AnyCoordinateRule {
    match text.parse() {
        Ok(Rule::Coordinate(rule)) => rule,
        other => panic!("{text}: {other:?}"),
    }
}

fn flat<T: Element>(rows: &[Vec<f64>]) -> Vec<T> {
    rows.iter().flatten().map(|&x| T::narrow(x)).collect()
}

fn columnwise<T: Element>(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let mut out = vec![T::nan(); rows.first().map_or(0, Vec::len)];
    Columnwise::new(rule(text), rows.len())
        .and_then(|rule| rule.aggregate(&flat::<T>(rows), Policy::Error, &mut out))
        .map_err(|error| error.to_string())?;
    Ok(out.into_iter().map(T::widen).collect())
}

coherence_tests::rule_laws!(
    columns_in_single_precision,
    coherence_tests::laws::rules::BY_COORDINATE,
    1e-6,
    columnwise::<f32>
);

coherence_tests::rule_laws!(
    columns_in_double_precision,
    coherence_tests::laws::rules::BY_COORDINATE,
    1e-14,
    columnwise::<f64>
);

fn krum_of<T: Element>(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let n = rows.len();
    let kept = match text.parse().expect("a rule") {
        Rule::Vector(AnyVectorRule::Krum(rule)) => rule
            .check(n)
            .and_then(|()| krum(Isa::detect(), &flat::<T>(rows), n, rule.f))
            .map(|row| vec![row]),
        Rule::Vector(AnyVectorRule::MultiKrum(rule)) => {
            rule.check(n).and_then(|()| multi_krum(Isa::detect(), &flat::<T>(rows), n, rule))
        }
        other => panic!("{other}"),
    };
    let kept = kept.map_err(|error| error.to_string())?;
    let mean = |j: usize| kept.iter().map(|&row| rows[row][j]).sum::<f64>() / kept.len() as f64;
    Ok((0..rows[0].len()).map(mean).collect())
}

coherence_tests::rule_laws!(
    krum_in_single_precision,
    ["krum", "multi-krum"],
    1e-14,
    krum_of::<f32>
);
coherence_tests::rule_laws!(
    krum_in_double_precision,
    ["krum", "multi-krum"],
    1e-14,
    krum_of::<f64>
);

/// The core's rule applied to every column.
fn by_core<T: Element>(rule: AnyCoordinateRule, rows: &[T], d: usize, policy: Policy) -> Vec<T> {
    try_by_core(rule, rows, d, policy).expect("a rule that is defined")
}

fn try_by_core<T: Element>(
    rule: AnyCoordinateRule,
    rows: &[T],
    d: usize,
    policy: Policy,
) -> Result<Vec<T>, AggregateError> {
    Coordinatewise(rule).aggregate_to_vec(Rows::matrix(rows, d).expect("whole rows"), policy)
}

#[track_caller]
fn assert_close<T: Element>(
    found: &[T],
    expected: &[T],
    rows: &[T],
    tolerance: f64,
    context: &str,
) {
    let d = found.len();
    for j in 0..d {
        let column = rows.iter().skip(j).step_by(d).map(|x| x.widen().abs());
        let slack = tolerance * column.fold(0.0, f64::max);
        let (x, y) = (found[j].widen(), expected[j].widen());
        let same = x == y || (x.is_nan() && y.is_nan());
        assert!(same || (x - y).abs() <= slack, "{context}, column {j}: {x}, by the core {y}");
    }
}

const RULES: [&str; 14] = [
    "mean",
    "median",
    "winsorized:1",
    "winsorized:30",
    "winsorized:15%",
    "winsorized:7%:interpolated",
    "winsorized:50%:interpolated",
    "trimmed:1",
    "trimmed:30",
    "median-of-means:3",
    "median-of-means:8",
    "mean-around-median:0",
    "mean-around-median:29",
    "sign-majority",
];

fn bits<T: Element>(values: &[T]) -> Vec<u64> {
    values.iter().map(|x| x.widen().to_bits()).collect()
}

/// Checks the result of all rows at once, of rows in parts where supported, and on every instruction
/// set.
fn check<T: Element>(rows: &[T], n: usize, tolerance: f64) {
    let d = rows.len() / n;
    for text in RULES {
        let context = format!("{text} of {n} × {d}");
        let Ok(whole) = Columnwise::new(rule(text), n) else { continue };
        let mut out = vec![T::nan(); d];
        whole.aggregate(rows, Policy::Error, &mut out).expect("finite values");
        let expected = by_core(rule(text), rows, d, Policy::Error);
        assert_close(&out, &expected, rows, tolerance, &context);
        let mut here = vec![T::nan(); d];
        whole.aggregate_here(rows, Policy::Error, &mut here).expect("finite values");
        assert_eq!(bits(&here), bits(&out), "{context} on one thread");
        for &isa in Isa::available() {
            let whole = Columnwise::with_isa(isa, rule(text), n).expect("defined");
            whole.aggregate(rows, Policy::Error, &mut here).expect("finite values");
            assert_eq!(bits(&here), bits(&out), "{context} by {isa:?}");
        }
        for height in [1, 3, 64, n] {
            let Some(mut parts) = whole.parts::<T>(d, Policy::Error) else { continue };
            assert!(whole.part_state::<T>().is_some());
            while parts.needs_pass() {
                rows.chunks(height * d).for_each(|part| parts.add(part).expect("finite values"));
                parts.end_pass();
            }
            for absent in parts.finish(&mut here) {
                let column = rows.iter().skip(absent).step_by(d).map(|x| x.widen());
                here[absent] = whole
                    .column(&mut column.collect::<Vec<_>>(), Policy::Error)
                    .expect("finite values");
            }
            assert_eq!(bits(&here), bits(&out), "{context} in parts of {height} rows");
        }
    }
}

#[test]
fn parts_blocks_and_instruction_sets_give_the_same_bits() {
    let mut rng = Rng::new(7);
    for (n, d) in [(1, 3), (2, 1), (60, 37), (61, 5), (100, 1030), (600, 4)] {
        let rows = rng.normals(n * d);
        check(&rows, n, 1e-6);
        check(&rows.iter().map(|&x| f64::from(x) / 3.0).collect::<Vec<_>>(), n, 1e-14);
    }
}

#[test]
fn many_rows_are_counted_and_have_the_same_order_statistics() {
    let mut rng = Rng::new(8);
    for (n, d) in [(4096, 3), (4097, 3), (5001, 2)] {
        let mut rows = rng.normals(n * d);
        rows.iter_mut().step_by(3).for_each(|x| *x = (*x * 2.0).round() / 2.0); // ties and zeros
        check(&rows, n, 1e-6);
        check(&rows.iter().map(|&x| f64::from(x) / 3.0).collect::<Vec<_>>(), n, 1e-13);
    }
}

#[test]
fn non_finite_values_give_the_cores_result() {
    let (n, d) = (61, 9);
    let mut rows = Rng::new(9).normals(n * d);
    for (row, column, x) in
        [(3, 1, f32::NAN), (0, 4, f32::INFINITY), (60, 4, f32::NEG_INFINITY), (7, 8, f32::INFINITY)]
    {
        rows[row * d + column] = x;
    }
    for text in RULES {
        let whole = Columnwise::new(rule(text), n).expect("defined");
        let mut out = vec![0.0; d];
        for policy in [Policy::Propagate, Policy::Omit] {
            // Without two of its 61 values a column has too few for a rule that clips 30.
            let found = whole.aggregate(&rows, policy, &mut out);
            let expected = try_by_core(rule(text), &rows, d, policy);
            assert_eq!(found.as_ref().err(), expected.as_ref().err(), "{text} under {policy:?}");
            let Ok(expected) = expected else { continue };
            let finite: Vec<f32> =
                rows.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect();
            assert_close(&out, &expected, &finite, 1e-6, text);
        }
        let error = whole.aggregate(&rows, Policy::Error, &mut out).unwrap_err();
        assert!(error.to_string().contains(&format!("value {} is not finite", 4)), "{error}");
    }
}

/// Sums of these values exceed the element type, though the rule's result does not.
#[test]
fn values_at_the_limits_of_the_element_type_give_the_cores_result() {
    let mut rng = Rng::new(10);
    let (n, d) = (60, 19);
    for scale in [f64::MAX, 1e200, 1e-200, f64::MIN_POSITIVE] {
        let rows: Vec<f64> = (0..n * d).map(|_| (rng.uniform() * 2.0 - 1.0) * scale).collect();
        check(&rows, n, 1e-14);
    }
    for scale in [f32::MAX, f32::MIN_POSITIVE] {
        let rows: Vec<f32> =
            (0..n * d).map(|_| (rng.uniform() * 2.0 - 1.0) as f32 * scale).collect();
        check(&rows, n, 1e-6);
    }
}

/// Of three rows two have the same score, each other's distance, and the earlier is taken without computing it.
/// More rows need the distances of pairs that may be near, and no others.
#[test]
fn krum_asks_only_for_distances_that_may_decide() {
    let choice = |rows: &[f32], n, rule| {
        KrumChoice::from_gram::<f32>(rule, &gram(rows, n), n, rows.len() / n)
    };
    let krum = |f| MultiKrum { f, keep: 1 };
    for rows in [[1.0f32, 5.0, 1.5], [5.0, 1.0, 1.5], [1.0, 1.5, 5.0], [2.0, 2.0, 2.0]] {
        let choice = choice(&rows, 3, krum(0));
        let may_tie = usize::from(rows == [2.0; 3]) * 3;
        assert_eq!(choice.pairs().len(), may_tie, "{rows:?}");
        let expected =
            Krum { f: 0 }.aggregate_to_vec(Rows::matrix(&rows, 1).unwrap(), Policy::Error);
        assert_eq!(rows[choice.decide(&vec![0.0; may_tie])[0]], expected.unwrap()[0], "{rows:?}");
    }
    // The two rows of 1 have equal scores, of three neighbours each: 0, 2 and each other.
    let rows = [0.0f32, 1.0, 2.0, 1.0, 10.5, 11.0, 50.0];
    let choice = choice(&rows, 7, MultiKrum { f: 2, keep: 1 });
    assert_eq!(choice.pairs(), [[0, 1], [0, 3], [1, 2], [1, 3], [2, 3]]);
}

/// Distances decide where the Gram matrix cannot distinguish rows or overflows.
#[test]
fn krum_equals_the_cores_where_the_gram_matrix_cannot_decide() {
    let mut rng = Rng::new(11);
    let (n, d) = (15, 40);
    for (offset, spread) in [(0.0, 1.0), (1e4, 1.0), (1e6, 0.5), (0.0, 1e25), (0.0, 1e-30)] {
        let mut rows: Vec<f32> =
            (0..n * d).map(|_| (offset + spread * f64::from(rng.normal())) as f32).collect();
        rows[..d].fill(1e30); // Byzantine
        let repeated = rows[2 * d..3 * d].to_vec();
        rows[5 * d..6 * d].copy_from_slice(&repeated);
        for (f, keep) in [(1, 1), (3, 4), (6, 9)] {
            let rule = MultiKrum { f, keep };
            let kept = multi_krum(Isa::detect(), &rows, n, rule).expect("defined");
            for &isa in Isa::available() {
                assert_eq!(multi_krum(isa, &rows, n, rule).as_ref(), Ok(&kept), "{isa:?}");
            }
            let view = Rows::matrix(&rows, d).expect("whole rows");
            let expected = rule.aggregate_to_vec(view, Policy::Error).expect("defined");
            for (j, x) in expected.iter().enumerate() {
                let sum: f64 = kept.iter().map(|&row| f64::from(rows[row * d + j])).sum();
                let mean = (sum / keep as f64) as f32;
                assert!((x - mean).abs() <= 1e-6 * mean.abs(), "{offset} {spread} {f} {keep}: {j}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let rows = Rng::new(12).normals(100 * 3000);
    for text in RULES {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![0.0; 3000];
            let rule = Columnwise::new(rule(text), 100).expect("defined");
            pool.install(|| rule.aggregate(&rows, Policy::Error, &mut out)).expect("finite");
            bits(&out)
        };
        assert_eq!(on(1), on(3), "{text}");
    }
}

/// Of thousands of values that are close to each other a few in the middle are kept: sorted, counted, and at the limits of
/// a type. Values far beyond those on either side change nothing.
#[test]
fn a_trimmed_mean_of_few_values_is_as_exact_as_these_are_close() {
    fn check<T: Element>(n: usize, trim: usize, center: f64) {
        let mut rng = Rng::new(n as u64);
        let d = 40;
        let values: Vec<T> = (0..n * d)
            .map(|at| match at / d {
                0 => T::narrow(-1e6 * center),
                1 => T::narrow(1e6 * center),
                _ => T::narrow(center * (1.0 + 1e-4 * f64::from(rng.normal()))),
            })
            .collect();
        let mut out = vec![T::nan(); d];
        let columns = Columnwise::new(rule(&format!("trimmed:{trim}")), n).unwrap();
        columns.aggregate(&values, Policy::Error, &mut out).unwrap();
        for (j, out) in out.into_iter().enumerate() {
            let mut column: Vec<f64> = (0..n).map(|e| values[e * d + j].widen()).collect();
            column.sort_by(f64::total_cmp);
            let kept = &column[trim..n - trim];
            let (low, high) = (kept[0], kept[kept.len() - 1]);
            let mean = low + kept.iter().map(|x| x - low).sum::<f64>() / kept.len() as f64;
            let rounding = T::epsilon().widen() * center;
            let found = out.widen();
            assert!((low..=high).contains(&found), "{n} {trim}: {found} in {low} to {high}");
            assert!(
                (found - mean).abs() <= rounding + 1e-6 * (high - low),
                "{n} {trim}: {found}, {mean}"
            );
        }
    }
    for (n, trim) in [(20, 8), (400, 190), (1001, 499), (4000, 1990), (5000, 2490)] {
        check::<f32>(n, trim, 10.0);
        check::<f64>(n, trim, 10.0);
        check::<f32>(n, trim, 1e31);
    }
}

/// Sums of eight values exceed the type in some columns: their neighbours keep their bits.
#[test]
fn a_column_at_the_limits_of_its_type_changes_no_bit_of_its_neighbours() {
    let (n, d) = (60, 32);
    let mut rng = Rng::new(5);
    let values = rng.normals(n * d);
    let mut beside = values.clone();
    for row in beside.chunks_exact_mut(d) {
        row[7] *= 1e38;
    }
    for text in ["winsorized:3", "trimmed:3", "trimmed:28"] {
        let columns = Columnwise::new(rule(text), n).unwrap();
        let [alone, beside] = [&values, &beside].map(|values| {
            let mut out = vec![0.0; d];
            columns.aggregate(values, Policy::Error, &mut out).unwrap();
            out
        });
        assert!(beside.iter().all(|x| x.is_finite()), "{text}");
        for j in (0..d).filter(|&j| j != 7) {
            assert_eq!(alone[j].to_bits(), beside[j].to_bits(), "{text}, column {j}");
        }
    }
}
