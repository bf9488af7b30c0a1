//! Losses against their definitions, finite differences and torch's numbers, at ordinary and at extreme
//! outputs.

use coherence_nn::{
    Element,
    loss::{Loss, LossError, Targets, is_correct},
};
use coherence_tests::cases;
use proptest::prelude::*;
use serde_json::Value;

/// The SUM of the cross-entropies, and the gradient.
fn softmax_cross_entropy<T: Element>(
    logits: &[T],
    labels: &[u32],
    delta: &mut [T],
    losses: &mut [f64],
) -> f64 {
    Loss::default().with_gradient(logits, Targets::Labels(labels), delta, losses)
}

/// The SUM of the cross-entropies.
fn cross_entropy<T: Element>(logits: &[T], labels: &[u32], losses: &mut [f64]) -> f64 {
    Loss::default().evaluate(logits, Targets::Labels(labels), losses)
}

/// −ln softmax(z)[y] and softmax(z) − onehot(y), computed literally; for small logits only.
fn definition(z: &[f64], y: usize) -> (f64, Vec<f64>) {
    let total: f64 = z.iter().map(|z| z.exp()).sum();
    let p: Vec<f64> = z.iter().map(|z| z.exp() / total).collect();
    let onehot = |j| f64::from(u8::from(j == y));
    (-p[y].ln(), p.iter().enumerate().map(|(j, p)| p - onehot(j)).collect())
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn loss_and_delta_are_the_definition(
        z in prop::collection::vec(-20.0..20.0, 2..12), y in any::<prop::sample::Index>(),
    ) {
        let y = y.index(z.len());
        let (loss, expected) = definition(&z, y);
        let (mut delta, mut losses) = (vec![0.0; z.len()], [0.0]);
        let sum = softmax_cross_entropy(&z, &[y as u32], &mut delta, &mut losses);
        prop_assert!((sum - loss).abs() < 1e-8 * (1.0 + loss), "{sum} {loss}");
        prop_assert_eq!(sum, losses[0]);
        prop_assert_eq!(cross_entropy(&z, &[y as u32], &mut losses), sum);
        for (found, expected) in delta.iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn deltas_are_the_slopes_of_every_loss(
        z in prop::collection::vec(-4.0..4.0, 2..7), y in any::<prop::sample::Index>(),
        smoothing in 0.0..1.0f64, t in prop::collection::vec(-4.0..4.0, 7),
    ) {
        let (y, t) = ([y.index(z.len()) as u32], &t[..z.len()]);
        let smoothed = Loss::CrossEntropy { smoothing };
        for (loss, targets) in [
            (Loss::default(), Targets::Labels(&y[..])),
            (smoothed, Targets::Labels(&y[..])),
            (Loss::SquaredError, Targets::Labels(&y[..])),
            (Loss::SquaredError, Targets::Values(t)),
        ] {
            let (mut z, mut delta, mut losses) = (z.clone(), vec![0.0; z.len()], [0.0]);
            let sum = loss.with_gradient(&z, targets, &mut delta, &mut losses);
            prop_assert_eq!((sum, sum), (losses[0], loss.evaluate(&z, targets, &mut [0.0])));
            for j in 0..z.len() {
                let at = z[j];
                let mut value = |x| {
                    z[j] = x;
                    loss.evaluate(&z, targets, &mut [0.0])
                };
                let slope = (value(at + 1e-5) - value(at - 1e-5)) / 2e-5;
                value(at);
                prop_assert!((delta[j] - slope).abs() < 1e-8, "{loss}: {} {slope}", delta[j]);
            }
        }
    }

    #[test]
    fn deltas_of_an_example_sum_to_zero(
        z in prop::collection::vec(-1e4..1e4f64, 2..12), y in any::<prop::sample::Index>(),
    ) {
        let mut delta = vec![0.0; z.len()];
        softmax_cross_entropy(&z, &[y.index(z.len()) as u32], &mut delta, &mut [0.0]);
        prop_assert!(delta.iter().sum::<f64>().abs() < 1e-15);
    }

    #[test]
    fn shifting_the_logits_changes_nothing(
        z in prop::collection::vec(-8i32..8, 2..12), shift in -1000i32..1000,
    ) {
        let z: Vec<f64> = z.into_iter().map(f64::from).collect();
        let shifted: Vec<f64> = z.iter().map(|z| z + f64::from(shift)).collect();
        prop_assert_eq!(cross_entropy(&z, &[0], &mut [0.0]), cross_entropy(&shifted, &[0], &mut [0.0]));
    }
}

/// `tests/fixtures/loss.py` made the numbers.
#[test]
fn losses_and_deltas_are_torchs() {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/loss.json")).unwrap();
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let [outputs, values, labels] =
        ["outputs", "targets", "labels"].map(|name| numbers(&fixture[name]));
    let labels: Vec<u32> = labels.iter().map(|&y| y as u32).collect();
    let (labels, values) = (Targets::Labels(&labels[..]), Targets::Values(&values[..]));
    for (name, targets) in [
        ("cross-entropy", labels),
        ("cross-entropy:0.1", labels),
        ("cross-entropy:1", labels),
        ("squared-error", values),
        ("squared-error of labels", labels),
    ] {
        let loss: Loss = name.trim_end_matches(" of labels").parse().unwrap();
        let (mut delta, mut losses) = ([9.0; 12], [9.0; 3]);
        let sum = loss.with_gradient(&outputs, targets, &mut delta, &mut losses);
        assert_eq!(sum, losses[0] + losses[1] + losses[2]);
        for (found, key) in [(&losses[..], "losses"), (&delta[..], "delta")] {
            for (found, expected) in found.iter().zip(numbers(&fixture[name][key])) {
                assert!((found - expected).abs() < 1e-13, "{name} {key}: {found} {expected}");
            }
        }
    }
}

#[test]
fn names_of_losses_are_read_back_and_nonsense_is_refused() {
    for name in ["cross-entropy", "cross-entropy:0.1", "squared-error"] {
        assert_eq!(name.parse::<Loss>().unwrap().to_string(), name);
    }
    assert_eq!("hinge".parse::<Loss>(), Err(LossError::Name("hinge".to_owned())));
    for smoothing in ["-0.1", "1.5", "NaN", ""] {
        let refused = format!("cross-entropy:{smoothing}").parse::<Loss>();
        assert_eq!(refused, Err(LossError::Smoothing(smoothing.to_owned())));
    }
}

#[test]
#[should_panic(expected = "cross-entropy of target values")]
fn cross_entropy_of_values_is_refused() {
    Loss::default().evaluate(&[0.0, 1.0], Targets::Values(&[0.0, 1.0][..]), &mut [0.0]);
}

/// Where 1 − p[y] is below the resolution of f32, loss and delta keep their full precision.
#[test]
fn a_well_learned_example_keeps_its_gradient() {
    let mut delta = [0.0f32; 2];
    let loss = softmax_cross_entropy(&[30.0f32, 0.0], &[0], &mut delta, &mut [0.0]);
    let expected = (-30.0f64).exp();
    assert!((loss / expected - 1.0).abs() < 1e-6, "{loss:e}");
    assert!((f64::from(delta[1]) / expected - 1.0).abs() < 1e-6, "{delta:?}");
    assert_eq!(delta[0], -delta[1]);
}

#[test]
fn huge_logits_neither_overflow_nor_vanish() {
    let mut delta = [0.0f32; 2];
    assert_eq!(
        softmax_cross_entropy(&[3e38f32, 0.0], &[1], &mut delta, &mut [0.0]),
        f64::from(3e38f32)
    );
    assert_eq!(delta, [1.0, -1.0]);
}

#[test]
fn losses_are_summed_not_averaged() {
    let one = cross_entropy(&[1.0, 0.0], &[0], &mut [0.0]);
    let three = cross_entropy(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], &[0; 3], &mut [0.0; 3]);
    assert_eq!(three, one + one + one);
}

#[test]
fn an_empty_batch_has_no_loss() {
    assert_eq!(softmax_cross_entropy::<f32>(&[], &[], &mut [], &mut []), 0.0);
}

#[test]
fn non_finite_logits_make_the_loss_non_finite() {
    for z in [[f32::NAN, 0.0], [0.0, f32::NAN], [f32::INFINITY, 0.0], [0.0, f32::INFINITY]] {
        for y in [0, 1] {
            assert!(!cross_entropy(&z, &[y], &mut [0.0]).is_finite(), "{z:?}");
            assert!(
                !softmax_cross_entropy(&z, &[y], &mut [0.0; 2], &mut [0.0]).is_finite(),
                "{z:?}"
            );
        }
    }
}

#[test]
fn ties_go_to_the_lowest_class() {
    for (row, class) in [([1.0, 1.0, 0.0], 0), ([0.0, 2.0, 2.0], 1), ([-1.0; 3], 0)] {
        assert_eq!([0, 1, 2].map(|label| is_correct(&row, label)), [0, 1, 2].map(|at| at == class));
    }
}

#[test]
fn logits_that_are_not_finite_predict_nothing() {
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    for row in [[nan, 1.0], [1.0, nan], [nan; 2], [infinity, 0.0], [0.0, -infinity]] {
        assert_eq!([0, 1].map(|label| is_correct(&row, label)), [false; 2], "{row:?}");
    }
}

#[test]
#[should_panic(expected = "label 2 of example 0 is not below 2")]
fn a_label_without_a_logit_is_refused() {
    cross_entropy(&[0.0, 0.0], &[2], &mut [0.0]);
}
