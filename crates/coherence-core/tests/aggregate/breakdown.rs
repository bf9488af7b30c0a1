//! What each rule tolerates: with every number of Byzantine vectors up to the one promised, its bound holds
//! whatever these are; with more, a constructed attack carries the result away.

use coherence_core::aggregate::*;
use coherence_core::finite::Policy;
use coherence_tests::naive;
use proptest::prelude::*;

use crate::support::{aggregate_with, rule, with_rows};

type Vectors = Vec<Vec<f64>>;
/// Whether a result is within what a rule promises: honest vectors, number of Byzantine ones, result.
type Bound = fn(&Vectors, usize, &[f64]) -> bool;

/// A rule by the f that it is to tolerate and the n that this needs.
struct Promise {
    rule: fn(f: usize) -> String,
    n: fn(f: usize) -> usize,
    bound: Bound,
    /// Whether infinities may be carried along, and not only left out.
    orders_infinities: bool,
    /// The number of Byzantine vectors with which the attack succeeds.
    attack: fn(f: usize) -> usize,
}

/// Rounding, and the tolerance of iterations.
const SLACK: f64 = 1e-6;

fn diameter(honest: &Vectors) -> f64 {
    let distances = honest.iter().flat_map(|a| honest.iter().map(|b| naive::distance(a, b)));
    distances.fold(0.0, f64::max)
}

/// In each coordinate within the honest range, widened by `more` times it and by `by`.
fn in_range(honest: &Vectors, result: &[f64], more: f64, by: f64) -> bool {
    result.iter().enumerate().all(|(j, x)| {
        let column = naive::aggregate::sorted(&honest.iter().map(|row| row[j]).collect::<Vec<_>>());
        let (lo, hi) = (column[0], column[column.len() - 1]);
        let slack = more * (hi - lo) + by + SLACK;
        lo - slack <= *x && *x <= hi + slack
    })
}

fn range(honest: &Vectors, _bad: usize, result: &[f64]) -> bool {
    in_range(honest, result, 0.0, 0.0)
}

fn widened_range(honest: &Vectors, _bad: usize, result: &[f64]) -> bool {
    in_range(honest, result, 1.0, 0.0)
}

/// Two steps of radius 3 from the median.
fn clipped_range(honest: &Vectors, _bad: usize, result: &[f64]) -> bool {
    in_range(honest, result, 0.0, 6.0)
}

fn signs(honest: &Vectors, bad: usize, result: &[f64]) -> bool {
    let signs: Vectors = honest
        .iter()
        .map(|row| row.iter().map(|&x| naive::aggregate::sign_majority(&[x])).collect())
        .collect();
    result.iter().all(|x| x.abs() <= 1.0)
        && (0..result.len()).all(|j| {
            let honest_majority = signs.iter().map(|row| row[j]).sum::<f64>();
            honest_majority.abs() <= bad as f64 || result[j] == honest_majority.signum()
        })
}

/// Bound 2 of the geometric median, from the first honest vector.
fn ball(honest: &Vectors, bad: usize, result: &[f64]) -> bool {
    let share = bad as f64 / honest.len() as f64;
    naive::distance(&honest[0], result) <= diameter(honest) / (1.0 - share * share).sqrt() + SLACK
}

/// The same for the means of 2·bad + 1 groups.
fn ball_of_means(honest: &Vectors, bad: usize, result: &[f64]) -> bool {
    let share = bad as f64 / (bad + 1) as f64;
    naive::distance(&honest[0], result) <= diameter(honest) / (1.0 - share * share).sqrt() + SLACK
}

/// Within Krum's bound of an honest vector, hence that and the diameter from the first.
fn near_an_honest_one(honest: &Vectors, _bad: usize, result: &[f64]) -> bool {
    let neighbors = (honest.len() - 2) as f64;
    naive::distance(&honest[0], result) <= diameter(honest) * (1.0 + neighbors.sqrt()) + SLACK
}

fn within_two_diameters(honest: &Vectors, _bad: usize, result: &[f64]) -> bool {
    naive::distance(&honest[0], result) <= 2.0 * diameter(honest) + SLACK
}

fn promises() -> Vec<Promise> {
    let promise = |rule, n, bound: Bound, orders_infinities, attack| Promise {
        rule,
        n,
        bound,
        orders_infinities,
        attack,
    };
    vec![
        promise(|f| format!("winsorized:{f}"), |f| 2 * f + 1, range, true, |f| f + 1),
        promise(|f| format!("winsorized:{f}"), |f| 2 * f + 4, range, true, |f| f + 1),
        promise(
            |f| format!("winsorized:{}%:truncated", 100.0 * (f as f64 + 0.5) / (3 * f + 2) as f64),
            |f| 3 * f + 2,
            range,
            true,
            |f| f + 1,
        ),
        promise(
            |f| format!("winsorized:{}%:interpolated", 100.0 * f as f64 / (3 * f + 1) as f64),
            |f| 3 * f + 2,
            range,
            true,
            |f| f + 1,
        ),
        promise(|f| format!("trimmed:{f}"), |f| 2 * f + 1, range, true, |f| f + 1),
        promise(|f| format!("trimmed:{f}"), |f| 2 * f + 4, range, true, |f| f + 1),
        promise(|_| "median".into(), |f| 2 * f + 1, range, true, |f| f + 1),
        promise(|_| "median".into(), |f| 2 * f + 2, range, true, |f| f + 1),
        promise(
            |f| format!("median-of-means:{}", 2 * f + 1),
            |f| 2 * f + 1,
            range,
            true,
            |f| f + 1,
        ),
        promise(
            |f| format!("mean-around-median:{f}"),
            |f| 2 * f + 1,
            widened_range,
            true,
            |f| f + 1,
        ),
        promise(
            |f| format!("mean-around-median:{f}"),
            |f| 2 * f + 3,
            widened_range,
            true,
            |f| f + 1,
        ),
        promise(|_| "sign-majority".into(), |f| 2 * f + 1, signs, true, |f| f + 1),
        promise(|_| "geometric-median".into(), |f| 2 * f + 1, ball, false, |f| f + 1),
        promise(|_| "geometric-median".into(), |f| 2 * f + 4, ball, false, |f| f + 2),
        promise(
            |f| format!("geometric-median-of-means:{}", 2 * f + 1),
            |f| 2 * f + 1,
            ball_of_means,
            false,
            |f| f + 1,
        ),
        // By the proof in its documentation Krum is bounded with f + 1 Byzantine vectors too; f + 2 copies win.
        promise(|f| format!("krum:{f}"), |f| 2 * f + 3, near_an_honest_one, true, |f| f + 2),
        promise(
            |f| format!("multi-krum:{f}:{}", f + 3),
            |f| 2 * f + 3,
            near_an_honest_one,
            true,
            |f| f + 2,
        ),
        // Copies that are the majority of the chosen.
        promise(|f| format!("bulyan:{f}"), |f| 4 * f + 3, widened_range, true, |f| 3 * f + 2),
        promise(
            |f| format!("minimum-diameter:{f}"),
            |f| 2 * f + 1,
            within_two_diameters,
            true,
            |f| f + 1,
        ),
        promise(
            |f| format!("minimum-diameter:{f}"),
            |f| 2 * f + 3,
            within_two_diameters,
            true,
            |f| f + 1,
        ),
        promise(|_| "centered-clipping:3:2".into(), |f| 2 * f + 1, clipped_range, false, |f| f + 1),
    ]
}

/// Byzantine vectors: far, infinite, not numbers, copies of an honest one, colluding near and far.
fn adversaries(honest: &Vectors, bad: usize) -> Vec<Vectors> {
    let d = honest[0].len();
    let all = |x: f64| vec![vec![x; d]; bad];
    let each = |x: fn(usize) -> f64| (0..bad).map(|i| vec![x(i); d]).collect();
    let at_the_edge = |x: f64| {
        let edge =
            (0..d).map(|j| honest.iter().map(|row| row[j]).fold(f64::NEG_INFINITY, f64::max) + x);
        vec![edge.collect(); bad]
    };
    vec![
        all(1e30),
        all(-1e30),
        each(|i| if i % 2 == 0 { 1e30 } else { -1e30 }),
        each(|i| 1e30 * (i + 1) as f64),
        all(f64::INFINITY),
        all(f64::NEG_INFINITY),
        each(|i| if i % 2 == 0 { f64::INFINITY } else { f64::NEG_INFINITY }),
        all(f64::NAN),
        each(|i| [f64::NAN, 1e30, f64::INFINITY][i % 3]),
        vec![honest[0].clone(); bad],
        at_the_edge(0.5),
        at_the_edge(30.0),
    ]
}

/// A promise is kept against every adversary, under every policy that lets it compute.
fn check_promise(promise: &Promise, f: usize, bad: usize, honest: &Vectors, turn: usize) {
    let rule = rule(&(promise.rule)(f));
    let n = honest.len() + bad;
    assert!(rule.tolerates(n) >= bad, "{rule} for {n}");
    for attack in adversaries(honest, bad) {
        let mut rows = [attack.clone(), honest.clone()].concat();
        rows.rotate_left(turn % n);
        let any = |pick: fn(f64) -> bool| attack.iter().flatten().any(|x| pick(*x));
        let finite = !any(|x| !x.is_finite());
        let run = |policy| with_rows(&rows, |view| aggregate_with(&rule, view, policy));
        let check = |policy| {
            let result = match run(policy) {
                // What is left after omitting may be too little for the rule's count.
                Err(AggregateError::TooFew { .. }) if policy == Policy::Omit && !finite => return,
                result => result.unwrap_or_else(|error| panic!("{rule}: {error}")),
            };
            assert!(
                (promise.bound)(honest, bad, &result),
                "{rule} {policy:?} {rows:?}: {result:?}"
            );
        };
        check(Policy::Omit);
        if finite || promise.orders_infinities && !any(f64::is_nan) {
            check(Policy::Propagate);
        }
        let first = rows.concat().iter().position(|x| !x.is_finite());
        let refused = match run(Policy::Error) {
            Err(AggregateError::NonFinite(error)) => Some(error.index),
            other => other.map(|_| None).expect("no other error"),
        };
        assert_eq!(refused, first, "{rule}");
    }
}

proptest! {
    // Each case is about 700 aggregations: all rules, adversaries, counts and policies.
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn every_rule_tolerates_as_many_byzantine_vectors_as_it_promises(
        values in prop::collection::vec(prop_oneof![4 => -10.0..10.0f64, 1 => Just(1.0), 1 => Just(0.0)], 60),
        d in 1..4usize, f in 1..4usize, which in 0..21usize, turn in 0..20usize,
    ) {
        let promises = promises();
        let promise = &promises[which % promises.len()];
        let n = (promise.n)(f);
        for bad in 1..=f {
            let honest = values.chunks(d).cycle().take(n - bad).filter(|row| row.len() == d);
            let mut honest: Vectors = honest.map(<[f64]>::to_vec).collect();
            honest.resize(n - bad, vec![0.5; d]);
            check_promise(promise, f, bad, &honest, turn);
        }
    }
}

#[test]
fn with_more_byzantine_vectors_an_attack_succeeds() {
    for (promise, f) in promises().iter().flat_map(|promise| (1..4).map(move |f| (promise, f))) {
        let (rule, n, bad) = (rule(&(promise.rule)(f)), (promise.n)(f), (promise.attack)(f));
        let honest: Vectors = (0..n - bad).map(|i| vec![1.0 + 0.1 * i as f64, 2.0]).collect();
        // Copies far away, on the other side of zero.
        let rows = [vec![vec![-1e12, -1e12]; bad], honest.clone()].concat();
        let result = with_rows(&rows, |view| aggregate_with(&rule, view, Policy::Error)).unwrap();
        let sign_turned = result == [-1.0, -1.0];
        let carried_away = result[1] < -1e9;
        assert!(sign_turned || carried_away, "{rule}, n = {n}: {bad} copies give {result:?}");
    }
}

#[test]
fn tolerates_is_the_number_promised() {
    for (promise, f) in promises().iter().flat_map(|promise| (1..6).map(move |f| (promise, f))) {
        let (rule, n) = (rule(&(promise.rule)(f)), (promise.n)(f));
        let expected = if (promise.rule)(f) == "geometric-median" { (n - 1) / 2 } else { f };
        assert_eq!(rule.tolerates(n), expected, "{rule}, n = {n}");
    }
    for text in ["mean", "norm-clipping:1"] {
        assert_eq!(rule(text).tolerates(9), 0);
    }
    assert_eq!(Coordinatewise(Trimmed { trim: 2 }).tolerates(9), 2);
}

#[test]
fn no_rule_promises_more_than_its_domain() {
    for n in 0..12usize {
        let middle = n.saturating_sub(1) / 2;
        let undefined = [
            "winsorized:9",
            "trimmed:9",
            "mean-around-median:9",
            "minimum-diameter:9",
            "median-of-means:99",
            "geometric-median-of-means:99",
            "krum:9",
            "multi-krum:1:99",
            "bulyan:9",
        ];
        for text in undefined {
            assert!(rule(text).check(n).is_err(), "{text}, n = {n}");
            assert_eq!(rule(text).tolerates(n), 0, "{text}, n = {n}");
        }
        for text in [
            "median",
            "sign-majority",
            "geometric-median",
            "centered-clipping:1:1",
            "winsorized:50%",
            "winsorized:50%:interpolated",
        ] {
            assert_eq!(rule(text).tolerates(n), middle, "{text}, n = {n}");
        }
        assert_eq!(rule("median-of-means:3").tolerates(n), usize::from(n >= 3));
        assert_eq!(rule("geometric-median-of-means:3").tolerates(n), usize::from(n >= 3));
    }
}

#[test]
fn norm_clipping_is_bounded_by_its_limit_whatever_comes() {
    let rows = vec![vec![1e300, 0.0], vec![0.0, 1e200], vec![0.5, 0.5]];
    let result =
        with_rows(&rows, |view| aggregate_with(&rule("norm-clipping:1"), view, Policy::Error))
            .unwrap();
    assert!(naive::sq_norm(&result) <= 1.0);
}
