//! The architectures against torchvision's: names, shapes, logits, per-example gradient norms and
//! running statistics. `tests/fixtures/parity.py` made the numbers and explains them.

use coherence_cpu::product::Output;
use coherence_nn::{
    Graph, Keep, Model, Shape, TensorSpec,
    layer::Mode,
    loss::{Loss, Targets},
    model::{
        Norm, Stem, alexnet, cifar_resnet, convnet, efficientnet_b0, inception_v3, lenet5,
        resnet18, resnet34, resnet50, vgg13,
    },
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Value j of tensor t, in PyTorch's order.
fn u(t: i64, j: usize) -> f64 {
    ((1103 * j as i64 + 12_345 * (t + 1)) % 2003) as f64 / 2003.0 - 0.5
}

fn value(tensor: &TensorSpec, t: i64, j: usize) -> f64 {
    let u = u(t, j);
    if tensor.shape.len() > 1 {
        4.0 * u / ((tensor.range.len() / tensor.shape[0]) as f64).sqrt()
    } else if tensor.name.ends_with("running_var") {
        1.0 + u
    } else if tensor.name.ends_with("weight") {
        1.0 + u / 2.0
    } else {
        u / 5.0
    }
}

/// Fills the network by the formula; `order` has the names in PyTorch's order.
fn filled(graph: Graph<f64>, order: &[String]) -> Model<f64> {
    let mut model = Model::zeros(graph);
    let index: BTreeMap<&str, i64> = (0..).zip(order).map(|(t, name)| (&name[..], t)).collect();
    let fill = |tensors: &[TensorSpec], values: &mut [f64]| {
        for tensor in tensors {
            let (t, range) = (index[&tensor.name[..]], &mut values[tensor.range.clone()]);
            (0..range.len()).for_each(|j| range[tensor.place(j)] = value(tensor, t, j));
        }
    };
    let tensors = model.layout().tensors().to_vec();
    fill(&tensors, model.parameters_mut());
    let statistics = model.graph().statistics().tensors().to_vec();
    fill(&statistics, model.statistics_mut());
    model
}

/// The three images, channels last.
fn images(shape: Shape) -> Vec<f64> {
    let mut x = vec![0.0; 3 * shape.values()];
    let (positions, channels) = (shape.positions(), shape.channels);
    for (at, out) in x.iter_mut().enumerate() {
        let (e, rest) = (at / shape.values(), at % shape.values());
        let (position, channel) = (rest / channels, rest % channels);
        *out = 2.0 * u(-1, (e * channels + channel) * positions + position);
    }
    x
}

#[track_caller]
fn close(found: f64, expected: f64, scale: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(error <= 1e-9 * scale, "{what}: {found}, torchvision has {expected}");
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// What torchvision has for a network, the shape of its images, and its tensors' names in order.
fn fixture(name: &str) -> (Value, Shape, Vec<String>) {
    let text = include_str!("../fixtures/parity.json");
    let mut fixture: BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
    let expected = fixture.remove(name).unwrap();
    let image: Vec<usize> = numbers(&expected["image"]).iter().map(|&n| n as usize).collect();
    let tensors = expected["tensors"].as_array().unwrap();
    let order = tensors.iter().map(|t| t[0].as_str().unwrap().to_owned()).collect();
    (expected, Shape::image(image[1], image[2], image[0]), order)
}

#[track_caller]
fn tensors_agree(name: &str, graph: &Graph<f64>, expected: &Value) {
    let ours = graph.layout().tensors().iter().chain(graph.statistics().tensors());
    let ours: BTreeMap<_, _> = ours.map(|t| (t.name.clone(), t.shape.clone())).collect();
    let theirs = expected["tensors"].as_array().unwrap().iter().map(|t| {
        let shape = numbers(&t[1]).iter().map(|&n| n as usize).collect();
        (t[0].as_str().unwrap().to_owned(), shape)
    });
    assert_eq!(ours, theirs.collect::<BTreeMap<_, Vec<usize>>>(), "tensors of {name}");
}

#[track_caller]
fn agrees(name: &str, build: impl FnOnce(Shape) -> Graph<f64>) {
    let (expected, shape, order) = fixture(name);
    let graph = build(shape);
    tensors_agree(name, &graph, &expected);
    let mut model = filled(graph, &order);
    let (x, labels) = (images(shape), [0, 1, 2]);
    let mut workspace = model.workspace(3, Keep::Activations);
    model.forward(&x, 3, &mut workspace);
    let rows: Vec<f64> = expected["logits"].as_array().unwrap().iter().flat_map(numbers).collect();
    let scale = rows.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    for (found, expected) in workspace.logits().iter().zip(&rows) {
        close(*found, *expected, scale, &format!("a logit of {name}"));
    }
    workspace.loss(Loss::default(), Targets::Labels(&labels[..]), &mut [0.0; 3]);
    model.backward(&x, &mut workspace, |factors| {
        let mut norms = [0.0; 3];
        factors.sq_norms(&mut norms);
        let expected = numbers(&expected["sq_norms"][factors.name]);
        let scale = expected.iter().fold(0.0, |max: f64, x| max.max(*x));
        for (found, expected) in norms.iter().zip(expected) {
            close(*found, expected, scale, &format!("a squared norm of {name} {}", factors.name));
        }
    });
    if let Some(running) = expected.get("running") {
        running_statistics_agree(name, &mut model, &x, running);
    }
}

/// Two steps of SGD in training mode on the MEAN loss.
fn running_statistics_agree(name: &str, model: &mut Model<f64>, x: &[f64], expected: &Value) {
    let mut workspace = model.workspace(3, Keep::Activations);
    for _ in 0..2 {
        workspace.set_mode(Mode { batch_statistics: true, dropout: None });
        model.forward(x, 3, &mut workspace);
        model.update_statistics(&workspace);
        workspace.loss(Loss::default(), Targets::Labels(&[0, 1, 2][..]), &mut [0.0; 3]);
        workspace.weight(0..3, -1e-5 / 3.0);
        model.step(x, &mut workspace, |factors, tensor| factors.sum(Output::Add, tensor));
    }
    for tensor in model.graph().statistics().tensors() {
        let values = &model.statistics()[tensor.range.clone()];
        let (sum, scale) = (values.iter().sum::<f64>(), values.iter().map(|x| x.abs()).sum());
        let expected = expected[&tensor.name].as_f64().unwrap();
        close(sum, expected, scale, &format!("the sum of {name} {}", tensor.name));
    }
}

#[test]
fn convolutional_networks_without_normalisation() {
    agrees("convnet", |image| convnet(image, 10).unwrap());
    agrees("lenet5", |image| lenet5(image, 10).unwrap());
}

#[test]
fn alexnet_is_torchvisions() {
    agrees("alexnet", |image| alexnet(image, 5).unwrap());
}

#[test]
fn vgg13_is_torchvisions() {
    agrees("vgg13", |image| vgg13(image, 5, false).unwrap());
    agrees("vgg13_bn", |image| vgg13(image, 5, true).unwrap());
}

#[test]
fn resnets_are_torchvisions() {
    use Norm::Batch;
    agrees("resnet18", |image| resnet18(image, 7, Stem::ImageNet, Batch).unwrap());
    agrees("resnet18_cifar", |image| resnet18(image, 7, Stem::Cifar, Batch).unwrap());
    agrees("resnet34", |image| resnet34(image, 7, Stem::ImageNet, Batch).unwrap());
    agrees("resnet50", |image| resnet50(image, 7, Stem::ImageNet, Batch).unwrap());
}

#[test]
fn resnets_with_group_normalisation_are_torchvisions() {
    agrees("resnet18_gn", |image| resnet18(image, 7, Stem::ImageNet, Norm::Group).unwrap());
    agrees("resnet50_gn", |image| resnet50(image, 7, Stem::ImageNet, Norm::Group).unwrap());
}

#[test]
fn resnets_for_cifar_are_those_of_torch() {
    agrees("resnet32", |image| cifar_resnet(32, image, 6, Norm::Batch).unwrap());
    agrees("resnet20_gn", |image| cifar_resnet(20, image, 6, Norm::Group).unwrap());
}

#[test]
fn inception_v3_is_torchvisions() {
    agrees("inception_v3", |image| inception_v3(image, 7, false).unwrap());
}

/// The auxiliary head by the loss of one image: the head needs images of 299², for which the passes of the
/// other networks would take minutes.
#[test]
fn inception_v3_with_its_auxiliary_head_is_torchvisions() {
    let (expected, shape, order) = fixture("inception_v3_aux");
    let graph = inception_v3(shape, 7, true).unwrap();
    tensors_agree("inception_v3_aux", &graph, &expected);
    let model = filled(graph, &order);
    let x = &images(shape)[..shape.values()];
    let mut workspace = model.workspace(1, Keep::Activations);
    model.forward(x, 1, &mut workspace);
    let sum = workspace.loss(Loss::default(), Targets::Labels(&[0][..]), &mut [0.0]);
    let expected = expected["loss"].as_f64().unwrap();
    close(sum, expected, expected, "the loss of inception_v3_aux");
}

#[test]
fn efficientnet_b0_is_torchvisions() {
    agrees("efficientnet_b0", |image| efficientnet_b0(image, 7).unwrap());
}
