//! The same network on two devices has the same bits, and a pass moves no number between host and device.

use crate::networks::{CLASSES, IMAGE, networks};
use coherence_core::aggregate::{Trimmed, Winsorized};
use coherence_cpu::{product::Output, vectors::Descent};
use coherence_nn::{
    Factors, Gradients, Graph, Keep, Model,
    device::{Cpu, Device, Memory, Remote, Vectors},
    layer::Mode,
    loss::{Loss, Targets},
    model::mlp,
    weights,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const M: usize = 4;
const CLIP: usize = 1;
const RATE: f64 = 0.5;
const GROUPS: usize = 3;

/// Every result of the factors of a tensor, in the memory of the device.
fn results<D: Device<f64>>(factors: &Factors<'_, f64, D>) -> Vec<D::Buffer<f64>> {
    let (device, d) = (&factors.device, factors.range.len());
    let mut results = Vec::new();
    let mut add = |len, write: &dyn Fn(D::SliceMut<'_, f64>)| {
        let mut result = device.zeros(len);
        write(D::view_mut(&mut result));
        results.push(result);
    };
    add(d, &|out| factors.sum(Output::Overwrite, out));
    if matches!(factors.gradients, Gradients::Sum(_)) {
        return results;
    }
    let mut v = device.zeros(d);
    factors.per_example(1, D::view_mut(&mut v));
    add(M, &|out| factors.sq_norms(out));
    add(M, &|out| factors.dots(D::view(&v), &mut device.zeros(0), out));
    add(d, &|out| factors.rows(1..3).sum(Output::Add, out));
    add(d, &|out| factors.robust_mean(Winsorized { clip: CLIP }, out));
    add(d, &|out| factors.robust_step(Winsorized { clip: CLIP }, RATE, out));
    add(d, &|out| factors.robust_mean(Trimmed { trim: CLIP }, out));
    add(d, &|out| factors.robust_step(Trimmed { trim: CLIP }, RATE, out));
    add(d, &|out| factors.median_of_sums_step(GROUPS, RATE, out));
    let mut norms = device.zeros(M);
    let mut sum = device.zeros(d);
    let (to, norms_to) = (D::view_mut(&mut sum), D::view_mut(&mut norms));
    factors.sum_and_sq_norms(Output::Overwrite, to, norms_to);
    results.extend([v, norms, sum]);
    results
}

/// One training step; returns every number that it computes. `transfers` counts those of the device so far.
pub(crate) fn step<D: Device<f64>>(
    device: &D,
    graph: Graph<f64, D>,
    mode: Mode,
    transfers: impl Fn(&D) -> usize,
) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    let mut draw = |len| (0..len).map(|_| rng.random_range(0.1..1.0)).collect::<Vec<f64>>();
    let mut model = Model::zeros_on(device.clone(), graph);
    device.upload(&draw(model.layout().parameters()), model.parameters_mut());
    device.upload(&draw(model.graph().statistics().parameters()), model.statistics_mut());
    let x = device.buffer_from(draw(M * IMAGE.values()));
    let labels = device.buffer_from((0..M).map(|e| (e % CLASSES) as u32).collect());
    let labels = Targets::<f64, D>::Labels(D::view(&labels));
    let [mut losses, mut evaluated] = [(); 2].map(|()| device.zeros(M));
    let mut workspace = model.workspace(M, Keep::Activations);
    workspace.set_mode(mode);

    let (before, x, mut of_factors) = (transfers(device), D::view(&x), Vec::new());
    let mut of_x = device.zeros(M * IMAGE.values());
    model.forward(x, M, &mut workspace);
    workspace.loss(Loss::SquaredError, labels, D::view_mut(&mut losses));
    model.backward_to_input(x, &mut workspace, D::view_mut(&mut of_x), |_| {});
    let sum = workspace.loss(Loss::default(), labels, D::view_mut(&mut losses));
    workspace.evaluate(Loss::SquaredError, labels, D::view_mut(&mut evaluated));
    workspace.weight(1..3, 0.25);
    model.step(x, &mut workspace, |factors, tensor| {
        of_factors.extend(results(factors));
        factors.sum(Output::Add, tensor);
    });
    model.update_statistics(&workspace);
    assert_eq!(transfers(device), before, "transfers in a pass of {}", model.graph().name());

    let of_factors = of_factors.iter().chain([&losses, &evaluated, &of_x]).map(D::view);
    let of_model = [workspace.logits(), model.parameters(), model.statistics()];
    let mut numbers: Vec<_> = of_factors.chain(of_model).map(|view| device.to_host(view)).collect();
    numbers.push(vec![sum]);
    numbers
}

#[track_caller]
fn same_bits(name: &str, cpu: &[Vec<f64>], remote: &[Vec<f64>]) {
    let bits = |numbers: &[Vec<f64>]| -> Vec<Vec<u64>> {
        numbers.iter().map(|n| n.iter().map(|x| x.to_bits()).collect()).collect()
    };
    assert_eq!(bits(cpu), bits(remote), "{name}");
    assert!(cpu.iter().flatten().all(|x| x.is_finite()), "{name}");
}

#[test]
fn every_layer_has_the_same_bits_on_every_device() {
    let remote = Remote::default();
    let modes = [Mode::default(), Mode { batch_statistics: true, dropout: Some(5) }];
    for mode in modes {
        for (on_cpu, on_remote) in networks().into_iter().zip(networks()) {
            let name = on_cpu.name().to_owned();
            let expected = step(&Cpu::default(), on_cpu, mode, |_| 0);
            same_bits(&name, &expected, &step(&remote, on_remote, mode, Remote::transfers));
        }
    }
    assert!(remote.transfers() > 0, "the device counts its transfers");
}

/// Every result of the family of vectors, over `d` coordinates.
pub(crate) fn vectors<D: Vectors<f64>>(device: &D, d: usize) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(29);
    let mut draw = || (0..d).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f64>>();
    let [x, y, z] = [(); 3].map(|()| device.buffer_from(draw()));
    let [mut sum, mut w, mut velocity, mut picked] = [(); 4].map(|()| device.buffer_from(draw()));
    let indices = device.buffer_from((0..d).map(|j| (d - 1 - j) as u32).collect());
    let [x, y, z] = [&x, &y, &z].map(D::view);
    device.accumulate(x, Output::Overwrite, D::view_mut(&mut sum));
    device.accumulate_wide(y, Output::Add, D::view_mut(&mut sum));
    let by = Descent { rate: 0.5, momentum: 0.25, nesterov: true, weight_decay: 0.125 };
    device.descend(by, x, Some(D::view_mut(&mut velocity)), D::view_mut(&mut w));
    device.descend(by, y, None, D::view_mut(&mut w));
    device.median_of_three_step([x, y, z], 0.5, 0.25, D::view_mut(&mut w));
    device.gather(x, D::view(&indices), D::view_mut(&mut picked));
    let mut results: Vec<_> =
        [&sum, &w, &velocity, &picked].map(|buffer| device.to_host(D::view(buffer))).into();
    results.push(vec![device.dot(x, y), device.dot_wide(y, z)]);
    results
}

#[test]
fn vectors_have_the_same_bits_on_every_device() {
    for d in [0, 1, 1000, 40_000] {
        same_bits("vectors", &vectors(&Cpu::default(), d), &vectors(&Remote::default(), d));
    }
}

/// Staged values and values changed on the host, on any device.
pub(crate) fn on_the_host<D: Memory>(device: &D) -> [Vec<f64>; 2] {
    let mut buffer = device.zeros(1);
    let staged: Vec<f64> = device.to_host(device.stage(&[1.0, 2.0, 3.0], &mut buffer));
    let mut values = device.buffer_from(staged.clone());
    device.with_host_mut(D::view_mut(&mut values), |values| values[1] = 5.0);
    [staged, device.with_host(D::view(&values), <[f64]>::to_vec)]
}

#[test]
fn the_host_reads_and_changes_the_values_of_every_device() {
    let expected = [vec![1.0, 2.0, 3.0], vec![1.0, 5.0, 3.0]];
    assert_eq!(on_the_host(&Cpu::default()), expected);
    assert_eq!(on_the_host(&Remote::default()), expected);
}

#[test]
fn weights_go_from_one_device_to_another() {
    let widths = [4, 3, 2];
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let model = Model::<f32>::initialized(mlp(&widths).unwrap(), rng);
    let device = Remote::default();
    let mut moved = Model::zeros_on(device.clone(), mlp::<f64, _>(&widths).unwrap());
    weights::load(&mut moved, &weights::to_safetensors(&model)).unwrap();
    let expected: Vec<f64> = model.parameters().iter().map(|&w| w.into()).collect();
    assert_eq!(device.to_host(moved.parameters()), expected);
}
