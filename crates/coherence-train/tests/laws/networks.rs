//! What holds for the perceptron holds for a network of convolutions, normalisation and dropout.

use crate::blobs::{Blobs, CLASSES, FEATURES, config, go, one_by_one};
use coherence_cpu::{convolution::Convolution as Sizes, pool::Pool};
use coherence_data::random;
use coherence_nn::{
    Activation::{Identity, Relu},
    Builder, Model, Shape,
    layer::{BatchNorm, Convolution, Dropout, Linear, MaxPool},
};
use coherence_tests::naive;
use coherence_train::{
    Aggregation, Config, ConfigError, OverTime, Row, State, Trainer, TrainingRun,
    measure::{By, measure},
};
use std::{path::Path, sync::atomic::AtomicBool};

const TRAIN: Blobs = Blobs { n: 110, seed: 1 };
const TEST: Blobs = Blobs { n: 40, seed: 2 };

/// A row of six pixels: a convolution of 1 × 3, normalisation, the maxima of pairs, a residual
/// convolution, dropout, and a linear layer.
fn network() -> Model<f32> {
    let (mut net, x) = Builder::new(Shape::image(1, FEATURES, 1));
    let sizes = Sizes { padding: [0, 1], ..Sizes::new([1, FEATURES], 1, 4, [1, 3]) };
    let z = net.push("conv1", Convolution::new(sizes).unwrap(), &[x], Identity).unwrap();
    let h = net.push("bn1", BatchNorm::new(z.shape), &[z], Relu).unwrap();
    let pool = Pool {
        input: h.shape.size(),
        channels: 4,
        kernel: [1, 2],
        stride: [1, 2],
        padding: [0, 0],
        ceil: false,
    };
    let h = net.push("pool", MaxPool::new(pool).unwrap(), &[h], Identity).unwrap();
    let sizes = Sizes { padding: [0, 1], ..Sizes::new(h.shape.size(), 4, 4, [1, 3]) };
    let z = net.push("conv2", Convolution::new(sizes).unwrap(), &[h], Identity).unwrap();
    let h = net.add("add", &[z, h], Relu).unwrap();
    let h = net.push("dropout", Dropout::new(h.shape, 0.25), &[h], Identity).unwrap();
    net.push("fc", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    let graph = net.build("a test network".to_owned());
    Model::initialized(graph, &mut random::stream(5, "initialisation"))
}

fn trainer(config: Config) -> Trainer {
    Trainer::new(config, network(), &TRAIN, &TEST).unwrap()
}

fn files(folder: &Path, stops: &[u64]) -> Vec<Vec<u8>> {
    for stop_at in stops.iter().copied().chain([u64::MAX]) {
        let stop = AtomicBool::new(false);
        let of = config(Aggregation::OverTime(OverTime::Rm3));
        let mut run = TrainingRun::open(folder, of, network(), &TRAIN, &TEST).unwrap();
        let raise = |step| stop.store(step >= stop_at, std::sync::atomic::Ordering::Relaxed);
        run.advance(&stop, |progress| raise(progress.step)).unwrap();
    }
    ["metrics.csv", "learned.csv", "weights.safetensors", "checkpoint.safetensors"]
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .to_vec()
}

#[test]
fn stopped_and_resumed_it_ends_with_the_same_bytes() {
    let [whole, parts] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let expected = files(whole.path(), &[]);
    assert!(files(parts.path(), &[0, 1, 8, 19, 29]) == expected);
    let moved = trainer_after(config(Aggregation::OverTime(OverTime::Rm3)), 30);
    assert!(moved.statistics != network().statistics(), "the running statistics moved");
}

fn trainer_after(config: Config, steps: usize) -> State {
    let mut trainer = trainer(config);
    go(&mut trainer, steps);
    trainer.state()
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let run = || {
        let mut trainer = trainer(config(Aggregation::Mean));
        go(&mut trainer, 12);
        let mut rows: Vec<Row> = Vec::new();
        trainer.observe(&mut rows).unwrap();
        let by = By { class: true, example: true, errors: true };
        (trainer.state(), rows, measure(trainer.model(), &TRAIN, by).unwrap())
    };
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let [one, two] = [1, 2].map(|n| pool(n).install(run));
    assert!(one == two);
}

/// A step over all examples in one mini-batch, against sorting the gradients of batches of one.
#[test]
fn a_winsorised_step_by_the_running_statistics_sorts_and_clips() {
    let of = Config {
        batch: TRAIN.n,
        rate: 1.0,
        batch_statistics: false,
        ..config(Aggregation::Winsorized { clip: 7 })
    };
    let mut trainer = Trainer::new(of, without_dropout(), &TRAIN, &TEST).unwrap();
    let before = trainer.model().parameters().to_vec();
    let examples = one_by_one(trainer.model(), &TRAIN);
    go(&mut trainer, 1);
    for (j, (after, before)) in trainer.model().parameters().iter().zip(before).enumerate() {
        let column: Vec<f64> = examples.iter().map(|(gradient, ..)| gradient[j]).collect();
        let expected = f64::from(before) - naive::aggregate::winsorized(&column, 7);
        let error = (f64::from(*after) - expected).abs();
        assert!(error < 1e-6, "coordinate {j}: {after} {expected}");
    }
}

#[test]
fn alpha_of_every_tensor_is_that_of_the_loop() {
    let model = without_dropout();
    let examples = one_by_one(&model, &TRAIN);
    let measured = measure(&model, &TRAIN, By::default()).unwrap();
    let tensors = measured.tensors.iter().zip(model.layout().tensors());
    for ((name, found), tensor) in tensors {
        let rows: Vec<Vec<f64>> =
            examples.iter().map(|(gradient, ..)| gradient[tensor.range.clone()].to_vec()).collect();
        let (found, expected) = (found.coherence.alpha(), naive::alpha(&rows));
        assert!((found - expected).abs() < 1e-6 * expected, "{name}: {found} {expected}");
    }
}

/// Another network, whose gradients do not depend on what is dropped.
fn without_dropout() -> Model<f32> {
    let (mut net, x) = Builder::new(Shape::image(1, FEATURES, 1));
    let sizes = Sizes { padding: [0, 1], ..Sizes::new([1, FEATURES], 1, 4, [1, 3]) };
    let z = net.push("conv1", Convolution::new(sizes).unwrap(), &[x], Identity).unwrap();
    let h = net.push("bn1", BatchNorm::new(z.shape), &[z], Relu).unwrap();
    let sizes = Sizes { stride: [1, 2], ..Sizes::new(h.shape.size(), 4, 3, [1, 2]) };
    let h = net.push("conv2", Convolution::new(sizes).unwrap(), &[h], Relu).unwrap();
    net.push("fc", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    let graph = net.build("a test network without dropout".to_owned());
    Model::initialized(graph, &mut random::stream(6, "initialisation"))
}

#[test]
fn rules_that_need_each_example_are_refused_before_the_first_step() {
    for rule in [Aggregation::Winsorized { clip: 2 }, Aggregation::MedianOfMeans { groups: 3 }] {
        let error = Trainer::new(config(rule), network(), &TRAIN, &TEST).unwrap_err();
        assert!(matches!(&error, ConfigError::Coupled { layer, .. } if layer == "bn1"), "{error}");
        let message = error.to_string();
        assert!(message.contains("running statistics") && message.contains("m3"), "{message}");
        let running = Config { batch_statistics: false, ..config(rule) };
        assert!(Trainer::new(running, network(), &TRAIN, &TEST).is_ok());
    }
}
