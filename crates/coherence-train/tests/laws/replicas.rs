//! Coordinate-wise rules over the vectors of several workers: the bits of the rule over the gathered matrix.

use crate::workers::among;
use coherence_core::{
    aggregate::{AggregateError, AnyCoordinateRule},
    finite::{NonFinite, Policy},
};
use coherence_cpu::{Element, dense::Columnwise};
use coherence_data::random;
use coherence_train::collective::{Collective, Exchange, SharedRuleError};

/// As the command line writes them, each with the least n for which it is defined.
const RULES: [(&str, usize); 9] = [
    ("mean", 1),
    ("median", 1),
    ("trimmed:0", 1),
    ("trimmed:1", 3),
    ("winsorized:1", 2),
    ("winsorized:30%:interpolated", 1),
    ("median-of-means:2", 2),
    ("mean-around-median:1", 3),
    ("sign-majority", 1),
];

fn rule(text: &str) -> AnyCoordinateRule {
    match text.parse() {
        Ok(coherence_core::aggregate::Rule::Coordinate(rule)) => rule,
        other => panic!("{text}: {other:?}"),
    }
}

/// Rows [n, w] with ties and zeros of both signs.
fn rows<T: Element>(n: usize, w: usize, seed: u64) -> Vec<T> {
    let mut rng = random::stream(seed, "rows");
    let value = |_| T::narrow((random::normal(&mut rng) * 4.0).round() / 4.0);
    (0..n * w).map(value).collect()
}

/// What each worker has of the rows [n, w], and what it finds.
fn found<T: Element + Default>(
    prepared: &Columnwise,
    policy: Policy,
    counts: &[usize],
    rows: &[T],
) -> Vec<Result<Vec<T>, SharedRuleError>>
where
    dyn Collective: Exchange<T>,
{
    let w = rows.len() / counts.iter().sum::<usize>();
    among(counts.len(), |worker| {
        let start: usize = counts[..worker.rank()].iter().sum();
        let mut mine = rows[start * w..][..counts[worker.rank()] * w].to_vec();
        worker.aggregate(prepared, policy, counts, &mut mine, &mut Vec::new())?;
        mine.truncate(w);
        Ok(mine)
    })
}

fn check<T: Element + Default>()
where
    dyn Collective: Exchange<T>,
{
    for counts in [&[3][..], &[1, 1], &[1, 1, 1], &[1; 4], &[3, 1], &[1, 2, 5], &[2, 2, 1, 4]] {
        let n: usize = counts.iter().sum();
        let rules = RULES.into_iter().filter(|(_, least)| *least <= n);
        for (text, w) in rules.flat_map(|(text, _)| [(text, 1), (text, 3), (text, 2501)]) {
            let prepared = Columnwise::new(rule(text), n).unwrap();
            let rows = rows::<T>(n, w, (n * w) as u64);
            let mut expected = vec![T::default(); w];
            prepared.aggregate(&rows, Policy::Error, &mut expected).unwrap();
            let bits =
                |values: &[T]| values.iter().map(|x| x.widen().to_bits()).collect::<Vec<_>>();
            for found in found(&prepared, Policy::Error, counts, &rows) {
                assert_eq!(bits(&found.unwrap()), bits(&expected), "{text} of {counts:?}, {w}");
            }
        }
    }
}

#[test]
fn a_rule_over_the_rows_of_one_to_four_workers_has_the_bits_of_the_gathered_matrix() {
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_value_that_is_not_finite_is_refused_by_all_and_located_where_it_is_combined() {
    let (counts, w) = ([1, 2, 1], 10);
    let mut rows = rows::<f32>(4, w, 1);
    rows[2 * w + 4] = f32::NAN; // the second row of worker 1, in the block of worker 1: 3..6
    let median = Columnwise::new(rule("median"), 4).unwrap();
    let located = AggregateError::NonFinite(NonFinite { index: 2 * w + 4 });
    assert_eq!(
        found(&median, Policy::Error, &counts, &rows),
        [
            Err(SharedRuleError::Elsewhere(1)),
            Err(SharedRuleError::Rule(located)),
            Err(SharedRuleError::Elsewhere(1)),
        ]
    );
    let mut expected = vec![0.0; w];
    median.aggregate(&rows, Policy::Omit, &mut expected).unwrap();
    for found in found(&median, Policy::Omit, &counts, &rows) {
        assert_eq!(found.unwrap(), expected);
    }
}
