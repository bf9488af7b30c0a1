//! Sums that travel: as plain numbers and, with the feature `serde`, as text.

use coherence_core::{
    CoordinateSumsParts, PartsError, SquareSum, Sums, SumsParts, WeightedSums, WeightedSumsParts,
    finite::Policy, similarity::CoordinateSums,
};
use coherence_tests::cases;
use proptest::prelude::*;

type Rows = Vec<(f64, [f64; 3])>;

/// Weights and gradients of few bits, in one unit 2ᵏ of these: nothing rounds.
fn rows(units: &'static [i32]) -> impl Strategy<Value = Rows> {
    prop::sample::select(units).prop_flat_map(|k| {
        let value = (-100..=100i32).prop_map(move |x| f64::from(x) * 2f64.powi(k));
        let weight = (0..64u8).prop_map(|w| f64::from(w) / 16.0);
        prop::collection::vec((weight, prop::array::uniform3(value)), 1..9)
    })
}

fn sums(rows: &[(f64, [f64; 3])]) -> Sums<Vec<f64>> {
    let mut sums = Sums::with_policy(vec![0.0; 3], Policy::Omit);
    sums.add(&[f64::NAN; 3]).unwrap();
    rows.iter().for_each(|(_, g)| sums.add(g).unwrap());
    sums
}

fn weighted(rows: &[(f64, [f64; 3])]) -> WeightedSums<Vec<f64>> {
    let mut sums = WeightedSums::new(vec![0.0; 3]);
    rows.iter().for_each(|(w, g)| sums.add(*w, g).unwrap());
    sums
}

fn coordinates(rows: &[(f64, [f64; 3])]) -> CoordinateSums<Vec<f64>> {
    let mut sums = CoordinateSums::new(vec![0.0; 6]);
    rows.iter().for_each(|(_, g)| sums.add(g).unwrap());
    sums
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a01_parts_of_a_sample_travel(rows in rows(&[0, -700, 955]), split in any::<prop::sample::Index>()) {
        let (here, there) = rows.split_at(split.index(rows.len()));

        let mut whole = sums(here);
        whole.add_sums(&Sums::from_parts(sums(there).into_parts()).unwrap());
        prop_assert!(whole.sum().eq(sums(&rows).sum()));
        prop_assert_eq!(whole.coherence(), sums(&rows).coherence());
        prop_assert_eq!((whole.omitted(), whole.policy()), (2, Policy::Omit));

        let mut whole = weighted(here);
        whole.add_sums(&WeightedSums::from_parts(weighted(there).into_parts()).unwrap());
        prop_assert!(whole.sum().eq(weighted(&rows).sum()));
        prop_assert_eq!(whole.coherence(), weighted(&rows).coherence());

        let mut whole = coordinates(here);
        whole.add_sums(&CoordinateSums::from_parts(coordinates(there).into_parts()).unwrap());
        (0..3).for_each(|j| assert_eq!(whole.coordinate(j), coordinates(&rows).coordinate(j)));
    }

    #[test]
    fn a01_columns_are_added_as_rows_are(rows in rows(&[0, -700, 955])) {
        let (mut s, mut w, mut c) = (sums(&[]), weighted(&[]), coordinates(&[]));
        for (weight, g) in &rows {
            s.add_iter(g.iter().copied()).unwrap();
            w.add_iter(*weight, g.iter().copied()).unwrap();
            c.add_iter(g.iter().copied()).unwrap();
        }
        prop_assert_eq!(s.into_parts(), sums(&rows).into_parts());
        prop_assert_eq!(w.into_parts(), weighted(&rows).into_parts());
        prop_assert_eq!(c.into_parts(), coordinates(&rows).into_parts());
    }
}

/// The parts of one example, to be spoilt.
fn sum_parts() -> SumsParts<Vec<f64>> {
    sums(&[(1.0, [1.0, -2.0, 0.0])]).into_parts()
}

fn weighted_parts() -> WeightedSumsParts<Vec<f64>> {
    weighted(&[(1.0, [1.0, -2.0, 0.0])]).into_parts()
}

#[track_caller]
fn refused(spoil: impl Fn(&mut SumsParts<Vec<f64>>)) -> PartsError {
    let mut parts = sum_parts();
    spoil(&mut parts);
    Sums::from_parts(parts).expect_err("parts that no sums have")
}

#[track_caller]
fn refused_weighted(spoil: impl Fn(&mut WeightedSumsParts<Vec<f64>>)) -> PartsError {
    let mut parts = weighted_parts();
    spoil(&mut parts);
    WeightedSums::from_parts(parts).expect_err("parts that no weighted sums have")
}

#[test]
fn a01_numbers_that_are_no_sums_are_refused() {
    assert!(Sums::from_parts(sum_parts()).is_ok());
    assert!(matches!(refused(|p| p.sum[1] = f64::NAN), PartsError::NonFinite { .. }));
    assert_eq!(refused(|p| p.m = 0), PartsError::NoExamples { value: 1.0 });
    let most = 1 << 53;
    assert_eq!(refused(|p| p.m = most + 1), PartsError::Count { count: most + 1 });
    assert_eq!(refused(|p| p.omitted = u64::MAX), PartsError::Count { count: u64::MAX });
    for exponent in [1, 32, i32::MIN, i32::MAX] {
        assert_eq!(refused(|p| p.exponent = exponent), PartsError::Exponent { exponent });
    }
    let infinite = SquareSum::from_values(&[f64::INFINITY]);
    let value = f64::INFINITY;
    assert_eq!(refused(|p| p.squares = infinite), PartsError::NonFinite { value });
    assert_eq!(SquareSum::from_parts([0.0, -1.0, 2.0]), Err(PartsError::Negative { value: -1.0 }));

    let mut propagating = SumsParts { policy: Policy::Propagate, ..sum_parts() };
    propagating.sum[1] = f64::NAN;
    assert!(Sums::from_parts(propagating).is_ok());
    assert!(Sums::from_parts(SumsParts { m: 1 << 53, ..sum_parts() }).is_ok());
}

#[test]
fn a01_numbers_that_are_no_weighted_sums_are_refused() {
    assert!(WeightedSums::from_parts(weighted_parts()).is_ok());
    assert!(matches!(refused_weighted(|p| p.sum[1] = f64::NAN), PartsError::NonFinite { .. }));
    assert_eq!(refused_weighted(|p| p.weight = -1.0), PartsError::Negative { value: -1.0 });
    assert_eq!(refused_weighted(|p| p.sum_sq_weights = -2.0), PartsError::Negative { value: -2.0 });
    assert_eq!(refused_weighted(|p| p.m = 0), PartsError::NoExamples { value: 1.0 });
    assert_eq!(refused_weighted(|p| p.m = u64::MAX), PartsError::Count { count: u64::MAX });
    // Weights are finite under every policy.
    let spoil = |p: &mut WeightedSumsParts<_>| {
        (p.policy, p.weight) = (Policy::Propagate, f64::INFINITY);
    };
    assert_eq!(refused_weighted(spoil), PartsError::NonFinite { value: f64::INFINITY });
    for exponent in [-1088, -31, 31, 1056, i32::MIN, i32::MAX] {
        let spoil = |p: &mut WeightedSumsParts<_>| p.weight_exponent = exponent;
        assert_eq!(refused_weighted(spoil), PartsError::Exponent { exponent });
    }
    let spoil = |p: &mut WeightedSumsParts<_>| p.exponent = 32;
    assert_eq!(refused_weighted(spoil), PartsError::Exponent { exponent: 32 });
    let infinite = SquareSum::from_values(&[f64::INFINITY]);
    for squares in [
        refused_weighted(|p| p.squares = infinite),
        refused_weighted(|p| p.weighted_squares = infinite),
    ] {
        assert_eq!(squares, PartsError::NonFinite { value: f64::INFINITY });
    }
}

#[test]
fn a16_numbers_that_are_no_coordinate_sums_are_refused() {
    let parts =
        |sums: Vec<f64>, m| CoordinateSumsParts { sums, m, omitted: 0, policy: Policy::Error };
    let error = |sums, m| CoordinateSums::from_parts(parts(sums, m)).expect_err("no sums");
    assert_eq!(error(vec![1.0; 3], 1), PartsError::OddLength { len: 3 });
    assert_eq!(error(vec![1.0, -1.0], 1), PartsError::Negative { value: -1.0 });
    assert_eq!(error(vec![1.0, 1.0], 0), PartsError::NoExamples { value: 1.0 });
    assert_eq!(error(vec![1.0, 1.0], 1 << 60), PartsError::Count { count: 1 << 60 });
    assert!(matches!(error(vec![f64::NAN, 1.0], 1), PartsError::NonFinite { .. }));
    assert_eq!(error(vec![0.0, f64::INFINITY], 0), PartsError::NonFinite { value: f64::INFINITY });
    // The squares of finite gradients may exceed f64.
    assert!(CoordinateSums::from_parts(parts(vec![1e200, f64::INFINITY], 1)).is_ok());
    assert!(CoordinateSums::from_parts(parts(vec![-1.0, 1.0], 1)).is_ok());
}

#[test]
fn a01_reasons_of_refusal_are_sentences() {
    let text = |error: PartsError| error.to_string();
    let (value, exponent) = (-1.0, 7);
    assert_eq!(text(PartsError::Negative { value }), "a sum of squares or weights is negative: -1");
    assert_eq!(
        text(PartsError::NonFinite { value: f64::NAN }),
        "a sum is NaN (only the policy `Propagate` leads to such sums)"
    );
    assert_eq!(text(PartsError::NoExamples { value }), "a sum over no examples is -1, not 0");
    assert_eq!(text(PartsError::Count { count: 9 }), "9 examples are more than 2^53");
    assert_eq!(
        text(PartsError::Exponent { exponent }),
        "binary exponent 7 is not one that these sums use"
    );
    assert_eq!(
        text(PartsError::OddLength { len: 3 }),
        "3 numbers are not two sums for each coordinate"
    );
}

#[cfg(feature = "serde")]
mod text {
    use coherence_core::{Coherence, Member, Part, WeightedCoherence, unbiased::Estimate};
    use serde_json::{from_str, to_string};

    use super::*;

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn a01_sums_sent_as_text_are_the_sums(
            rows in rows(&[0, -700, 500]), // JSON has no ∞, to which squares of coordinates may lead
            split in any::<prop::sample::Index>(),
        ) {
            let (here, there) = rows.split_at(split.index(rows.len()));

            let mut whole = sums(here);
            let sent: Sums<Vec<f64>> = from_str(&to_string(&sums(there)).unwrap()).unwrap();
            whole.add_sums(&sent);
            prop_assert_eq!(whole.coherence(), sums(&rows).coherence());

            let mut whole = weighted(here);
            let sent: WeightedSums<Vec<f64>> = from_str(&to_string(&weighted(there)).unwrap()).unwrap();
            whole.add_sums(&sent);
            prop_assert_eq!(whole.coherence(), weighted(&rows).coherence());

            let mut whole = coordinates(here);
            let sent: CoordinateSums<Vec<f64>> = from_str(&to_string(&coordinates(there)).unwrap()).unwrap();
            whole.add_sums(&sent);
            (0..3).for_each(|j| assert_eq!(whole.coordinate(j), coordinates(&rows).coordinate(j)));
        }
    }

    #[test]
    fn a01_statistics_are_written_and_read() {
        let c = Coherence { m: 2, sq_norm_of_sum: 4.0, sum_sq_norms: 8.0 };
        assert_eq!(to_string(&c).unwrap(), r#"{"m":2,"sq_norm_of_sum":4.0,"sum_sq_norms":8.0}"#);
        assert_eq!(from_str::<Coherence>(&to_string(&c).unwrap()).unwrap(), c);
        let w = weighted(&[(0.5, [1.0, 2.0, 3.0])]).coherence();
        assert_eq!(from_str::<WeightedCoherence>(&to_string(&w).unwrap()).unwrap(), w);
        let member = Member { dot_with_sum: 1.5, sq_norm: 2.0 };
        assert_eq!(from_str::<Member>(&to_string(&member).unwrap()).unwrap(), member);
        let estimate = Estimate { value: 0.5, standard_error: 0.25 };
        assert_eq!(from_str::<Estimate>(&to_string(&estimate).unwrap()).unwrap(), estimate);
        let part = Part::from(c);
        assert_eq!(from_str::<Part>(&to_string(&part).unwrap()).unwrap(), part);
        assert_eq!(to_string(&Policy::Omit).unwrap(), r#""Omit""#);
        assert_eq!(from_str::<Policy>(r#""Propagate""#).unwrap(), Policy::Propagate);
    }

    #[test]
    fn a01_text_that_is_no_sums_is_an_error() {
        let good = to_string(&sums(&[(1.0, [1.0, -2.0, 0.0])])).unwrap();
        let read =
            |text: &str| from_str::<Sums<Vec<f64>>>(text).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(read(&good), Ok(()));
        for (from, to, why) in [
            (r#""m":1"#, r#""m":0"#, "a sum over no examples is 1, not 0"),
            ("[0.0,5.0,0.0]", "[0.0,-5.0,0.0]", "is negative: -5"),
            ("[0.0,5.0,0.0]", "[0.0,5.0]", "invalid length 2"),
            (r#""exponent":0"#, r#""exponent":3"#, "binary exponent 3"),
            ("-2.0", "null", "invalid type: null"),
            (r#""m":1,"#, "", "missing field `m`"),
        ] {
            assert!(good.contains(from), "{good}");
            let error = read(&good.replace(from, to)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(from_str::<SquareSum>("[0.0,-1.0,0.0]").is_err());
    }
}
