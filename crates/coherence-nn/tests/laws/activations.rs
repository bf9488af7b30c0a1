//! Activations: values against their definitions, derivatives against finite differences.

use crate::{common::Case, gradients::gradient_is_the_slope};
use coherence_nn::{
    Activation, ActivationError, Keep, Model, device::Cpu, model::mlp_with_activation,
};

const ALL: [Activation; 9] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.01 },
    Activation::LeakyRelu { slope: 1.5 },
    Activation::Relu6,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Silu,
    Activation::Gelu,
    Activation::Identity,
];

/// φ(z), by a network of one neuron with weights 1 and biases 0.
fn value(activation: Activation, z: f64) -> f64 {
    let mut model = Model::<f64>::zeros(mlp_with_activation(&[1, 1, 1], activation).unwrap());
    model.parameters_mut().copy_from_slice(&[1.0, 0.0, 1.0, 0.0]);
    let mut workspace = model.workspace(1, Keep::Logits);
    model.forward(&[z], 1, &mut workspace);
    workspace.logits()[0]
}

/// Φ(z) by Simpson's rule over the density, from −12 on: an oracle without erf.
fn normal_distribution(z: f64) -> f64 {
    const STEPS: usize = 20_000;
    let width = (z + 12.0) / STEPS as f64;
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let weight = |s: usize| match s {
        0 | STEPS => 1.0,
        s if s % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let sum: f64 = (0..=STEPS).map(|s| weight(s) * density(-12.0 + s as f64 * width)).sum();
    sum * width / 3.0
}

#[test]
fn values_match_their_definitions() {
    for z in [-9.0, -2.5, -1.0, -1e-3, 0.0, 1e-3, 0.5, 1.0, 3.0, 9.0f64] {
        let expected = |activation| match activation {
            Activation::Relu => z.max(0.0),
            Activation::LeakyRelu { slope } => z.max(0.0) + slope * z.min(0.0),
            Activation::Relu6 => z.clamp(0.0, 6.0),
            Activation::Tanh => (z.exp() - (-z).exp()) / (z.exp() + (-z).exp()),
            Activation::Sigmoid => z.exp() / (z.exp() + 1.0),
            Activation::Silu => z * z.exp() / (z.exp() + 1.0),
            Activation::Gelu => z * normal_distribution(z),
            Activation::Identity => z,
            _ => unreachable!("an activation without a definition here"),
        };
        for activation in ALL {
            let (found, expected) = (value(activation, z), expected(activation));
            // The oracle adds a hundred thousand terms: it is exact to 1e-13 of z.
            let tolerance = 1e-13 * z.abs().max(1.0);
            assert!(
                (found - expected).abs() < tolerance,
                "{activation} at {z}: {found} {expected}"
            );
        }
    }
}

#[test]
fn gradients_are_the_slopes_of_the_sum_loss() {
    for activation in ALL {
        let case = Case::<f64>::new(&[6, 7, 5, 4, 3], 3, 11).with_biases(11);
        gradient_is_the_slope(case.with_activation(activation));
    }
}

/// Passes in f32 and f64 agree up to f32 rounding, on more examples than a thread's unit of work.
#[test]
fn single_precision_agrees_with_double() {
    for activation in ALL {
        let widths = [20, 40, 30, 5];
        let single = Case::<f32>::new(&widths, 400, 7).with_biases(7).with_activation(activation);
        let double = Case::<f64>::new(&widths, 400, 7).with_biases(7).with_activation(activation);
        let (single, double) = (single.gradient(), double.gradient());
        let scale = double.iter().fold(0.0f64, |most, g| most.max(g.abs()));
        for (found, expected) in single.iter().zip(&double) {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 1e-5 * scale, "{activation}: {found} {expected}");
        }
    }
}

/// Far from zero nothing overflows: values and slopes equal their limits.
#[test]
fn extremes_are_the_limits() {
    for z in [-1e30, -1000.0, 1000.0, 1e30] {
        let positive = if z > 0.0 { 1.0 } else { 0.0 };
        assert_eq!(value(Activation::Tanh, z), z.signum());
        assert_eq!(value(Activation::Sigmoid, z), positive);
        assert_eq!(value(Activation::Silu, z), positive * z);
        assert_eq!(value(Activation::Gelu, z), positive * z);
        for activation in ALL {
            let mut case = Case::<f64>::new(&[1, 1, 2], 1, 1).with_activation(activation);
            case.x.fill(z);
            assert!(case.gradient().iter().all(|g| g.is_finite()), "{activation} at {z}");
        }
    }
}

#[test]
fn nan_stays_nan() {
    for activation in ALL {
        assert!(value(activation, f64::NAN).is_nan(), "{activation}");
    }
}

#[test]
fn names_parse_to_the_same_activation() {
    for activation in ALL {
        assert_eq!(activation.to_string().parse(), Ok(activation));
    }
}

#[test]
fn unknown_names_and_invalid_slopes_are_refused() {
    for name in ["", "elu", "Relu", "relu:1", "leaky-relu0.1"] {
        assert_eq!(name.parse::<Activation>(), Err(ActivationError::Name(name.to_owned())));
    }
    for slope in ["", "-0.1", "nan", "inf", "x"] {
        let refused = format!("leaky-relu:{slope}").parse::<Activation>();
        assert_eq!(refused, Err(ActivationError::Slope(slope.to_owned())));
    }
}

#[test]
#[should_panic(expected = "a leaky ReLU of slope -1")]
fn a_negative_slope_is_refused() {
    let _ = mlp_with_activation::<f32, Cpu>(&[1, 1, 1], Activation::LeakyRelu { slope: -1.0 });
}
