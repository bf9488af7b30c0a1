//! What holds for the perceptron holds for a network of convolutions, normalisation and dropout.

use crate::blobs::{Blobs, CLASSES, FEATURES, beginning, config, examples, go, one_by_one};
use crate::resuming::survives_kills;
use coherence_cpu::convolution::Convolution as Sizes;
use coherence_data::{
    Dataset,
    augment::{Augmentation, Augmented},
    digits, random,
    select::Subset,
};
use coherence_nn::{
    Activation::{Identity, Relu},
    Builder, Graph, Keep, Model, Shape,
    device::Device,
    layer::{BatchNorm, Convolution, Dropout, Linear},
    model::{Norm, ResNet, Stem, resnet},
};
use coherence_tests::naive;
use coherence_train::{
    Aggregation, Config, ConfigError, Examples, OverTime, RateSchedule, Row, Schedule, State,
    Trainer, TrainingRun,
    measure::{By, measure},
};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

const TRAIN: Blobs = Blobs { n: 110, seed: 1 };
const TEST: Blobs = Blobs { n: 40, seed: 2 };

/// Batch normalisation at the [`beginning`], then a residual convolution, dropout, and a linear layer.
pub(crate) fn graph<D: Device<f32>>() -> Graph<f32, D> {
    let (mut net, h) =
        beginning(|net, z| net.push("bn1", BatchNorm::new(z.shape), &[z], Relu).unwrap());
    let sizes = Sizes { padding: [0, 1], ..Sizes::new(h.shape.size(), 4, 4, [1, 3]) };
    let z = net.push("conv2", Convolution::new(sizes).unwrap(), &[h], Identity).unwrap();
    let h = net.add("add", &[z, h], Relu).unwrap();
    let h = net.push("dropout", Dropout::new(h.shape, 0.25), &[h], Identity).unwrap();
    net.push("fc", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    net.build("a test network".to_owned())
}

pub(crate) fn network() -> Model<f32> {
    Model::initialized(graph(), &mut random::stream(5, "initialisation"))
}

fn trainer(config: Config) -> Trainer {
    Trainer::new(config, network(), examples(&TRAIN), examples(&TEST)).unwrap()
}

/// Momentum, decay and a schedule over mini-batches of two passes: everything that a checkpoint keeps.
fn moving(rule: Aggregation) -> Config {
    Config {
        micro_batch: Some(10),
        momentum: 0.9,
        nesterov: true,
        weight_decay: 1e-3,
        schedule: RateSchedule::Cosine,
        warmup: 5,
        ..config(rule)
    }
}

fn files(folder: &Path, stops: &[u64]) -> Vec<Vec<u8>> {
    for stop_at in stops.iter().copied().chain([u64::MAX]) {
        let stop = AtomicBool::new(false);
        let of = moving(Aggregation::OverTime(OverTime::Rm3));
        let mut run =
            TrainingRun::open(folder, of, network(), examples(&TRAIN), examples(&TEST)).unwrap();
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
    let moved = trainer_after(moving(Aggregation::OverTime(OverTime::Rm3)), 30);
    assert!(moved.statistics != network().statistics(), "the running statistics moved");
}

/// Batch normalisation, dropout, momentum and a rule over time, with many checkpoints.
#[test]
fn killed_at_random_moments_it_ends_as_if_never_killed() {
    let test = "networks::killed_at_random_moments_it_ends_as_if_never_killed";
    survives_kills(test, |folder| {
        let of = Config {
            steps: 1500,
            evaluate: Schedule::Every { steps: 100 },
            checkpoint_every: 3,
            augmentation: Some("crop:1,flip".parse().unwrap()),
            ..moving(Aggregation::OverTime(OverTime::Rm3))
        };
        let (train, test) = (Examples::stream(Arc::new(TRAIN)), examples(&TEST));
        let mut run = TrainingRun::open(folder, of, network(), train, test).unwrap();
        run.advance(&AtomicBool::new(false), |_| {}).unwrap();
    });
}

/// ResNet-18 with an eighth of its channels, on digits, with checkpoints between the mini-batches of an update.
#[test]
fn a_residual_network_killed_at_random_moments_ends_as_if_never_killed() {
    let test = "networks::a_residual_network_killed_at_random_moments_ends_as_if_never_killed";
    survives_kills(test, |folder| {
        let narrow = ResNet { stem: Stem::ImageNet, norm: Norm::Batch, width: ResNet::WIDTH / 8 };
        let network = resnet(18, Shape::image(28, 28, 1), 10, narrow).unwrap();
        let model = Model::initialized(network, &mut random::stream(5, "initialisation"));
        let of = Config {
            steps: 12,
            evaluate: Schedule::Every { steps: 6 },
            checkpoint_every: 1,
            ..moving(Aggregation::OverTime(OverTime::M3))
        };
        let data = Subset::new(digits::train(), (0..100).collect()).unwrap();
        let mut run =
            TrainingRun::open(folder, of, model, examples(&data), examples(&data)).unwrap();
        run.advance(&AtomicBool::new(false), |_| {}).unwrap();
    });
}

fn trainer_after(config: Config, steps: usize) -> State {
    let mut trainer = trainer(config);
    go(&mut trainer, steps);
    trainer.state()
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let run = || {
        let mut trainer = trainer(moving(Aggregation::Mean));
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
    let mut trainer =
        Trainer::new(of, without_dropout(), examples(&TRAIN), examples(&TEST)).unwrap();
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
        let error =
            Trainer::new(config(rule), network(), examples(&TRAIN), examples(&TEST)).unwrap_err();
        assert!(matches!(&error, ConfigError::Coupled { layer, .. } if layer == "bn1"), "{error}");
        let message = error.to_string();
        assert!(message.contains("running statistics") && message.contains("m3"), "{message}");
        let running = Config { batch_statistics: false, ..config(rule) };
        assert!(Trainer::new(running, network(), examples(&TRAIN), examples(&TEST)).is_ok());
    }
}

/// Without batch statistics and dropout, passes over parts of a mini-batch add up to one pass.
#[test]
fn accumulated_passes_are_one_mini_batch() {
    for rule in [Aggregation::Mean, Aggregation::OverTime(OverTime::Rm3)] {
        let [whole, parts] = [None, Some(4)].map(|micro_batch| {
            let of = Config { micro_batch, batch_statistics: false, momentum: 0.5, ..config(rule) };
            // An estimate would be of passes of different sizes.
            let of = Config { estimation_batches: 0, ..of };
            let (train, test) = (examples(&TRAIN), examples(&TEST));
            let mut trainer = Trainer::new(of, without_dropout(), train, test).unwrap();
            go(&mut trainer, 12);
            trainer.state().parameters
        });
        for (whole, parts) in whole.iter().zip(&parts) {
            assert!((whole - parts).abs() < 1e-5, "{rule}: {whole} {parts}");
        }
        assert!(whole != without_dropout().parameters(), "{rule} moved");
    }
}

/// By the statistics of the batch, a pass normalises by its own examples.
#[test]
fn batch_statistics_are_those_of_a_pass() {
    let run = |micro_batch| {
        let of = Config { micro_batch, ..config(Aggregation::Mean) };
        let (train, test) = (examples(&TRAIN), examples(&TEST));
        let mut trainer = Trainer::new(of, without_dropout(), train, test).unwrap();
        go(&mut trainer, 1);
        trainer.state()
    };
    assert_eq!(run(None), run(Some(20)));
    assert_ne!(run(None).statistics, run(Some(10)).statistics);
    let of = Config { micro_batch: Some(1), ..config(Aggregation::Mean) };
    let error = Trainer::new(of, network(), examples(&TRAIN), examples(&TEST)).unwrap_err();
    assert_eq!(error, ConfigError::OneExample { layer: "bn1".to_owned() });
}

/// The running statistics of the first normalisation are the means of those of the batches: of its inputs by
/// a naive loop over the convolution's outputs, which no statistics precede.
#[test]
fn running_statistics_are_estimated_from_the_first_mini_batches() {
    let of = Config { batch_statistics: false, ..config(Aggregation::Mean) };
    let model = network();
    let layout = model.layout();
    let parameters =
        |name: &str| model.parameters()[layout.get(name).unwrap().range.clone()].to_vec();
    let (weight, bias) = (parameters("conv1.weight"), parameters("conv1.bias"));
    let (mut means, mut variances) = ([0.0; 4], [0.0; 4]);
    let batches = 10;
    for step in 0..batches {
        let mut rng = random::stream(of.seed, &format!("epoch {}", step / 5));
        let order = random::permutation(&mut rng, TRAIN.n);
        let mut values = vec![Vec::new(); 4];
        for &i in &order[step % 5 * of.batch..][..of.batch] {
            let mut x = [0.0; FEATURES];
            TRAIN.get(i, &mut x).unwrap();
            let at =
                |p: usize, t: usize| (p + t).checked_sub(1).and_then(|p| x.get(p)).unwrap_or(&0.0);
            for (o, values) in values.iter_mut().enumerate() {
                values.extend((0..FEATURES).map(|p| {
                    let z: f32 = (0..3).map(|t| weight[3 * o + t] * at(p, t)).sum();
                    f64::from(z + bias[o])
                }));
            }
        }
        for (o, values) in values.iter().enumerate() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|z| (z - mean).powi(2)).sum();
            means[o] += mean / batches as f64;
            variances[o] += squares / (values.len() - 1) as f64 / batches as f64;
        }
    }
    let mut trainer = trainer(of);
    let found = trainer.state().statistics;
    for (found, expected) in found.iter().zip(means.iter().chain(&variances)) {
        assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
    }
    go(&mut trainer, 3);
    assert_eq!(trainer.state().statistics, found, "they stay as they are during training");

    let of = Config { estimation_batches: 0, ..trainer.config().clone() };
    assert_eq!(self::trainer(of).state().statistics, network().statistics());
}

/// A set that is decoded batch by batch gives the bits of one in memory, also after a restart.
#[test]
fn streamed_examples_give_the_same_bits() {
    let run = |open: &dyn Fn(Blobs) -> Examples| {
        let of = moving(Aggregation::Mean);
        let new = || Trainer::new(of.clone(), network(), open(TRAIN), open(TEST)).unwrap();
        let (mut first, mut rows): (_, Vec<Row>) = (new(), Vec::new());
        go(&mut first, 7);
        first.observe(&mut rows).unwrap();
        let mut second = new();
        second.restore(first.state());
        go(&mut second, 6);
        second.observe(&mut rows).unwrap();
        (second.state(), rows)
    };
    assert!(run(&|data| examples(&data)) == run(&|data| Examples::stream(Arc::new(data))));
}

/// Crops and flips are those of the wrapper, in each epoch; measurements are of the images as they are.
#[test]
fn augmented_mini_batches_are_those_of_the_augmented_data_set() {
    let by: Augmentation = "crop:1,flip".parse().unwrap();
    let plain =
        Config { batch_statistics: false, estimation_batches: 0, ..config(Aggregation::Mean) };
    let of = Config { augmentation: Some(by), ..plain.clone() };
    let new = |of: &Config, train: Examples| {
        Trainer::new(of.clone(), without_dropout(), train, examples(&TEST)).unwrap()
    };
    let mut augmented = new(&of, examples(&TRAIN));
    let mut streamed = new(&of, Examples::stream(Arc::new(TRAIN)));
    for step in 0..12 {
        // A trainer over the epoch's images takes the same step.
        let epoch = Augmented::new(TRAIN, by, of.seed, step / 5);
        let mut other = new(&plain, examples(&epoch));
        other.restore(augmented.state());
        let loss = augmented.advance().unwrap();
        assert_eq!(other.advance().unwrap(), loss, "step {step}");
        assert_eq!(streamed.advance().unwrap(), loss, "step {step}");
        assert_eq!(other.state().parameters, augmented.state().parameters);
    }
    let mut other = new(&plain, examples(&TRAIN));
    other.restore(augmented.state());
    let [rows, expected] = [augmented, other].map(|mut trainer| {
        let mut rows = Vec::<Row>::new();
        trainer.observe(&mut rows).unwrap();
        rows
    });
    assert_eq!(rows, expected);
}

/// A step of the squared error, against the gradients of single examples by the chain rule: z − t in place of
/// p − t at the outputs.
#[test]
fn the_loss_of_the_settings_is_trained_and_measured() {
    let of = Config {
        loss: "squared-error".parse().unwrap(),
        batch: TRAIN.n,
        batch_statistics: false,
        ..config(Aggregation::Mean)
    };
    let new = |of: Config| {
        Trainer::new(of, without_dropout(), examples(&TRAIN), examples(&TEST)).unwrap()
    };
    let mut trainer = new(of.clone());
    let before = trainer.model().clone();
    let mut rows = Vec::<Row>::new();
    trainer.observe(&mut rows).unwrap();
    let loss = trainer.advance().unwrap();
    let mut workspace = before.workspace(1, Keep::Activations);
    let (mut gradient, mut sum, mut expected) =
        (vec![0.0_f32; before.parameters().len()], vec![0.0; before.parameters().len()], 0.0);
    for i in 0..TRAIN.n {
        let mut x = [0.0; FEATURES];
        let label = TRAIN.get(i, &mut x).unwrap().label as usize;
        before.forward(&x, 1, &mut workspace);
        let (z, delta) = workspace.logits_and_delta();
        for (j, (delta, &z)) in delta.iter_mut().zip(z).enumerate() {
            *delta = z - if j == label { 1.0 } else { 0.0 };
            expected += 0.5 * f64::from(*delta).powi(2) / TRAIN.n as f64;
        }
        before.gradient(&x, &mut workspace, &mut gradient);
        sum.iter_mut().zip(&gradient).for_each(|(sum, &g)| *sum += f64::from(g));
    }
    assert!((loss - expected).abs() < 1e-5, "{loss} {expected}");
    let measured = rows.iter().find(|row| row.series == "train.loss").unwrap().value;
    assert!((measured - expected).abs() < 1e-5, "{measured} {expected}");
    let steps = before.parameters().iter().zip(trainer.model().parameters()).zip(&sum);
    for ((before, after), sum) in steps {
        let expected = f64::from(*before) - 0.1 * sum / TRAIN.n as f64;
        assert!((f64::from(*after) - expected).abs() < 1e-6, "{after} {expected}");
    }
    let other = new(Config { loss: "cross-entropy:0.1".parse().unwrap(), ..of }).advance().unwrap();
    assert!((other - loss).abs() > 1e-3, "{other} {loss}");
}

#[test]
fn without_dropout_a_network_is_trained_as_if_it_had_no_such_layer() {
    let trained = |layer: bool, dropout: bool| {
        let (mut net, x) = Builder::new(Shape::features(FEATURES));
        let mut h = net.push("fc1", Linear::new(x.shape, 8), &[x], Relu).unwrap();
        if layer {
            h = net.push("dropout", Dropout::new(h.shape, 0.5), &[h], Identity).unwrap();
        }
        net.push("fc2", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
        let mut rng = random::stream(5, "initialisation");
        let model = Model::initialized(net.build("a test network".to_owned()), &mut rng);
        let of = Config { dropout, ..config(Aggregation::Mean) };
        let mut trainer = Trainer::new(of, model, examples(&TRAIN), examples(&TEST)).unwrap();
        go(&mut trainer, 10);
        trainer.state().parameters
    };
    assert_eq!(trained(true, false), trained(false, true));
    assert_ne!(trained(true, true), trained(false, true));
}
