//! `measure` against loops over single examples.

use crate::blobs::{Blobs, CLASSES, network, one_by_one};
use coherence_core::{Coherence, Sums, layers, unbiased::jackknife};
use coherence_data::{Dataset, digits};
use coherence_nn::Mlp;
use coherence_train::measure::{By, MeasureError, Measurement, measure};

const ALL: By = By { class: true, example: true };
const DATA: Blobs = Blobs { n: 1310, seed: 1 };

fn loops_coherence(gradients: impl Iterator<Item = Vec<f64>>) -> Coherence {
    let mut sums: Option<Sums<Vec<f64>>> = None;
    for gradient in gradients {
        sums.get_or_insert_with(|| Sums::zeros(gradient.len())).add(&gradient).unwrap();
    }
    sums.map_or(Coherence::default(), |sums| sums.coherence())
}

#[track_caller]
fn agrees(found: Coherence, expected: Coherence) {
    assert_eq!(found.m, expected.m);
    for (found, expected) in [
        (found.sq_norm_of_sum, expected.sq_norm_of_sum),
        (found.sum_sq_norms, expected.sum_sq_norms),
    ] {
        assert!((found - expected).abs() < 1e-6 * expected, "{found} {expected}");
    }
}

#[test]
fn network_tensors_and_classes_are_the_loops() {
    let mlp = network();
    let all = one_by_one(&mlp, &DATA);
    let gradients = || all.iter().map(|(gradient, ..)| gradient.clone());
    let measured = measure(&mlp, &DATA, ALL).unwrap();
    agrees(measured.network, loops_coherence(gradients()));
    for ((name, found), tensor) in measured.tensors.iter().zip(mlp.layout().tensors()) {
        assert_eq!(*name, tensor.name);
        agrees(*found, loops_coherence(gradients().map(|g| g[tensor.range.clone()].to_vec())));
    }
    assert_eq!(measured.classes.len(), CLASSES);
    for (class, found) in &measured.classes {
        let members = (0..DATA.n).filter(|&i| DATA.target(i).label == *class);
        agrees(*found, loops_coherence(members.map(|i| all[i].0.clone())));
    }
}

#[test]
fn examples_are_the_loops() {
    let mlp = network();
    let all = one_by_one(&mlp, &DATA);
    let sum = coherence_tests::naive::sum(&all.iter().map(|(g, ..)| g.clone()).collect::<Vec<_>>());
    let measured = measure(&mlp, &DATA, ALL).unwrap();
    let scale = sum.iter().map(|s| s * s).sum::<f64>().sqrt();
    for (example, (gradient, loss, _)) in measured.examples.iter().zip(&all) {
        let norm = coherence_tests::naive::sq_norm(gradient);
        let dot = coherence_tests::naive::dot(gradient, &sum);
        // One example's deltas are differences in f32, which sums over many do not show.
        assert!((example.member.sq_norm - norm).abs() < 1e-5 * norm);
        assert!((example.member.dot_with_sum - dot).abs() < 1e-5 * scale * norm.sqrt());
        assert!((example.loss - loss).abs() < 1e-6 * (1.0 + loss));
        assert_eq!(DATA.target(example.index).label, example.label);
        assert_eq!(DATA.target(example.index).designation, example.designation);
    }
}

#[test]
fn mean_helpfulness_is_the_unbiased_alpha() {
    let Measurement { network, examples, alpha_unbiased, .. } =
        measure(&network(), &DATA, ALL).unwrap();
    let mean = examples.iter().filter_map(|e| e.helpfulness).sum::<f64>() / examples.len() as f64;
    let estimate = alpha_unbiased.unwrap();
    assert!((mean - estimate.value).abs() < 1e-6, "{mean} {estimate:?}");
    assert_eq!(Some(estimate), jackknife(network, examples.iter().map(|e| e.member)));
}

/// A10: the network's α is the energy-weighted combination of its tensors'.
#[test]
fn tensors_combine_to_the_network() {
    let measured = measure(&network(), &DATA, By::default()).unwrap();
    let tensors: Vec<Coherence> = measured.tensors.iter().map(|(_, tensor)| *tensor).collect();
    let combined = layers::network(&tensors).unwrap();
    assert!((combined.alpha() - measured.network.alpha()).abs() < 1e-12);
}

#[test]
fn what_is_not_asked_for_is_not_there() {
    let measured = measure(&network(), &DATA, By::default()).unwrap();
    assert!(measured.classes.is_empty() && measured.examples.is_empty());
    assert_eq!(measured.alpha_unbiased, None);
}

#[test]
fn a_single_example_has_alpha_one() {
    let measured = measure(&network(), &Blobs { n: 1, seed: 1 }, ALL).unwrap();
    assert!((measured.network.alpha() - 1.0).abs() < 1e-6);
    assert_eq!((measured.alpha_unbiased, measured.examples[0].helpfulness), (None, None));
}

#[test]
fn data_that_cannot_be_measured_are_refused() {
    let refused = |mlp: &Mlp<f32>, data: &dyn Dataset| measure(mlp, data, ALL).unwrap_err();
    assert_eq!(refused(&network(), &Blobs { n: 0, seed: 1 }), MeasureError::Empty);
    let features = MeasureError::Features { found: 784, expected: 6 };
    assert_eq!(refused(&network(), &digits::test()), features);
    let classes = MeasureError::Classes { found: 3, expected: 2 };
    assert_eq!(refused(&Mlp::zeros(&[6, 2]).unwrap(), &DATA), classes);
    let mut diverged = network();
    diverged.parameters_mut().fill(f32::NAN);
    let error = refused(&diverged, &DATA);
    assert!(matches!(error, MeasureError::NonFinite { index: 0, loss } if loss.is_nan()));
}
