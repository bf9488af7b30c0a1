//! Calls with buffers of the length the rules ask for.

use coherence_core::aggregate::{AggregateError, CoordinateRule, Rows, Rule, Scratch, VectorRule};
use coherence_core::finite::Policy;

/// The rule over a view, with values that are not finite carried along.
pub(crate) fn aggregate(
    rule: &impl VectorRule<f64>,
    rows: Rows<'_, f64>,
) -> Result<Vec<f64>, AggregateError> {
    aggregate_with(rule, rows, Policy::Propagate)
}

/// The rule over a view, in scratch that holds rubbish.
pub(crate) fn aggregate_with(
    rule: &impl VectorRule<f64>,
    rows: Rows<'_, f64>,
    policy: Policy,
) -> Result<Vec<f64>, AggregateError> {
    let needed = rule.scratch_len(rows.len(), rows.dim());
    let (mut values, mut indices) =
        (vec![f64::NAN; needed.values], vec![usize::MAX; needed.indices]);
    let mut out = vec![f64::NAN; rows.dim()];
    let scratch = Scratch { values: &mut values, indices: &mut indices };
    rule.aggregate(rows, policy, scratch, &mut out)?;
    Ok(out)
}

/// The rule over owned rows [n, d], d ≥ 1.
pub(crate) fn of(rule: &impl VectorRule<f64>, rows: &[Vec<f64>]) -> Vec<f64> {
    with_rows(rows, |view| aggregate(rule, view)).expect("a domain that holds")
}

/// A rule over values of a coordinate for which it is defined, NaN and ±∞ carried along.
pub(crate) fn value<T: num_traits::Float>(rule: &impl CoordinateRule<T>, values: &[T]) -> T {
    rule.aggregate(&mut values.to_vec(), Policy::Propagate).expect("a domain that holds")
}

/// A view of owned rows.
pub(crate) fn with_rows<R>(rows: &[Vec<f64>], then: impl FnOnce(Rows<'_, f64>) -> R) -> R {
    let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    then(Rows::slices(&slices).expect("rows of one length"))
}

/// A rule from its text.
pub(crate) fn rule(text: &str) -> Rule {
    text.parse().expect("a rule")
}

/// Whether two vectors agree within `tolerance`, absolutely.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (x, y) in found.iter().zip(expected) {
        assert!((x - y).abs() <= tolerance, "found {found:?}, expected {expected:?}");
    }
}
