//! Names of architectures, and the networks that they build.

use coherence_nn::{
    Activation, Graph, GraphError, Initial, Shape,
    device::Cpu,
    model::{Architecture, Norm, cifar_resnet, efficientnet_b0, inception_v3},
};
use std::collections::BTreeSet;

#[test]
fn every_name_is_read_back_and_builds_another_network() {
    let networks: BTreeSet<String> = Architecture::ALL
        .iter()
        .map(|architecture| {
            assert_eq!(architecture.to_string().parse(), Ok(architecture.clone()));
            let image = Shape::image(299, 299, 3);
            let graph: Graph<f32> = architecture.build(image, 9, Activation::Relu).unwrap();
            assert_eq!(graph.classes(), 9);
            graph.name().to_owned()
        })
        .collect();
    assert_eq!(networks.len(), Architecture::ALL.len());
}

#[test]
fn networks_with_group_normalisation_do_not_couple_examples() {
    for architecture in Architecture::ALL {
        let image = Shape::image(299, 299, 3);
        let graph: Graph<f32> = architecture.build(image, 2, Activation::Relu).unwrap();
        if architecture.to_string().ends_with(":gn") {
            assert_eq!(graph.couples_examples(), None, "{architecture}");
        }
    }
}

#[test]
fn residual_networks_for_cifar_have_6n_plus_2_layers() {
    for depth in [0, 2, 18, 33] {
        let refused = cifar_resnet::<f32, Cpu>(depth, Shape::image(32, 32, 3), 10, Norm::Batch);
        assert_eq!(refused.unwrap_err(), GraphError::Depth(depth));
    }
}

#[test]
fn images_that_are_too_small_are_refused() {
    let inception = |height, width, auxiliary| {
        inception_v3::<f32, Cpu>(Shape::image(height, width, 3), 10, auxiliary)
    };
    assert!(matches!(inception(74, 75, false), Err(GraphError::Convolution(_))));
    assert!(inception(75, 75, false).is_ok());
    assert_eq!(inception(320, 298, true).unwrap_err(), GraphError::Auxiliary(320, 298));
    assert!(inception(299, 299, true).is_ok());
    assert!(efficientnet_b0::<f32, Cpu>(Shape::image(1, 1, 3), 10).is_ok());
}

/// The initialisations by hand: `kaiming_normal_` of akamaster's network by the inputs of an output, of
/// torchvision's EfficientNet by the outputs, whatever the groups.
#[test]
fn initial_weights_are_those_of_the_sources() {
    let initial = |graph: &Graph<f32>, name: &str| graph.layout().get(name).unwrap().initial;
    let graph = cifar_resnet(20, Shape::image(32, 32, 3), 10, Norm::Batch).unwrap();
    let normal = |std: f64| Initial::Normal { std };
    assert_eq!(initial(&graph, "layer1.0.conv1.weight"), normal((2.0f64 / 144.0).sqrt()));
    assert_eq!(initial(&graph, "linear.weight"), normal((2.0f64 / 64.0).sqrt()));
    assert_eq!(initial(&graph, "linear.bias"), Initial::Uniform { bound: 0.125 });
    let graph = efficientnet_b0(Shape::image(32, 32, 3), 16).unwrap();
    // Depthwise: 32 channels, 3 × 3.
    assert_eq!(initial(&graph, "features.1.0.block.0.0.weight"), normal((2.0f64 / 288.0).sqrt()));
    assert_eq!(initial(&graph, "classifier.1.weight"), Initial::Uniform { bound: 0.25 });
}
