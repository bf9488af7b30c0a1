//! Softmax cross-entropy against its definition, at ordinary and at extreme logits.

use coherence_nn::loss::{cross_entropy, predictions, softmax_cross_entropy};
use coherence_tests::cases;
use proptest::prelude::*;

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
    let mut out = [9; 3];
    predictions(&[1.0, 1.0, 0.0, 0.0, 2.0, 2.0, -1.0, -1.0, -1.0], 3, &mut out);
    assert_eq!(out, [0, 1, 0]);
}

#[test]
#[should_panic(expected = "label 2 of example 0 is not below 2")]
fn a_label_without_a_logit_is_refused() {
    cross_entropy(&[0.0, 0.0], &[2], &mut [0.0]);
}
