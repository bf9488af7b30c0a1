//! The initial values of every architecture: how torchvision draws each tensor (`tests/fixtures/initial.py`
//! made the table), and that what is drawn has that distribution.

use crate::parity::{fixture, network};
use coherence_nn::{
    Element, Graph, Initial, Model, Shape,
    model::{Norm, Stem, efficientnet_b0, resnet18},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;

/// Compares the kinds, and the numbers to the digits of the fixture.
fn is_torchvisions(initial: Initial, expected: &Value) -> bool {
    let (kind, number) = (expected[0].as_str().unwrap(), expected[1].as_f64().unwrap());
    let near = |found: f64| (found - number).abs() <= 1e-11 * number;
    match (initial, kind) {
        (Initial::Constant(value), "constant") => value == number,
        (Initial::Normal { std }, "normal") => near(std),
        (Initial::Uniform { bound }, "uniform") => near(bound),
        _ => false,
    }
}

#[test]
fn every_tensor_is_drawn_as_torchvision_draws_it() {
    let text = include_str!("../fixtures/initial.json");
    let networks: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(text).unwrap();
    for (name, expected) in networks {
        let graph: Graph<f32> = network(&name, fixture(&name).1);
        assert_eq!(graph.layout().tensors().len(), expected.len(), "tensors of {name}");
        for tensor in graph.layout().tensors() {
            let (found, expected) = (tensor.initial, &expected[&tensor.name]);
            let agrees = is_torchvisions(found, expected);
            assert!(agrees, "{name} {}: {found:?}, torchvision has {expected}", tensor.name);
        }
        for tensor in graph.statistics().tensors() {
            let of_variance = tensor.name.ends_with("running_var");
            assert_eq!(tensor.initial, Initial::Constant(f64::from(u8::from(of_variance))));
        }
    }
}

/// Mean and deviation within five standard errors, of a normal and of a uniform distribution.
#[test]
fn initial_values_have_the_distribution_of_their_tensor() {
    let image = Shape::image(32, 32, 3);
    let graphs = [
        resnet18(image, 1000, Stem::ImageNet, Norm::Batch).unwrap(),
        efficientnet_b0(image, 1000).unwrap(),
    ];
    for graph in graphs {
        let model = Model::<f32>::initialized(graph, &mut ChaCha8Rng::seed_from_u64(41));
        for tensor in model.layout().tensors() {
            let values = &model.parameters()[tensor.range.clone()];
            let n = values.len() as f64;
            let what = format!("{} {}", model.graph().name(), tensor.name);
            // The deviation, and the fourth moment over its square, which gives the error of the variance.
            let (std, kurtosis) = match tensor.initial {
                Initial::Constant(value) => {
                    assert!(values.iter().all(|x| x.widen() == value), "{what}");
                    continue;
                }
                Initial::Normal { std } => (std, 3.0),
                Initial::TruncatedNormal { .. } => unreachable!("no network has it"),
                Initial::Uniform { bound } => {
                    assert!(values.iter().all(|x| x.widen().abs() <= bound * 1.000_001), "{what}");
                    (bound / 3.0_f64.sqrt(), 1.8)
                }
            };
            let mean = values.iter().map(|x| x.widen()).sum::<f64>() / n;
            let square = values.iter().map(|x| x.widen().powi(2)).sum::<f64>() / n;
            assert!(
                mean.abs() <= 5.0 * std / n.sqrt(),
                "{what}: a mean of {mean}, deviation {std}"
            );
            let error = (square / (std * std) - 1.0).abs();
            assert!(error <= 5.0 * ((kurtosis - 1.0) / n).sqrt(), "{what}: {square}, not {std}²");
        }
    }
}
