//! Networks on the CUDA device: its kernels, run on the processor, give the processor's results; and on a GPU,
//! wherever there is one.

use crate::devices::{on_the_host, vectors};
use coherence_cuda::Host;
use coherence_nn::{
    Activation,
    device::{Cpu, Cuda, Dropped, Elementwise, Losses, Memory},
    loss::{Loss, Targets},
};

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

#[test]
fn vectors_agree() {
    let device = Cuda::new(Host);
    for d in [0, 1, 1000, 40_000] {
        close("vectors", 1e-12, &vectors(&Cpu::default(), d), &vectors(&device, d));
    }
    assert_eq!(on_the_host(&device), on_the_host(&Cpu::default()));
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
