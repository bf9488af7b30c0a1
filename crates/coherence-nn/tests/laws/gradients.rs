//! The backward pass against central finite differences.

use crate::common::Case;
use coherence_nn::{Activation, Builder, Element, Keep, Model, Shape, layer::Linear};

/// The step of PyTorch's gradcheck in f64. Its tolerances are 1e-5 and 1e-3; those used here are
/// stricter.
const STEP: f64 = 1e-6;

#[track_caller]
fn gradient_is_the_slope_of_the_sum_loss(widths: &[usize], m: usize) {
    gradient_is_the_slope(Case::<f64>::new(widths, m, 11).with_biases(11));
}

#[track_caller]
pub(crate) fn gradient_is_the_slope(mut case: Case<f64>) {
    let gradient = case.gradient();
    for (j, expected) in gradient.iter().enumerate() {
        let at = case.model.parameters()[j];
        let mut loss = |w: f64| {
            case.model.parameters_mut()[j] = w;
            case.passes().1
        };
        let slope = (loss(at + STEP) - loss(at - STEP)) / (2.0 * STEP);
        loss(at);
        let error = (slope - expected).abs();
        assert!(error < 1e-8 + 1e-6 * expected.abs(), "coordinate {j}: {expected} {slope}");
    }
}

#[test]
fn gradient_is_the_slope_without_a_hidden_layer() {
    gradient_is_the_slope_of_the_sum_loss(&[4, 3], 5);
}

#[test]
fn gradient_is_the_slope_with_one_hidden_layer() {
    gradient_is_the_slope_of_the_sum_loss(&[6, 5, 3], 4);
}

#[test]
fn gradient_is_the_slope_with_three_hidden_layers() {
    gradient_is_the_slope_of_the_sum_loss(&[6, 7, 5, 4, 3], 3);
}

#[test]
fn gradient_is_the_slope_of_an_empty_batch() {
    gradient_is_the_slope_of_the_sum_loss(&[3, 4, 2], 0);
}

#[test]
fn gradient_with_respect_to_the_input_is_the_slope() {
    let mut case = Case::<f64>::new(&[6, 5, 3], 4, 12).with_biases(12);
    let mut workspace = case.passes().0;
    let mut gradient = vec![f64::NAN; case.x.len()];
    case.model.backward_to_input(&case.x, &mut workspace, &mut gradient, |_| {});
    for (j, expected) in gradient.iter().enumerate() {
        let at = case.x[j];
        let mut loss = |x: f64| {
            case.x[j] = x;
            case.passes().1
        };
        let slope = (loss(at + STEP) - loss(at - STEP)) / (2.0 * STEP);
        loss(at);
        let error = (slope - expected).abs();
        assert!(error < 1e-8 + 1e-6 * expected.abs(), "input {j}: {expected} {slope}");
    }
}

/// z = W₂ (x + W₁ x): the input is read by two nodes, whose gradients are added.
#[test]
fn an_input_that_two_nodes_read_has_the_sum_of_their_gradients() {
    let (mut net, x) = Builder::<f64>::new(Shape::features(1));
    let linear = |inputs| Linear::new(inputs, 1).without_bias();
    let h = net.push("fc1", linear(x.shape), &[x], Activation::Identity).unwrap();
    let h = net.add("add", &[x, h], Activation::Identity).unwrap();
    net.push("fc2", linear(h.shape), &[h], Activation::Identity).unwrap();
    let mut model = Model::zeros(net.build("residual".to_owned()));
    model.parameters_mut().copy_from_slice(&[3.0, 5.0]);
    let mut workspace = model.workspace(1, Keep::Activations);
    model.forward(&[1.0], 1, &mut workspace);
    workspace.logits_and_delta().1.fill(2.0);
    let mut gradient = [f64::NAN];
    model.backward_to_input(&[1.0], &mut workspace, &mut gradient, |_| {});
    assert_eq!(gradient, [2.0 * 5.0 * (1.0 + 3.0)]);
}

/// A neuron whose pre-activation is exactly 0 propagates no gradient: relu′(0) = 0.
#[test]
fn a_neuron_at_zero_passes_no_gradient() {
    let mut case = Case::<f64>::new(&[2, 1, 2], 1, 1);
    case.x.fill(0.0);
    let gradient = case.gradient();
    assert!(gradient[..3].iter().all(|&g| g == 0.0), "{gradient:?}");
    assert!(gradient[5..].iter().all(|&g| g.widen() != 0.0), "{gradient:?}");
}

#[test]
fn nan_in_the_weights_reaches_the_loss() {
    let mut case = Case::<f32>::new(&[3, 4, 2], 2, 1);
    case.x.fill(1.0);
    case.model.parameters_mut()[0] = f32::NAN;
    assert!(case.passes().1.is_nan());
}

#[test]
#[should_panic(expected = "a batch of 3 in a workspace for 2")]
fn a_batch_over_the_capacity_is_refused() {
    let case = Case::<f32>::new(&[3, 2], 3, 1);
    case.model.forward(&case.x, 3, &mut case.model.workspace(2, Keep::Logits));
}
