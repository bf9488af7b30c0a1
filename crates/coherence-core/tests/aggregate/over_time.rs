//! M3, A3, RM3 and RA3: the first steps, the ring, saving, and the paper's claim for M3.

use coherence_core::aggregate::*;
use coherence_core::finite::{NonFinite, Policy};
use coherence_tests::naive::aggregate as naive;
use proptest::prelude::*;

use crate::support::value;

/// The directions of a rule over gradients of one coordinate; `None` where it holds.
fn run(rule: OverTime, gradients: &[f64]) -> Vec<Option<f64>> {
    let mut recent = Recent::new([[f64::NAN]; 2]);
    gradients.iter().map(|g| step(rule, &mut recent, *g, Policy::Error)).collect()
}

fn step(
    rule: OverTime,
    recent: &mut Recent<[f64; 1]>,
    gradient: f64,
    policy: Policy,
) -> Option<f64> {
    let mut out = [f64::NAN];
    let update = rule.step(recent, &[gradient], policy, &mut out).expect("finite");
    (update == Update::Apply).then_some(out[0])
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn a19_rm3_is_the_median_of_the_last_three_from_step_three_on(gradients in prop::collection::vec(-9.0..9.0f64, 0..20)) {
        let found = run(OverTime::Rm3, &gradients);
        for (t, direction) in found.iter().enumerate() {
            let expected = (t >= 2).then(|| naive::median(&gradients[t - 2..=t]));
            prop_assert_eq!(*direction, expected);
        }
    }

    #[test]
    fn a19_ra3_is_the_mean_of_the_last_three_from_step_three_on(gradients in prop::collection::vec(-9.0..9.0f64, 0..20)) {
        for (t, direction) in run(OverTime::Ra3, &gradients).into_iter().enumerate() {
            let expected = (t >= 2).then(|| naive::mean(&gradients[t - 2..=t]));
            prop_assert_eq!(direction.is_some(), expected.is_some());
            prop_assert!((direction.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-14);
        }
    }

    #[test]
    fn a19_m3_and_a3_update_once_in_three(gradients in prop::collection::vec(-9.0..9.0f64, 0..20)) {
        let (m3, a3) = (run(OverTime::M3, &gradients), run(OverTime::A3, &gradients));
        for t in 0..gradients.len() {
            if t % 3 == 2 {
                let three = &gradients[t - 2..=t];
                prop_assert_eq!(m3[t], Some(naive::median(three)));
                prop_assert!((a3[t].unwrap() - naive::mean(three)).abs() < 1e-14);
            } else {
                prop_assert_eq!((m3[t], a3[t]), (None, None));
            }
        }
    }

    #[test]
    fn a19_state_saved_and_restored_goes_on_as_if_nothing_had_been(
        gradients in prop::collection::vec(-9.0..9.0f64, 1..20), cut in 0..20usize, rule in 0..4usize,
    ) {
        let rule = OverTime::ALL[rule];
        let cut = cut % gradients.len();
        let mut recent = Recent::new([[0.0]; 2]);
        let mut found: Vec<_> = gradients[..cut].iter().map(|g| step(rule, &mut recent, *g, Policy::Error)).collect();
        let saved = (recent.previous.map(|buffer| buffer[0].to_bits()), recent.steps);
        let mut restored = Recent { previous: saved.0.map(|bits| [f64::from_bits(bits)]), steps: saved.1 };
        found.extend(gradients[cut..].iter().map(|g| step(rule, &mut restored, *g, Policy::Error)));
        prop_assert_eq!(found, run(rule, &gradients));
    }

    #[test]
    fn a19_exchanging_buffers_gives_the_three_gradients_of_a_copying_step(
        gradients in prop::collection::vec(-9.0..9.0f64, 0..20), rule in 0..4usize,
    ) {
        let rule = OverTime::ALL[rule];
        let mut recent = Recent::new([[f64::NAN]; 2]);
        let exchanged: Vec<Option<f64>> = (0..gradients.len())
            .map(|t| {
                let (mut gradient, mut direction) = ([gradients[t]], None);
                let update = rule.exchange(&mut recent, &mut gradient, |how, three| {
                    assert_eq!(three.map(|g| g[0]), gradients[t - 2..=t], "oldest first");
                    direction = Some(how.aggregate(three.map(|g| g[0])));
                });
                assert_eq!(update == Update::Apply, direction.is_some());
                direction
            })
            .collect();
        prop_assert_eq!(exchanged, run(rule, &gradients));
    }

    #[test]
    fn a20_m3_keeps_the_common_part_and_drops_what_one_group_alone_has(
        c in prop::collection::vec(-5.0..5.0f64, 1..4), sizes in prop::collection::vec(0.1..9.0f64, 3),
    ) {
        // Three groups share c; group i adds u_i on a coordinate of its own. The mean adds u_i/3.
        let d = c.len() + 3;
        let gradient = |i: usize| -> Vec<f64> {
            let own = (0..3).map(|j| if j == i { sizes[i] } else { 0.0 });
            c.iter().copied().chain(own).collect()
        };
        for (rule, share) in [(OverTime::M3, 0.0), (OverTime::A3, 1.0 / 3.0)] {
            let mut recent = Recent::new([vec![0.0; d], vec![0.0; d]]);
            let mut out = vec![0.0; d];
            for i in 0..3 {
                let update = rule.step(&mut recent, &gradient(i), Policy::Error, &mut out);
                prop_assert_eq!(update, Ok(if i == 2 { Update::Apply } else { Update::Hold }));
            }
            for (j, x) in out.iter().enumerate() {
                let expected = if j < c.len() { c[j] } else { share * sizes[j - c.len()] };
                prop_assert!((x - expected).abs() < 1e-14, "{rule:?}: {x}, not {expected}");
            }
        }
    }

    #[test]
    fn a20_median_of_means_drops_components_that_fewer_than_half_the_groups_have(
        c in -5.0..5.0f64, u in 0.1..9.0f64, groups in 3..9usize, per_group in 1..4usize,
    ) {
        // One example alone has u on top of c: its group's mean is off, the median of means is not.
        let mut values = vec![c; groups * per_group];
        values[0] += u;
        prop_assert_eq!(value(&MedianOfMeans { groups }, &values), c);
        let mean = value(&Mean, &values);
        prop_assert!((mean - (c + u / values.len() as f64)).abs() < 1e-13);
    }

    #[test]
    fn a19_median_of_means_agrees_with_the_naive_rule(values in coherence_tests::laws::aggregate::values(), groups in 1..66usize) {
        let k = groups.min(values.len());
        let found = value(&MedianOfMeans { groups: k }, &values);
        let magnitude = values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        prop_assert!((found - naive::median_of_means(&values, k)).abs() <= 1e-13 * magnitude);
    }
}

#[test]
fn a19_median_of_three_is_exact_for_every_ordering_with_zeros_and_infinities() {
    let letters = [f64::NEG_INFINITY, -1e300, -5e-324, -0.0, 0.0, 5e-324, 1.0, f64::INFINITY];
    for a in letters {
        for b in letters {
            for c in letters {
                let expected = naive::sorted(&[a, b, c])[1];
                assert_eq!(median_of_three(a, b, c).to_bits(), expected.to_bits(), "{a} {b} {c}");
            }
        }
    }
}

#[test]
fn a19_median_of_three_carries_nan_from_each_place() {
    assert!(median_of_three(f64::NAN, 1.0, 2.0).is_nan());
    assert!(median_of_three(1.0, f64::NAN, 2.0).is_nan());
    assert!(median_of_three(1.0, 2.0, f64::NAN).is_nan());
}

#[test]
fn a_refused_gradient_leaves_the_state_as_it_was() {
    let mut recent = Recent { previous: [[1.0], [2.0]], steps: 2 };
    let mut out = [7.0];
    let refused = OverTime::Rm3.step(&mut recent, &[f64::NAN], Policy::Error, &mut out);
    assert_eq!(refused, Err(AggregateError::NonFinite(NonFinite { index: 0 })));
    let short = OverTime::Rm3.step(&mut recent, &[1.0, 2.0], Policy::Error, &mut out);
    assert_eq!(short, Err(AggregateError::Length { what: "out", found: 1, expected: 2 }));
    let ring = OverTime::Rm3.step(&mut recent, &[1.0, 2.0], Policy::Error, &mut [0.0; 2]);
    assert_eq!(
        ring,
        Err(AggregateError::Length { what: "previous gradient", found: 1, expected: 2 })
    );
    assert_eq!((recent, out), (Recent { previous: [[1.0], [2.0]], steps: 2 }, [7.0]));
}

#[test]
fn an_omitted_gradient_is_a_step_that_was_not() {
    let mut recent = Recent::new([[0.0]; 2]);
    let gradients = [1.0, f64::INFINITY, 9.0, f64::NAN, 2.0];
    let found = gradients.map(|g| step(OverTime::Rm3, &mut recent, g, Policy::Omit));
    assert_eq!(found, [None, None, None, None, Some(2.0)]);
    assert_eq!(recent.steps, 3);
}

#[test]
fn a_propagated_nan_spoils_three_steps() {
    let mut recent = Recent::new([[0.0]; 2]);
    let gradients = [1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0];
    let found = gradients.map(|g| step(OverTime::Rm3, &mut recent, g, Policy::Propagate));
    assert!(found[2..5].iter().all(|x| x.is_some_and(f64::is_nan)));
    assert_eq!(found[5], Some(5.0));
}
