//! The backward pass against central finite differences and against candle's autograd.

use crate::common::Case;
use candle_core::{DType, Device, Tensor, Var};
use coherence_nn::{Element, Keep};

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

/// The same network in candle. Its cross-entropy is a MEAN, hence the factor m. Its relu′(0) is 1
/// instead of 0, but random pre-activations are never exactly 0.
fn candles_gradient(case: &Case<f32>) -> candle_core::Result<Vec<f32>> {
    let device = Device::Cpu;
    let vars: Vec<Var> = (case.model.layout().tensors().iter())
        .map(|t| {
            let values = &case.model.parameters()[t.range.clone()];
            Var::from_tensor(&Tensor::from_slice(values, t.shape.clone(), &device)?)
        })
        .collect::<candle_core::Result<_>>()?;
    let mut h = Tensor::from_slice(&case.x, (case.m, case.model.inputs()), &device)?;
    for (l, layer) in vars.chunks(2).enumerate() {
        let z = h.matmul(&layer[0].t()?)?.broadcast_add(&layer[1])?;
        h = if 2 * (l + 1) < vars.len() { z.relu()? } else { z };
    }
    let labels = Tensor::from_slice(&case.labels, case.m, &device)?;
    let loss = (candle_nn::loss::cross_entropy(&h, &labels)? * case.m as f64)?;
    let gradients = loss.backward()?;
    let mut flat = Vec::new();
    for var in &vars {
        let gradient = gradients.get(var).expect("every parameter has a gradient");
        flat.extend(gradient.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(flat)
}

#[test]
fn gradient_equals_that_of_candles_autograd() {
    for m in [1, 2, 3, 5, 8, 100] {
        let case = Case::<f32>::new(&[30, 24, 17, 10], m, 5).with_biases(5);
        let expected = candles_gradient(&case).unwrap();
        let scale = expected.iter().fold(0.0f32, |max, g| max.max(g.abs()));
        for (found, expected) in case.gradient().iter().zip(&expected) {
            assert!((found - expected).abs() < 2e-6 * scale, "m = {m}: {found} {expected}");
        }
    }
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
