//! The architectures against torchvision's: names, shapes, logits, per-example gradient norms and
//! running statistics. `tests/fixtures/parity.py` made the numbers and explains them.

use coherence_cpu::product::Output;
use coherence_nn::{
    Element, Graph, Keep, Model, Shape, TensorSpec, Workspace,
    device::{Cpu, Device},
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
fn filled<D: Device<f64>>(device: &D, graph: Graph<f64, D>, order: &[String]) -> Model<f64, D> {
    let mut model = Model::zeros_on(device.clone(), graph);
    let index: BTreeMap<&str, i64> = (0..).zip(order).map(|(t, name)| (&name[..], t)).collect();
    let fill = |tensors: &[TensorSpec], values: &mut [f64]| {
        for tensor in tensors {
            let (t, range) = (index[&tensor.name[..]], &mut values[tensor.range.clone()]);
            (0..range.len()).for_each(|j| range[tensor.place(j)] = value(tensor, t, j));
        }
    };
    let tensors = model.layout().tensors().to_vec();
    device.with_host_mut(model.parameters_mut(), |values| fill(&tensors, values));
    let statistics = model.graph().statistics().tensors().to_vec();
    device.with_host_mut(model.statistics_mut(), |values| fill(&statistics, values));
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
pub(crate) fn fixture(name: &str) -> (Value, Shape, Vec<String>) {
    let text = include_str!("../fixtures/parity.json");
    let mut fixture: BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
    let expected = fixture.remove(name).unwrap();
    let image: Vec<usize> = numbers(&expected["image"]).iter().map(|&n| n as usize).collect();
    let tensors = expected["tensors"].as_array().unwrap();
    let order = tensors.iter().map(|t| t[0].as_str().unwrap().to_owned()).collect();
    (expected, Shape::image(image[1], image[2], image[0]), order)
}

#[track_caller]
fn tensors_agree<D: Device<f64>>(name: &str, graph: &Graph<f64, D>, expected: &Value) {
    let ours = graph.layout().tensors().iter().chain(graph.statistics().tensors());
    let ours: BTreeMap<_, _> = ours.map(|t| (t.name.clone(), t.shape.clone())).collect();
    let theirs = expected["tensors"].as_array().unwrap().iter().map(|t| {
        let shape = numbers(&t[1]).iter().map(|&n| n as usize).collect();
        (t[0].as_str().unwrap().to_owned(), shape)
    });
    assert_eq!(ours, theirs.collect::<BTreeMap<_, Vec<usize>>>(), "tensors of {name}");
}

/// The network of a fixture.
pub(crate) fn network<T: Element, D: Device<T>>(name: &str, image: Shape) -> Graph<T, D> {
    use {Norm::*, Stem::*};
    let graph = match name {
        "convnet" => convnet(image, 10),
        "lenet5" => lenet5(image, 10),
        "alexnet" => alexnet(image, 5),
        "vgg13" => vgg13(image, 5, false),
        "vgg13_bn" => vgg13(image, 5, true),
        "resnet18" => resnet18(image, 7, ImageNet, Batch),
        "resnet18_cifar" => resnet18(image, 7, Cifar, Batch),
        "resnet34" => resnet34(image, 7, ImageNet, Batch),
        "resnet50" => resnet50(image, 7, ImageNet, Batch),
        "resnet18_gn" => resnet18(image, 7, ImageNet, Group),
        "resnet50_gn" => resnet50(image, 7, ImageNet, Group),
        "resnet32" => cifar_resnet(32, image, 6, Batch),
        "resnet20_gn" => cifar_resnet(20, image, 6, Group),
        "inception_v3" => inception_v3(image, 7, false),
        "inception_v3_aux" => inception_v3(image, 7, true),
        "efficientnet_b0" => efficientnet_b0(image, 7),
        _ => panic!("no network for {name}"),
    };
    graph.unwrap()
}

/// The networks on a device have torchvision's numbers.
#[track_caller]
pub(crate) fn agree<D: Device<f64>>(device: &D, names: &[&str]) {
    names.iter().for_each(|name| agrees(device, name));
}

#[track_caller]
fn agrees<D: Device<f64>>(device: &D, name: &str) {
    let (expected, shape, order) = fixture(name);
    let graph = network(name, shape);
    tensors_agree(name, &graph, &expected);
    let mut model = filled(device, graph, &order);
    let (x, labels) = (device.buffer_from(images(shape)), device.buffer_from(vec![0, 1, 2]));
    let mut losses = device.zeros(3);
    let mut workspace = model.workspace(3, Keep::Activations);
    model.forward(D::view(&x), 3, &mut workspace);
    let rows: Vec<f64> = expected["logits"].as_array().unwrap().iter().flat_map(numbers).collect();
    let scale = rows.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    for (found, expected) in device.to_host(workspace.logits()).iter().zip(&rows) {
        close(*found, *expected, scale, &format!("a logit of {name}"));
    }
    let labels = Targets::Labels(D::view(&labels));
    workspace.loss(Loss::default(), labels, D::view_mut(&mut losses));
    sq_norms_agree(name, &model, D::view(&x), &mut workspace, &expected);
    assert_eq!(
        expected.get("running").is_some(),
        model.graph().couples_examples().is_some(),
        "{name}"
    );
    if let Some(running) = expected.get("running") {
        running_statistics_agree(name, &mut model, D::view(&x), running);
    }
}

/// Each example's squared gradient norm by tensor, after the loss.
#[track_caller]
fn sq_norms_agree<D: Device<f64>>(
    name: &str,
    model: &Model<f64, D>,
    x: D::Slice<'_, f64>,
    workspace: &mut Workspace<f64, D>,
    expected: &Value,
) {
    let device = model.device();
    let mut visited = 0;
    model.backward(x, workspace, |factors| {
        visited += 1;
        let expected = numbers(&expected["sq_norms"][factors.name]);
        let mut norms = device.zeros(expected.len());
        factors.sq_norms(D::view_mut(&mut norms));
        let scale = expected.iter().fold(0.0, |max: f64, x| max.max(*x));
        for (found, expected) in device.to_host(D::view(&norms)).iter().zip(expected) {
            close(*found, expected, scale, &format!("a squared norm of {name} {}", factors.name));
        }
    });
    assert_eq!(visited, model.layout().tensors().len(), "tensors of {name}");
}

/// Two steps of SGD in training mode on the MEAN loss.
fn running_statistics_agree<D: Device<f64>>(
    name: &str,
    model: &mut Model<f64, D>,
    x: D::Slice<'_, f64>,
    expected: &Value,
) {
    let rate = expected["rate"].as_f64().unwrap();
    let device = model.device().clone();
    let (labels, mut losses) = (device.buffer_from(vec![0, 1, 2]), device.zeros(3));
    let mut workspace = model.workspace(3, Keep::Activations);
    for _ in 0..2 {
        workspace.set_mode(Mode { batch_statistics: true, dropout: None });
        model.forward(x, 3, &mut workspace);
        model.update_statistics(&workspace);
        let labels = Targets::Labels(D::view(&labels));
        workspace.loss(Loss::default(), labels, D::view_mut(&mut losses));
        workspace.weight(0..3, -rate / 3.0);
        model.step(x, &mut workspace, |factors, tensor| factors.sum(Output::Add, tensor));
    }
    let statistics = device.to_host(model.statistics());
    for tensor in model.graph().statistics().tensors() {
        let values = &statistics[tensor.range.clone()];
        let weighted = (0..).zip(values).map(|(j, x)| u(0, j) * x);
        let found = [values.iter().sum(), weighted.sum()];
        let scale = values.iter().map(|x| x.abs()).sum();
        for (found, expected) in found.into_iter().zip(numbers(&expected["sums"][&tensor.name])) {
            close(found, expected, scale, &format!("a sum of {name} {}", tensor.name));
        }
    }
}

/// The auxiliary head by one image: the head needs images of 299², for which the passes of the
/// other networks would take minutes.
#[track_caller]
pub(crate) fn auxiliary_head_agrees<D: Device<f64>>(device: &D) {
    let (expected, shape, order) = fixture("inception_v3_aux");
    let graph = network("inception_v3_aux", shape);
    tensors_agree("inception_v3_aux", &graph, &expected);
    let model = filled(device, graph, &order);
    let x = device.buffer_from(images(shape)[..shape.values()].to_vec());
    let (label, mut losses) = (device.buffer_from(vec![0]), device.zeros(1));
    let mut workspace = model.workspace(1, Keep::Activations);
    model.forward(D::view(&x), 1, &mut workspace);
    let label = Targets::Labels(D::view(&label));
    let sum = workspace.loss(Loss::default(), label, D::view_mut(&mut losses));
    let loss = expected["loss"].as_f64().unwrap();
    close(sum, loss, loss, "the loss of inception_v3_aux");
    sq_norms_agree("inception_v3_aux", &model, D::view(&x), &mut workspace, &expected);
}

pub(crate) const WITHOUT_NORMALISATION: [&str; 4] = ["convnet", "lenet5", "alexnet", "vgg13"];
pub(crate) const RESNETS: [&str; 5] =
    ["vgg13_bn", "resnet18", "resnet18_cifar", "resnet34", "resnet50"];
pub(crate) const OTHERS: [&str; 6] =
    ["resnet18_gn", "resnet50_gn", "resnet32", "resnet20_gn", "inception_v3", "efficientnet_b0"];

#[test]
fn networks_without_normalisation_are_torchvisions() {
    agree(&Cpu::default(), &WITHOUT_NORMALISATION);
}

#[test]
fn resnets_are_torchvisions() {
    agree(&Cpu::default(), &RESNETS);
}

#[test]
fn other_networks_are_torchvisions() {
    agree(&Cpu::default(), &OTHERS);
}

#[test]
fn inception_v3_with_its_auxiliary_head_is_torchvisions() {
    auxiliary_head_agrees(&Cpu::default());
}
