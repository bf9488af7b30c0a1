//! Easy and hard examples, against networks that are trained and asked one example at a time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use coherence_data::{Dataset, Split, open, random, select::Subset};
use coherence_lab::cell::Cell;
use coherence_lab::record::Record;
use coherence_lab::run::{Options, Watch, Workers, run};
use coherence_lab::scale::Scale;
use coherence_lab::spec::Experiment;
use coherence_nn::{
    Keep, Model,
    device::Cpu,
    loss::{Loss, Targets, argmax},
    model::mlp,
};
use coherence_train::collective::Solo;
use coherence_train::{Config, Examples, Schedule, Trainer};

const EXPERIMENT: &str = r#"
id = "X1"
title = "t"
source = "s"
statement = "s"
analysis = "a"

[scale.smoke]
dataset = "digits"
difficulty = { initialisations = 3, steps = 30, examples = 400 }
examples = 30
test_examples = 20
hidden = [8]
batch = 10
rate = 0.1
steps = 20
data = "real"
single = { examples = 2, loss = 0.5 }
probe = 30
seeds = 1
grid = { subset = ["all", "easy", "hard"] }
"#;

const SEED: u64 = 1;
const POOL: usize = 400;

struct Silent;

impl Watch for Silent {
    fn begin(&self, _: &Experiment, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

fn record(text: &str, out: &Path) -> Result<Record, String> {
    let file = out.join("X1.toml");
    std::fs::write(&file, text).unwrap();
    let experiment = Experiment::load(&file).map_err(|e| e.to_string())?;
    let options = Options {
        processes: Arc::new(Solo),
        scale: Scale::Smoke,
        out: out.to_owned(),
        seeds: None,
        workers: Workers { jobs: 2, threads: 1, may_be_fewer: false },
        device: Cpu::detect(),
        stop: &AtomicBool::new(false),
    };
    run(&experiment, &options, &Silent).map_err(|e| e.to_string())
}

fn pool() -> Subset<Box<dyn Dataset>> {
    Subset::sample(open("digits", Split::Train).unwrap(), POOL, SEED).unwrap()
}

/// A network after some steps on `train`.
fn trained(stream: &str, train: &dyn Dataset, steps: u64) -> Model<f32> {
    let mut rng = random::stream(SEED, stream);
    let model = Model::initialized(mlp(&[784, 8, 10]).unwrap(), &mut rng);
    let config = Config {
        batch: 10,
        rate: 0.1,
        steps,
        seed: SEED,
        evaluate: Schedule::At { steps: Vec::new() },
        ..Config::default()
    };
    let train = Examples::decode(train).unwrap();
    let mut trainer = Trainer::new(config, model, train.clone(), train).unwrap();
    while !trainer.is_finished() {
        trainer.advance().unwrap();
    }
    trainer.model().clone()
}

/// Whether each example is classified correctly, asked one by one.
fn correct(model: &Model<f32>, data: &dyn Dataset) -> Vec<bool> {
    let (mut workspace, mut x) = (model.workspace(1, Keep::Logits), vec![0.0; 784]);
    let mut one = |i| {
        let label = data.get(i, &mut x).unwrap().label;
        model.forward(&x, 1, &mut workspace);
        argmax(workspace.logits()) == label as usize
    };
    (0..data.len()).map(&mut one).collect()
}

/// The difficulty of each example of the pool.
fn levels() -> Vec<usize> {
    let mut levels = vec![0; POOL];
    for number in 1..=3 {
        let model = trained(&format!("initialisation {number}"), &pool(), 30);
        let correct = correct(&model, &pool());
        levels.iter_mut().zip(correct).for_each(|(level, correct)| *level += usize::from(!correct));
    }
    levels
}

/// Steps of plain gradient descent on example `i` alone until its loss is at most 0.5, at most 20.
fn steps_alone(data: &dyn Dataset, i: usize) -> usize {
    let mut rng = random::stream(SEED, "initialisation");
    let mut model = Model::initialized(mlp(&[784, 8, 10]).unwrap(), &mut rng);
    let (mut workspace, mut x) = (model.workspace(1, Keep::Activations), vec![0.0; 784]);
    let mut gradient = vec![0.0; model.parameters().len()];
    let label = data.get(i, &mut x).unwrap().label;
    for step in 0..20 {
        model.forward(&x, 1, &mut workspace);
        let targets = Targets::Labels(&[label][..]);
        if workspace.loss(Loss::default(), targets, &mut [0.0]) <= 0.5 {
            return step;
        }
        model.gradient(&x, &mut workspace, &mut gradient);
        model.parameters_mut().iter_mut().zip(&gradient).for_each(|(w, g)| *w -= 0.1 * g);
    }
    20
}

#[track_caller]
fn end(record: &Record, subset: &str, series: &str) -> Option<f64> {
    let cell = Cell::new([("subset", subset.into())]);
    record.series(&cell, SEED, series).last().map(|row| row.1)
}

fn share(correct: &[bool]) -> f64 {
    correct.iter().filter(|&&correct| correct).count() as f64 / correct.len() as f64
}

#[test]
fn easy_and_hard_examples_are_those_that_all_and_no_networks_learn() {
    let out = tempfile::tempdir().unwrap();
    let record = record(EXPERIMENT, out.path()).unwrap();
    let levels = levels();
    let mut rng = random::stream(SEED, "difficulty.subset");
    let order = random::permutation(&mut rng, POOL);
    let of = |level| order.iter().copied().filter(|&i| levels[i] == level).collect::<Vec<_>>();
    let (easy, hard) = (of(0), of(3));
    assert!(50 <= easy.len() && 50 <= hard.len(), "{} {}", easy.len(), hard.len());
    for (subset, kind) in [("easy", &easy), ("hard", &hard)] {
        let model =
            trained("initialisation", &Subset::new(pool(), kind[..30].to_vec()).unwrap(), 20);
        for (name, tested) in [("easy", &easy), ("hard", &hard)] {
            // The last of each kind are tested on, and none of them is trained on.
            let test = Subset::new(pool(), tested[tested.len() - 20..].to_vec()).unwrap();
            let expected = share(&correct(&model, &test));
            let found = end(&record, subset, &format!("test.{name}.accuracy"));
            assert_eq!(found, Some(expected), "{subset} on {name}");
        }
        let level = if subset == "easy" { 0 } else { 3 };
        for other in 0..=3 {
            let found = end(&record, subset, &format!("train.difficulty{other}.accuracy"));
            assert_eq!(found.is_some(), other == level, "{subset} at difficulty {other}");
        }
        let train = Subset::new(pool(), kind[..30].to_vec()).unwrap();
        let alone = random::permutation(&mut random::stream(SEED, "single"), 30);
        let steps = alone[..2].iter().map(|&i| steps_alone(&train, i) as f64).sum::<f64>() / 2.0;
        assert_eq!(end(&record, subset, "single.steps"), Some(steps), "{subset}");
    }
    let correct = correct(&trained("initialisation", &pool(), 20), &pool());
    for level in 0..=3 {
        let group: Vec<bool> =
            (0..POOL).filter(|&i| levels[i] == level).map(|i| correct[i]).collect();
        let found = end(&record, "all", &format!("train.difficulty{level}.accuracy"));
        assert_eq!(found, Some(share(&group)), "difficulty {level}");
    }
}

#[test]
fn too_few_easy_or_hard_examples_are_an_error_that_says_how_many_there_are() {
    let out = tempfile::tempdir().unwrap();
    let text = EXPERIMENT.replace("examples = 30\n", "examples = 380\n");
    let error = record(&text, out.path()).unwrap_err();
    assert!(error.contains("examples = 380 and test_examples = 20 ask for more"), "{error}");
    assert!(error.contains("lower them, or change difficulty.steps"), "{error}");
}

/// Runs with and without momentum share the networks that tell easy from hard examples, and these have their own.
#[test]
fn difficulty_has_a_momentum_of_its_own() {
    let learned = |settings: &str, momentum: &str| {
        let out = tempfile::tempdir().unwrap();
        let text = EXPERIMENT.replace("rate = 0.1\n", &format!("rate = 0.1\n{settings}\n"));
        let text = text.replace("examples = 400", &format!("examples = 400{momentum}"));
        record(&text, out.path()).unwrap();
        let rated = out.path().join("X1/initialisation=1/seed-1/learned.csv");
        std::fs::read(rated).unwrap()
    };
    let own = learned("", ", momentum = 0.5");
    assert_eq!(own, learned("momentum = 0.9", ", momentum = 0.5"));
    assert_eq!(own, learned("momentum = 0.5", ""));
    assert_ne!(own, learned("", ""));
}

#[test]
fn a_subset_without_what_it_needs_is_refused() {
    let out = tempfile::tempdir().unwrap();
    for (from, to, why) in [
        (
            "difficulty = { initialisations = 3, steps = 30, examples = 400 }\n",
            "",
            "subset without difficulty",
        ),
        ("initialisations = 3", "initialisations = 0", "difficulty.initialisations is 0"),
        ("initialisations = 3", "initialisations = 65", "and 64 are the most"),
        ("steps = 30", "steps = 0", "difficulty.steps is 0"),
        ("examples = 400", "examples = 400, momentum = 1.0", "difficulty.momentum is 1"),
        ("examples = 400", "examples = 10001", "must not exceed the 10000 examples of digits"),
        ("examples = 30\n", "", "subset without examples or test_examples"),
        ("loss = 0.5", "loss = 0.0", "single has no examples or no positive loss"),
    ] {
        assert!(EXPERIMENT.contains(from), "{from}");
        let error = record(&EXPERIMENT.replacen(from, to, 1), out.path()).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
