//! Dead units, the output bias and the cosine against naive loops.

use crate::blobs::{Blobs, FEATURES, config, examples, go, network, one_by_one};
use coherence_core::{
    aggregate::{CoordinateRule, Winsorized},
    finite::Policy,
};
use coherence_data::{Dataset, random, select::Subset};
use coherence_nn::Model;
use coherence_tests::naive;
use coherence_train::{Aggregation, Config, OverTime, Row, Trainer, Watch};

const TRAIN: Blobs = Blobs { n: 110, seed: 1 };

fn value(rows: &[Row], series: &str) -> Option<f64> {
    rows.iter().find(|row| row.series == series).map(|row| row.value)
}

fn trainer(rule: Aggregation, model: Model<f32>) -> Trainer {
    let of = Config { watch: vec![Watch::Activity], ..config(rule) };
    Trainer::new(of, model, examples(&TRAIN), examples(&Blobs { n: 40, seed: 2 })).unwrap()
}

fn observe(trainer: &mut Trainer) -> Vec<Row> {
    let mut rows = Vec::new();
    trainer.observe(&mut rows).unwrap();
    rows
}

/// The network 6–8–7–3 with biases so low that some units never respond, and its layers by naive loops.
#[test]
fn dead_units_and_examples_are_counted() {
    let mut model = network();
    let layout = model.layout().clone();
    let range = |name: &str| layout.get(name).unwrap().range.clone();
    for (j, bias) in model.parameters_mut()[range("fc1.bias")].iter_mut().enumerate() {
        *bias = -0.45 * j as f32;
    }
    model.parameters_mut()[range("fc2.bias")].fill(-0.35);
    model.parameters_mut()[range("fc3.bias")].copy_from_slice(&[1.0, -2.0, 4.0]);
    let mut chosen = random::permutation(&mut random::stream(3, "probe"), TRAIN.n);
    chosen.truncate(60);
    let layer = |name: &str, x: &[f32]| -> Vec<f32> {
        let weight = &model.parameters()[range(&format!("{name}.weight"))];
        let bias = &model.parameters()[range(&format!("{name}.bias"))];
        let rows = weight.chunks(x.len()).zip(bias);
        rows.map(|(row, b)| (row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b).max(0.0))
            .collect()
    };
    let (mut active, mut dead, mut any) = ([vec![false; 8], vec![false; 7]], [0, 0], 0);
    for &i in &chosen {
        let mut x = vec![0.0; FEATURES];
        TRAIN.get(i, &mut x).unwrap();
        let first = layer("fc1", &x);
        let layers = [&first, &layer("fc2", &first)];
        let is_dead = layers.map(|layer| layer.iter().all(|&h| h == 0.0));
        any += usize::from(is_dead[0] || is_dead[1]);
        for l in 0..2 {
            dead[l] += usize::from(is_dead[l]);
            active[l].iter_mut().zip(layers[l]).for_each(|(active, &h)| *active |= h > 0.0);
        }
    }
    let rows = observe(&mut trainer(Aggregation::Mean, model.clone()));
    for (l, name) in ["fc1", "fc2"].into_iter().enumerate() {
        let inactive = active[l].iter().filter(|&&active| !active).count() as f64;
        let units = value(&rows, &format!("activity.{name}.dead_units")).unwrap();
        assert_eq!(units, inactive / active[l].len() as f64, "{name}");
        let examples = value(&rows, &format!("activity.{name}.dead_examples")).unwrap();
        assert_eq!(examples, dead[l] as f64 / 60.0, "{name}");
    }
    assert_eq!(value(&rows, "activity.dead_examples"), Some(any as f64 / 60.0));
    assert!((1..60).contains(&any) && active[0].contains(&false), "the case is not trivial: {any}");
    assert_eq!(value(&rows, "activity.output_bias"), Some(1.0));
    assert_eq!(value(&rows, "activity.fc3.dead_units"), None, "logits have no rectifier");
}

#[test]
fn the_cosine_is_that_of_the_direction_and_the_mean_gradient_of_the_next_mini_batch() {
    let cosine =
        |a: &[f64], b: &[f64]| naive::dot(a, b) / (naive::sq_norm(a) * naive::sq_norm(b)).sqrt();
    let mut trainer = trainer(Aggregation::Winsorized { clip: 4 }, network());
    go(&mut trainer, 2);
    let order = random::permutation(&mut random::stream(3, "epoch 0"), TRAIN.n);
    let batch = Subset::new(TRAIN, order[40..60].to_vec()).unwrap();
    let gradients: Vec<Vec<f64>> =
        one_by_one(trainer.model(), &batch).into_iter().map(|(gradient, ..)| gradient).collect();
    let (sum, rule) = (naive::sum(&gradients), Winsorized { clip: 4 });
    let column = |j: usize| gradients.iter().map(|g| g[j]).collect::<Vec<_>>();
    let direction: Vec<f64> =
        (0..sum.len()).map(|j| rule.aggregate(&mut column(j), Policy::Error).unwrap()).collect();
    let found = value(&observe(&mut trainer), "activity.cosine").unwrap();
    assert!((found - cosine(&sum, &direction)).abs() < 1e-6, "{found}");
    assert!(found < 0.999, "winsorising changes the direction: {found}");

    let mean = observe(&mut self::trainer(Aggregation::Mean, network()));
    assert!((value(&mean, "activity.cosine").unwrap() - 1.0).abs() < 1e-6);
    let holding = observe(&mut self::trainer(Aggregation::OverTime(OverTime::M3), network()));
    assert_eq!(value(&holding, "activity.cosine"), None, "M3 holds the weights at first");
}

#[test]
fn watching_changes_nothing_about_training() {
    for rule in [Aggregation::Winsorized { clip: 2 }, Aggregation::OverTime(OverTime::Rm3)] {
        let (mut watched, mut alone) = (trainer(rule, network()), trainer(rule, network()));
        for _ in 0..6 {
            observe(&mut watched);
            watched.advance().unwrap();
            alone.advance().unwrap();
        }
        assert!(watched.state().parameters == alone.state().parameters);
        assert!(watched.state().recent == alone.state().recent);
    }
}
