//! No vectors, one vector, zeros, policies, and buffers of wrong lengths, for every rule.

use coherence_core::aggregate::*;
use coherence_core::finite::{NonFinite, Policy};
use coherence_tests::naive::aggregate as naive;
use proptest::prelude::*;

use crate::support::{aggregate, aggregate_with, rule, value, with_rows};

const COORDINATE: [&str; 9] = [
    "mean",
    "median",
    "winsorized:1",
    "winsorized:20%",
    "winsorized:30%:interpolated",
    "trimmed:1",
    "median-of-means:3",
    "mean-around-median:1",
    "sign-majority",
];
/// With the vectors that each needs at least.
const VECTOR: [(&str, usize); 8] = [
    ("geometric-median", 1),
    ("geometric-median-of-means:3", 3),
    ("krum:1", 5),
    ("multi-krum:1:2", 5),
    ("bulyan:1", 7),
    ("minimum-diameter:1", 3),
    ("centered-clipping:1:2", 1),
    ("norm-clipping:9", 1),
];

/// No scratch.
fn nothing() -> Scratch<'static> {
    Scratch { values: &mut [], indices: &mut [] }
}

fn coordinate_rule(text: &str) -> AnyCoordinateRule {
    match rule(text) {
        Rule::Coordinate(rule) => rule,
        Rule::Vector(_) => panic!("{text} needs whole vectors"),
    }
}

#[test]
fn no_values_are_an_error() {
    for text in COORDINATE {
        let rule = coordinate_rule(text);
        let is_too_few = |found| matches!(found, Err(AggregateError::TooFew { n: 0, .. }));
        for policy in [Policy::Error, Policy::Propagate, Policy::Omit] {
            assert!(is_too_few(rule.aggregate(&mut [0.0; 0], policy)), "{text}");
        }
        let all_omitted = rule.aggregate(&mut [f64::NAN, f64::INFINITY], Policy::Omit);
        assert!(is_too_few(all_omitted), "{text}");
    }
    let none: &[&[f64]] = &[];
    let rule = "median";
    let too_few = AggregateError::TooFew { rule, parameter: None, n: 0, least: 1 };
    assert_eq!(aggregate(&self::rule(rule), Rows::slices(none).unwrap()), Err(too_few));
}

#[test]
fn too_few_vectors_are_an_error_that_says_how_many_are_needed() {
    for (text, needed) in VECTOR {
        let rows = vec![vec![1.0, 2.0]; needed - 1];
        let data = rows.concat();
        let view = Rows::matrix(&data, 2).unwrap();
        let Err(AggregateError::TooFew { n, least, .. }) = aggregate(&rule(text), view) else {
            panic!("{text} with {} vectors", needed - 1);
        };
        assert_eq!((n, least), (needed - 1, needed), "{text}");
        let enough = vec![vec![1.0, 2.0]; needed];
        assert!(with_rows(&enough, |view| aggregate(&rule(text), view)).is_ok(), "{text}");
    }
    let keep = with_rows(&vec![vec![1.0]; 6], |view| aggregate(&rule("multi-krum:1:6"), view));
    assert!(matches!(keep, Err(AggregateError::TooFew { n: 6, least: 7, .. })), "{keep:?}");
}

#[test]
fn copies_aggregate_to_themselves_and_zeros_to_zero() {
    for x in [[0.0, 0.0], [0.1, -7e-5], [3e-310, -1e100]] {
        for text in COORDINATE.into_iter().chain(VECTOR.map(|(text, _)| text)) {
            let found =
                with_rows(&vec![x.to_vec(); 7], |view| aggregate(&rule(text), view)).unwrap();
            let expected = match text {
                "sign-majority" if x[0] > 0.0 => [1.0, -1.0],
                "norm-clipping:9" if x[1] < -9.0 => [0.0, -9.0],
                _ => x,
            };
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() <= 1e-15 * b.abs(), "{text}: {found:?} is not {expected:?}");
            }
        }
    }
}

#[test]
fn one_value_is_its_own_aggregate() {
    for text in COORDINATE {
        if text != "sign-majority" && coordinate_rule(text).check(1).is_ok() {
            assert_eq!(value(&coordinate_rule(text), &[0.3f32]), 0.3, "{text}");
        }
    }
}

#[test]
fn infinities_are_the_extremes_of_a_coordinate() {
    let (inf, neg) = (f64::INFINITY, f64::NEG_INFINITY);
    for (text, values, expected) in [
        ("mean", vec![1.0, inf], inf),
        ("mean", vec![neg, 1.0, inf], f64::NAN),
        ("median", vec![neg, inf, 2.0], 2.0),
        ("median", vec![neg, inf], f64::NAN),
        ("median", vec![1.0, inf], inf),
        ("winsorized:1", vec![neg, 1.0, 3.0, inf], 2.0),
        ("winsorized:1", vec![neg, neg, 3.0, 1.0], neg),
        ("trimmed:1", vec![neg, 1.0, 3.0, inf], 2.0),
        ("mean-around-median:2", vec![neg, 1.0, 3.0, 2.0, inf], 2.0),
        ("median-of-means:3", vec![1.0, inf, 4.0], 4.0),
        ("sign-majority", vec![neg, neg, 1e300], -1.0),
    ] {
        let found = value(&coordinate_rule(text), &values);
        assert!(
            found == expected || found.is_nan() && expected.is_nan(),
            "{text} {values:?}: {found}"
        );
    }
}

#[test]
fn sums_beyond_the_range_are_scaled() {
    let most = f64::MAX;
    for text in
        ["mean", "median", "winsorized:1", "trimmed:1", "median-of-means:2", "mean-around-median:1"]
    {
        assert_eq!(value(&coordinate_rule(text), &[most; 6]), most, "{text}");
        let balanced = value(&coordinate_rule(text), &[most, -most, most, -most, most, -most]);
        assert!(balanced.abs() <= most / 2.0, "{text}: {balanced}");
    }
    assert_eq!(value(&coordinate_rule("mean"), &[f32::MAX; 3]), f32::MAX);
    assert_eq!(value(&coordinate_rule("median"), &[5e-324, 5e-324]), 5e-324);
}

#[test]
fn signs_abstain_at_zero_and_draw() {
    let signs = |values: &[f64]| value(&SignMajority, values);
    assert_eq!(signs(&[0.0, -0.0, 5e-324]), 1.0);
    assert_eq!(signs(&[1.0, -2.0, 0.0]), 0.0);
    assert_eq!(signs(&[1.0, -2.0, -0.1]), -1.0);
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn mean_around_median_agrees_with_the_naive_rule(values in coherence_tests::laws::aggregate::values(), f in 0..66usize) {
        let f = coherence_tests::laws::aggregate::within(f, values.len());
        let magnitude = values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let found = value(&MeanAroundMedian { f }, &values);
        prop_assert!((found - naive::mean_around_median(&values, f)).abs() <= 1e-13 * magnitude);
    }

    #[test]
    fn sign_majority_agrees_with_the_naive_rule(values in coherence_tests::laws::aggregate::values()) {
        prop_assert_eq!(value(&SignMajority, &values), naive::sign_majority(&values));
    }

    #[test]
    fn omitting_equals_removing_for_each_rule_of_a_coordinate(
        values in prop::collection::vec(prop_oneof![3 => -9.0..9.0f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)], 0..20),
        which in 0..COORDINATE.len(),
    ) {
        let rule = coordinate_rule(COORDINATE[which]);
        let mut finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        let bits = |found: Result<f64, AggregateError>| found.map(f64::to_bits);
        let omitted = rule.aggregate(&mut values.clone(), Policy::Omit);
        prop_assert_eq!(bits(omitted), bits(rule.aggregate(&mut finite, Policy::Error)));
    }

    #[test]
    fn error_names_the_first_value_and_propagate_carries_nan(
        values in prop::collection::vec(prop_oneof![5 => -9.0..9.0f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)], 3..20),
        which in 0..COORDINATE.len(),
    ) {
        let rule = coordinate_rule(COORDINATE[which]);
        let first = values.iter().position(|x| !x.is_finite());
        let mut copy = values.clone();
        match rule.aggregate(&mut copy, Policy::Error) {
            Err(error) => {
                prop_assert_eq!(Some(error), first.map(|index| NonFinite { index }.into()));
                prop_assert!(copy.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
            Ok(x) => prop_assert!(first.is_none() && x.is_finite()),
        }
        if values.iter().any(|x| x.is_nan()) {
            prop_assert!(value(&rule, &values).is_nan());
        }
    }
}

#[test]
fn omitting_leaves_out_a_value_by_coordinate_and_a_whole_vector_otherwise() {
    let rows = vec![vec![1.0, f64::NAN], vec![3.0, 5.0], vec![5.0, 7.0]];
    let run =
        |text| with_rows(&rows, |view| aggregate_with(&rule(text), view, Policy::Omit)).unwrap();
    assert_eq!(run("mean"), [3.0, 6.0]);
    assert_eq!(run("norm-clipping:inf"), [4.0, 6.0]);
}

#[test]
fn an_omitted_vector_no_longer_counts_against_f() {
    // Krum with f = 1 needs five vectors; the one left out was the bad one, so four are enough.
    let mut rows: Vec<Vec<f64>> = [1.0, 2.0, 3.0, 2.5].map(|x| vec![x]).to_vec();
    rows.insert(2, vec![f64::NAN]);
    let run = |text| with_rows(&rows, |view| aggregate_with(&rule(text), view, Policy::Omit));
    assert_eq!(run("krum:1"), Ok(vec![2.5]));
    assert_eq!(run("minimum-diameter:1"), Ok(vec![2.125]));
    let AggregateError::TooFew { n: 4, .. } = run("krum:2").unwrap_err() else {
        panic!("four are left")
    };
}

#[test]
fn a_value_that_is_not_finite_is_named_by_its_place_in_the_matrix() {
    let mut data = [1.0; 21];
    data[7] = f64::NAN; // row 2, column 1
    for text in COORDINATE.into_iter().chain(VECTOR.map(|(text, _)| text)) {
        let found = aggregate_with(&rule(text), Rows::matrix(&data, 3).unwrap(), Policy::Error);
        assert_eq!(found, Err(NonFinite { index: 7 }.into()), "{text}");
    }
}

#[test]
fn admitted_rows_are_those_that_the_policy_lets_pass() {
    let data = [1.0, 2.0, f64::NAN, 4.0, 5.0, f64::INFINITY, 7.0, 8.0];
    let rows = Rows::matrix(&data, 2).unwrap();
    let (mut numbers, mut again) = ([usize::MAX; 4], [usize::MAX; 2]);
    let error = rows.admit(Policy::Error, &mut numbers).unwrap_err();
    assert_eq!(error, AggregateError::NonFinite(NonFinite { index: 2 }));
    let all = rows.admit(Policy::Propagate, &mut numbers).unwrap();
    assert_eq!((all.len(), all.row(3)), (4, &data[6..]));
    let short = rows.admit(Policy::Omit, &mut numbers[..3]).unwrap_err();
    assert_eq!(short, AggregateError::Length { what: "indices", found: 3, expected: 4 });

    let finite = rows.admit(Policy::Omit, &mut numbers).unwrap();
    assert!(finite.iter().eq([&data[..2], &data[6..]]));
    let finite_again = finite.admit(Policy::Error, &mut again).unwrap();
    assert!(finite_again.iter().eq([&data[..2], &data[6..]]));
    let mut mixed = [0.0; 2];
    Bucketing::new(2, &[1, 0]).unwrap().mix(finite, nothing(), &mut mixed).unwrap();
    assert_eq!(mixed, [4.0, 5.0]);
}

/// A view of a view numbers the rows of what it shows, and shows those of the source.
#[test]
fn a_view_may_be_admitted_again_under_another_policy() {
    let data = [f64::NAN, 1.0, f64::INFINITY, 3.0];
    let rows = Rows::matrix(&data, 1).unwrap();
    let mut omitting = [0; 4];
    let finite = rows.admit(Policy::Omit, &mut omitting).unwrap();
    let rule = Coordinatewise(Median);
    assert_eq!(aggregate_with(&rule, finite, Policy::Omit), Ok(vec![2.0]));
    assert_eq!(aggregate_with(&GeometricMedian::default(), finite, Policy::Omit), Ok(vec![2.0]));
    let mut numbers = [0; 4];
    let all = rows.admit(Policy::Propagate, &mut numbers).unwrap();
    let error = all.admit(Policy::Error, &mut omitting).unwrap_err();
    assert_eq!(error, AggregateError::NonFinite(NonFinite { index: 0 }));
}

#[test]
fn propagate_carries_infinities() {
    let rows = Rows::matrix(&[1.0, 2.0, 4.0, f64::INFINITY, 8.0, 9.0], 2).unwrap();
    assert_eq!(aggregate(&rule("mean"), rows), Ok(vec![13.0 / 3.0, f64::INFINITY]));
    assert_eq!(aggregate(&Coordinatewise(Median), rows), Ok(vec![4.0, 9.0]));
}

#[test]
fn propagate_gives_nan_throughout_where_every_vector_takes_part() {
    let rows = vec![vec![1.0, 2.0], vec![f64::INFINITY, 3.0], vec![2.0, 2.0]];
    for text in ["geometric-median", "geometric-median-of-means:3", "centered-clipping:1:1"] {
        let found = with_rows(&rows, |view| aggregate(&rule(text), view)).unwrap();
        assert!(found.iter().all(|x| x.is_nan()), "{text}: {found:?}");
    }
}

#[test]
fn wrong_lengths_are_errors_that_name_the_slice() {
    let length = |what, found, expected| Err(AggregateError::Length { what, found, expected });
    let data = [1.0; 14];
    let view = Rows::matrix(&data, 2).unwrap();
    for text in COORDINATE.into_iter().chain(VECTOR.map(|(text, _)| text)) {
        let rule = rule(text);
        let needed = rule.scratch_len(7, 2);
        for policy in [Policy::Error, Policy::Propagate, Policy::Omit] {
            let run = |values: usize, indices: usize, out: usize| {
                let (mut values, mut indices) = (vec![0.0; values], vec![0; indices]);
                let scratch = Scratch { values: &mut values, indices: &mut indices };
                rule.aggregate(view, policy, scratch, &mut vec![0.0; out])
            };
            let ScratchLen { values, indices } = needed;
            assert_eq!(run(values, indices, 3), length("out", 3, 2), "{text}");
            let short = run(values - 1, indices, 2);
            assert_eq!(short, length("scratch values", values - 1, values), "{text}");
            if indices > 0 {
                let short = run(values, indices - 1, 2);
                assert_eq!(short, length("scratch indices", indices - 1, indices), "{text}");
            }
            assert_eq!(run(values, indices, 2), Ok(()), "{text}");
        }
    }
    assert_eq!(Rows::matrix(&data, 3).map(|_| ()), length("rows' data", 14, 12));
    assert_eq!(Rows::matrix(&data, 0).map(|_| ()), length("rows' data", 14, 0));
    assert_eq!(Rows::slices(&[&[1.0][..], &[1.0, 2.0]]).map(|_| ()), length("row", 2, 1));
    let order = [0, 1];
    let bucketing = Bucketing::new(2, &order).unwrap();
    assert_eq!(bucketing.mix(view, nothing(), &mut [0.0; 8]), length("order", 2, 7));
    assert_eq!(bucketing.mix(view, nothing(), &mut [0.0; 7]), length("out", 7, 8));
    let short = NearestNeighborMixing { f: 1 }.mix(view, nothing(), &mut [0.0; 14]);
    assert_eq!(short, length("scratch values", 0, 7));
}

#[test]
fn views_of_a_matrix_and_of_slices_are_the_same_rows() {
    let data = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let (matrix, slices) = (Rows::matrix(&data, 2).unwrap(), [&data[..2], &data[2..4], &data[4..]]);
    let slices = Rows::slices(&slices).unwrap();
    assert_eq!(
        (matrix.len(), matrix.dim(), matrix.is_empty()),
        (slices.len(), slices.dim(), slices.is_empty())
    );
    assert!(matrix.iter().eq(slices.iter()) && matrix.iter().flatten().eq(&data));
    assert!(!matrix.is_empty());
    assert!(Rows::<f64>::matrix(&[], 0).unwrap().is_empty());
}

#[test]
fn messages_say_what_is_wrong_and_what_to_do() {
    let rule = "krum";
    for (error, message) in [
        (
            AggregateError::Length { what: "out", found: 3, expected: 2 },
            "out has length 3, expected 2",
        ),
        (
            AggregateError::TooFew { rule, parameter: Some("f"), n: 3, least: 5 },
            "krum needs at least 5 vectors for its f, found 3 (lower f, or add vectors)",
        ),
        (
            AggregateError::NotConverged { rule, iterations: 9, residual: 0.5, tolerance: 0.25 },
            "krum stopped after 9 iterations at residual 5e-1, tolerance 2.5e-1 (raise either)",
        ),
        (
            NonFinite { index: 4 }.into(),
            "value 4 is not finite (choose the policy `Propagate` or `Omit` to go on)",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused_at_construction() {
    for value in [-1.0, f64::NEG_INFINITY, f64::NAN] {
        assert!(NormClipping::new(value).is_err() && CenteredClipping::new(value, 1).is_err());
    }
    let message = NormClipping::new(-1.0).unwrap_err().to_string();
    assert_eq!(message, "norm-clipping needs a limit of at least 0, found -1");
    assert_eq!(Bucketing::new(0, &[]), Err(ParameterError::EmptyBucket));
    let repeated = Bucketing::new(2, &[0, 2, 2]);
    assert_eq!(repeated, Err(ParameterError::Order { n: 3, missing: 1 }));
    assert!(Bucketing::new(2, &[3, 0, 1]).is_err() && Bucketing::new(1, &[]).is_ok());
    let zero = MedianOfMeans { groups: 0 }.check(3).unwrap_err().to_string();
    assert_eq!(zero, "median-of-means needs groups of at least 1, found 0");
    assert!(MultiKrum { f: 0, keep: 0 }.check(9).is_err());
    let (rule, found) = ("geometric-median", MOST_ITERATIONS + 1);
    let median = GeometricMedian { max_iterations: found, ..GeometricMedian::default() };
    let refused = Err(ParameterError::Iterations { rule, found }.into());
    assert_eq!(median.check(3), refused);
    assert_eq!(GeometricMedianOfMeans { groups: 2, median }.check(3), refused);
}
