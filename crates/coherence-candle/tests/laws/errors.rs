//! What cannot be measured is an error that names it and the remedy.

use crate::{
    common::{AnyNetwork, Variables, device, on_device, random, recorded},
    network::graph,
};
use candle_core::{DType, Tensor};
use candle_nn::{Module, ModuleT, VarBuilder, VarMap};
use coherence_candle::{Linear, Network, Tap, batch_norm, linear};
use coherence_nn::{Model, layer::Mode, model::mlp};

#[track_caller]
fn refused<T: std::fmt::Debug>(result: candle_core::Result<T>, parts: &[&str]) {
    let message = result.unwrap_err().to_string();
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
}

/// A perceptron of our own, of these widths.
fn perceptron(widths: &[usize], vb: VarBuilder) -> candle_core::Result<AnyNetwork> {
    on_device!(d => {
        Network::new(Model::zeros_on(d, mlp(widths).unwrap()), vb).map(AnyNetwork::new)
    })
}

#[test]
fn a_layer_that_the_backward_pass_did_not_reach() {
    let (variables, tap) = (Variables::new(), Tap::new());
    let layer = linear(2, 2, variables.builder().pp("head")).unwrap();
    tap.record(|| layer.forward(&random(&[3, 2], 1))).unwrap();
    refused(tap.measure(), &["head.weight: no delta", "backward"]);
}

#[test]
fn variables_that_are_used_outside_of_tapped_layers() {
    let variables = Variables::new();
    let vb = variables.builder();
    let layer = linear(2, 2, vb.pp("fc")).unwrap();
    let shift = vb.get(2, "shift").unwrap();
    let variables = variables.randomize();
    let check = |model: &dyn Fn(Tensor) -> candle_core::Result<Tensor>| {
        let (per_example, gradients) = recorded(&random(&[3, 2], 1), &|x| model(layer.forward(x)?));
        per_example.measure().unwrap().check_complete(variables.map(), &gradients)
    };
    check(&|z| Ok(z)).unwrap();
    refused(
        check(&|z| z.broadcast_add(&shift)),
        &["shift has a gradient but is in no tapped layer"],
    );
    refused(check(&|z| z.matmul(layer.weight())), &["fc.weight is used outside of tapped layers"]);
}

#[test]
fn a_second_backward_pass() {
    let (variables, tap) = (Variables::new(), Tap::new());
    let layer = linear(2, 2, variables.builder().pp("head")).unwrap();
    let loss = tap.record(|| layer.forward(&random(&[3, 2], 1))).unwrap().sum_all().unwrap();
    loss.backward().unwrap();
    refused(loss.backward(), &["head.weight: a second backward pass"]);
}

#[test]
fn batch_normalisation_in_training_mode() {
    let (variables, tap) = (Variables::new(), Tap::new());
    let layer = batch_norm(2, 1e-5, variables.builder().pp("bn1")).unwrap();
    let x = random(&[3, 2, 4], 1);
    layer.forward_t(&x, true).unwrap();
    let remedies = ["bn1: batch normalisation in training mode", "evaluation mode", "deamplify"];
    refused(tap.record(|| layer.forward_t(&x, true)), &remedies);

    let vb = variables.builder().pp("small");
    let network =
        on_device!(d => Network::new(Model::zeros_on(d, graph()), vb).map(AnyNetwork::new));
    let network = network.unwrap();
    let x = random(&[1, 3, 7, 5], 1);
    let training = Mode { batch_statistics: true, dropout: None };
    refused(tap.record(|| network.forward_with_mode(&x, training)), &remedies[1..]);
    refused(network.forward_with_mode(&x, training), &["bn", "two examples"]);
}

#[test]
fn layers_that_disagree_in_the_number_of_examples() {
    let (variables, tap) = (Variables::new(), Tap::new());
    let vb = variables.builder();
    let (fc1, fc2) = (linear(2, 2, vb.pp("fc1")).unwrap(), linear(2, 2, vb.pp("fc2")).unwrap());
    let y = tap.record(|| {
        let h = fc1.forward(&random(&[3, 4, 2], 1))?;
        fc2.forward(&h.reshape((12, 2))?)
    });
    y.unwrap().sum_all().unwrap().backward().unwrap();
    refused(tap.measure(), &["fc1.weight had 3 examples", "fc2.weight 12"]);
}

#[test]
fn two_tensors_of_one_name() {
    let tap = Tap::new();
    let layers = [(); 2].map(|()| {
        let variables = Variables::new();
        linear(2, 2, variables.builder().pp("fc")).unwrap()
    });
    let y = tap.record(|| layers[1].forward(&layers[0].forward(&random(&[3, 2], 1))?));
    y.unwrap().sum_all().unwrap().backward().unwrap();
    refused(tap.measure(), &["two tensors are called fc.weight"]);
}

#[test]
fn a_weight_that_is_computed_from_another() {
    let (variables, tap) = (Variables::new(), Tap::new());
    let first = linear(2, 3, variables.builder().pp("fc")).unwrap();
    let tied = Linear::new("tied", first.weight().t().unwrap(), None);
    let y = tap.record(|| tied.forward(&random(&[4, 3], 1)));
    refused(y, &["tied.weight is computed from other variables"]);
}

#[test]
fn elements_other_than_f32() {
    let (variables, tap) = (VarMap::new(), Tap::new());
    let vb = VarBuilder::from_varmap(&variables, DType::F64, &device());
    let layer = linear(2, 3, vb.pp("fc")).unwrap();
    let x = random(&[4, 2], 1).to_dtype(DType::F64).unwrap();
    layer.forward(&x).unwrap();
    refused(tap.record(|| layer.forward(&x)), &["fc.weight", "F64", "F32"]);
    refused(perceptron(&[2, 2], vb), &["fc1.weight", "F64", "F32"]);
}

#[test]
fn a_network_that_is_used_twice() {
    let (variables, tap) = (Variables::new(), Tap::new());
    let network = perceptron(&[2, 2], variables.builder()).unwrap();
    let y = tap.record(|| network.forward(&network.forward(&random(&[3, 2], 1))?));
    y.unwrap().sum_all().unwrap().backward().unwrap();
    refused(tap.measure(), &["fc1.weight", "used twice"]);
}

#[test]
fn inputs_and_tensors_of_other_shapes() {
    let variables = Variables::new();
    let network = perceptron(&[4, 2], variables.builder()).unwrap();
    refused(network.forward(&random(&[3, 5], 1)), &["[m, 4, 1, 1]", "[3, 5]"]);
    refused(network.forward(&random(&[3, 1, 2, 2], 1)), &["[3, 1, 2, 2]"]);
    let ids = Tensor::new(&[[1u32, 2, 3, 4]], &device()).unwrap();
    refused(network.forward(&ids), &["the input", "U32"]);

    let other = Variables::new();
    other.builder().get((4, 2), "fc1.weight").unwrap();
    refused(perceptron(&[4, 2], other.builder()), &["fc1.weight", "[4, 2]"]);
    let none = VarBuilder::from_tensors(Default::default(), DType::F32, &device());
    refused(perceptron(&[4, 2], none), &["fc1.weight"]);
}

#[test]
fn an_example_beyond_the_batch() {
    let (variables, tap) = (Variables::new(), Tap::new());
    let layer = linear(2, 2, variables.builder().pp("fc")).unwrap();
    tap.record(|| layer.forward(&random(&[3, 2], 1)))
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    refused(tap.take().unwrap().example(3), &["example 3 of 3"]);
}
