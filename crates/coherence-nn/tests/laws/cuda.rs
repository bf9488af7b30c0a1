//! Networks on the CUDA device: its kernels, run on the processor, give the processor's results; and on a GPU,
//! wherever there is one.

use crate::{
    devices::{on_the_host, step, vectors},
    networks::networks,
    parity::{self, OTHERS, RESNETS, WITHOUT_NORMALISATION},
};
use coherence_cpu::product::Output;
use coherence_cuda::{Driver, Engine, Host};
use coherence_nn::{
    Activation, Keep, Model, Shape,
    device::{Cpu, Cuda, Device, Dropped, Elementwise, Losses, Memory},
    layer::Mode,
    loss::{Loss, Targets},
    model::convnet,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Relative to the value or to the largest one of the result below 1e100, whichever is larger; NaN and
/// infinities in the same places.
#[track_caller]
fn close(name: &str, tolerance: f64, cpu: &[Vec<f64>], found: &[Vec<f64>]) {
    assert_eq!(cpu.len(), found.len(), "{name}");
    for (at, (cpu, found)) in cpu.iter().zip(found).enumerate() {
        assert_eq!(cpu.len(), found.len(), "{name}, result {at}");
        let tame = cpu.iter().map(|x| x.abs()).filter(|x| *x < 1e100);
        let largest = tame.fold(f64::MIN_POSITIVE, f64::max);
        for (j, (x, y)) in cpu.iter().zip(found).enumerate() {
            let same = x == y || x.is_nan() && y.is_nan();
            let near = x.is_finite() && (x - y).abs() <= tolerance * largest.max(x.abs());
            assert!(same || near, "{name}, result {at}, value {j}: {y} instead of {x}");
        }
    }
}

const MODES: [Mode; 2] = [
    Mode { batch_statistics: false, dropout: None },
    Mode { batch_statistics: true, dropout: Some(5) },
];

/// The loss of a pass goes to the host, and the windows of a pool are tables on the device: transfers are not
/// counted.
fn every_layer_agrees<E: Engine>(device: &Cuda<E>) {
    for mode in MODES {
        for (on_cpu, on_device) in networks().into_iter().zip(networks()) {
            let name = on_cpu.name().to_owned();
            let expected = step(&Cpu::default(), on_cpu, mode, |_| 0);
            close(&name, 1e-9, &expected, &step(device, on_device, mode, |_| 0));
        }
    }
}

#[test]
fn every_layer_agrees_with_the_processor() {
    every_layer_agrees(&Cuda::new(Host));
}

#[test]
fn vectors_agree() {
    let device = Cuda::new(Host);
    for d in [0, 1, 1000, 40_000] {
        close("vectors", 1e-12, &vectors(&Cpu::default(), d), &vectors(&device, d));
    }
    assert_eq!(on_the_host(&device), on_the_host(&Cpu::default()));
}

/// The logits, the gradient and the squared norms of a batch of a convolutional network in `f32`.
fn in_f32<D: Device<f32>>(device: &D) -> Vec<Vec<f64>> {
    const M: usize = 3;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut draw = |len| (0..len).map(|_| rng.random_range(-0.5..0.5)).collect::<Vec<f32>>();
    let mut model = Model::zeros_on(device.clone(), convnet(Shape::image(8, 8, 1), 3).unwrap());
    device.upload(&draw(model.layout().parameters()), model.parameters_mut());
    let x = device.buffer_from(draw(M * 64));
    let labels = device.buffer_from(vec![0, 2, 1]);
    let (mut losses, mut norms) = (device.zeros(M), device.zeros(M));
    let mut sum = device.zeros(model.layout().parameters());
    let mut workspace = model.workspace(M, Keep::Activations);
    model.forward(D::view(&x), M, &mut workspace);
    let labels = Targets::Labels(D::view(&labels));
    workspace.loss(Loss::default(), labels, D::view_mut(&mut losses));
    model.backward(D::view(&x), &mut workspace, |factors| {
        factors.sq_norms(D::view_mut(&mut norms));
        factors.sum(Output::Overwrite, D::part_mut(D::view_mut(&mut sum), factors.range.clone()));
    });
    let widen = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
    let (logits, sum) = (device.to_host(workspace.logits()), device.to_host(D::view(&sum)));
    let (losses, norms) = (device.to_host(D::view(&losses)), device.to_host(D::view(&norms)));
    vec![widen(logits), widen(sum), losses, norms]
}

#[test]
fn a_convolutional_network_agrees_in_f32() {
    close("f32", 1e-5, &in_f32(&Cpu::default()), &in_f32(&Cuda::new(Host)));
}

const ACTIVATIONS: [Activation; 8] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.2 },
    Activation::Relu6,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Silu,
    Activation::Gelu,
];

/// Values from −9 to 9, and every special one.
fn hostile() -> Vec<f64> {
    let special = [0.0, -0.0, 6.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN];
    (0..592).map(|j| f64::from(j - 296) / 33.0).chain(special).collect()
}

/// Each activation function with and without a bias, and its derivative.
fn activations<D: Elementwise<f64>>(device: &D) -> Vec<Vec<f64>> {
    let (z, mut results) = (hostile(), Vec::new());
    let bias = device.buffer_from(vec![0.5, 0.0, -1.0, 0.0]);
    for activation in ACTIVATIONS {
        for bias in [None, Some(D::view(&bias))] {
            let (mut x, mut kept) = (device.buffer_from(z.clone()), device.zeros(z.len()));
            device.activate(activation, bias, D::view_mut(&mut x), Some(D::view_mut(&mut kept)));
            let mut delta = device.buffer_from(z.iter().map(|z| 1.0 - 0.25 * z).collect());
            let of_z = activation.needs_pre_activations().then(|| D::view(&kept));
            device.activation_backward(activation, D::view(&x), of_z, D::view_mut(&mut delta));
            results.extend([x, kept, delta].map(|buffer| device.to_host(D::view(&buffer))));
        }
    }
    results
}

#[test]
fn activation_functions_agree_on_hostile_values() {
    close("activations", 1e-13, &activations(&Cpu::default()), &activations(&Cuda::new(Host)));
}

fn kept<D: Elementwise<f64>>(device: &D, dropped: &Dropped) -> Vec<f64> {
    let from = device.buffer_from((0..60 * dropped.unit).map(|j| f64::from(j as u32)).collect());
    let mut out = device.buffer_from(vec![0.5; 60 * dropped.unit]);
    device.add_kept(dropped, D::view(&from), D::view_mut(&mut out));
    device.to_host(D::view(&out))
}

#[test]
fn the_same_units_are_dropped_on_every_device() {
    for (seed, node) in [(0, 0), (1, 3), (u64::MAX, 1 << 33)] {
        for (probability, unit) in [(0.0, 1), (0.5, 1), (0.2, 7), (1.0 - 1e-9, 2)] {
            let dropped = Dropped { seed, node, probability, unit };
            assert_eq!(kept(&Cpu::default(), &dropped), kept(&Cuda::new(Host), &dropped));
        }
    }
}

/// Losses and their gradients of 200 examples of three outputs.
fn losses<D: Losses<f64>>(device: &D) -> Vec<Vec<f64>> {
    let m = 200;
    let labels = device.buffer_from((0..m as u32).map(|e| e % 3).collect());
    let (labels, values) = (Targets::Labels(D::view(&labels)), device.buffer_from(hostile()));
    let mut tame = hostile();
    tame.truncate(592);
    tame.resize(600, -0.25);
    let tame = device.buffer_from(tame);
    let (cross_entropy, squared) =
        (|smoothing| Loss::CrossEntropy { smoothing }, Loss::SquaredError);
    let values_of = |buffer| Targets::Values(D::view(buffer));
    let cases = [
        (cross_entropy(0.0), labels, &values),
        (cross_entropy(0.1), labels, &values),
        (squared, labels, &values),
        (cross_entropy(0.0), labels, &tame),
        (cross_entropy(1.0), labels, &tame),
        (squared, values_of(&tame), &tame),
        (squared, values_of(&values), &tame),
    ];
    let mut results = Vec::new();
    for (loss, targets, outputs) in cases {
        let (mut losses, mut again) = (device.zeros(m), device.zeros(m));
        let mut delta = device.zeros(3 * m);
        let (outputs, to_delta) = (D::view(outputs), D::view_mut(&mut delta));
        let sum =
            device.loss_with_gradient(loss, outputs, targets, to_delta, D::view_mut(&mut losses));
        let sum_again = device.loss(loss, outputs, targets, D::view_mut(&mut again));
        device.add_losses(0.5, D::view(&losses), D::view_mut(&mut again));
        results.extend([losses, again, delta].map(|buffer| device.to_host(D::view(&buffer))));
        results.push(vec![sum, sum_again]);
    }
    results
}

#[test]
fn losses_agree_on_hostile_values() {
    close("losses", 1e-13, &losses(&Cpu::default()), &losses(&Cuda::new(Host)));
}

#[test]
#[should_panic = "label 3 of example 1 is not below 3"]
fn a_label_that_is_no_class_is_refused() {
    let device = Cuda::new(Host);
    let (outputs, labels) = (device.buffer_from(vec![0.0; 6]), device.buffer_from(vec![0, 3]));
    let (labels, mut losses) = (Targets::<f64, _>::Labels(labels.view()), device.zeros(2));
    let loss = Loss::default();
    Losses::loss(&device, loss, outputs.view(), labels, losses.view_mut());
}

/// The architectures on the device's kernels. AlexNet and VGG-13, whose dense layers have most of all parameters here,
/// run on a GPU alone.
#[test]
fn architectures_are_torchvisions() {
    let device = Cuda::new(Host);
    let is_small = |name: &&&str| !["alexnet", "vgg13", "vgg13_bn"].contains(name);
    let all = [&WITHOUT_NORMALISATION[..], &RESNETS, &OTHERS].concat();
    let names: Vec<&str> = all.iter().filter(is_small).copied().collect();
    parity::agree(&device, &names);
}

/// The GPU, if there is one: without one a failure where `COHERENCE_CUDA` is `required`.
#[allow(clippy::print_stdout, reason = "a law that was not tested says so")]
fn gpu() -> Option<Cuda<Driver>> {
    let found = Driver::new(0).map(Cuda::new);
    if let Err(error) = &found {
        let required = std::env::var("COHERENCE_CUDA").is_ok_and(|value| value == "required");
        assert!(!required, "{error}");
        println!("not run on a GPU: {error}");
    }
    found.ok()
}

#[test]
fn every_layer_agrees_on_a_gpu() {
    let Some(device) = gpu() else { return };
    every_layer_agrees(&device);
    close("f32", 1e-5, &in_f32(&Cpu::default()), &in_f32(&device));
    close("activations", 1e-13, &activations(&Cpu::default()), &activations(&device));
    close("losses", 1e-12, &losses(&Cpu::default()), &losses(&device));
    close("vectors", 1e-12, &vectors(&Cpu::default(), 40_000), &vectors(&device, 40_000));
}

#[test]
fn architectures_are_torchvisions_on_a_gpu() {
    let Some(device) = gpu() else { return };
    let networks = [&WITHOUT_NORMALISATION[..], &RESNETS, &OTHERS];
    networks.iter().for_each(|names| parity::agree(&device, names));
    parity::auxiliary_head_agrees(&device);
}
