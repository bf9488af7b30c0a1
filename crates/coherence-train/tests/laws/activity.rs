//! Dead units, the output bias and the cosine against naive loops.

use crate::blobs::{Blobs, FEATURES, config, examples, go, models, one_by_one};
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

/// The values of the parameters by name.
fn parameters<'a>(model: &'a Model<f32>, name: &str) -> &'a [f32] {
    &model.parameters()[model.layout().get(name).unwrap().range.clone()]
}

/// Makes the biases of the tensor `name` `values`, and those of the last layer distinct ones, whose mean is 1.
fn set_biases(model: &mut Model<f32>, name: &str, values: &[f32]) {
    let range = model.layout().get(name).unwrap().range.clone();
    model.parameters_mut()[range].copy_from_slice(values);
    let last = model.layout().tensors().last().unwrap().range.clone();
    model.parameters_mut()[last].copy_from_slice(&[1.0, -2.0, 4.0]);
}

/// The outputs of every layer with a rectifier for an image: [layers][units][positions].
type Rectified<'a> = dyn Fn(&[f32]) -> Vec<Vec<Vec<f64>>> + 'a;

/// Units that respond to no example of the probe, and examples to which no unit responds, are counted as `outputs`
/// has them.
#[track_caller]
fn counts_are_those_of(outputs: &Rectified<'_>, model: Model<f32>, names: &[&str], none: &str) {
    let mut chosen = random::permutation(&mut random::stream(3, "probe"), TRAIN.n);
    chosen.truncate(60);
    let (mut active, mut dead, mut any) = (Vec::new(), vec![0; names.len()], 0);
    for &i in &chosen {
        let mut x = vec![0.0; FEATURES];
        TRAIN.get(i, &mut x).unwrap();
        let layers = outputs(&x);
        active.resize(layers.len(), Vec::new());
        let responds = |unit: &Vec<f64>| unit.iter().any(|&h| h > 0.0);
        let responding: Vec<Vec<bool>> =
            layers.iter().map(|units| units.iter().map(responds).collect()).collect();
        any += usize::from(responding.iter().any(|units| !units.contains(&true)));
        for (l, units) in responding.iter().enumerate() {
            dead[l] += usize::from(!units.contains(&true));
            active[l].resize(units.len(), false);
            active[l].iter_mut().zip(units).for_each(|(active, unit)| *active |= unit);
        }
    }
    let rows = observe(&mut trainer(Aggregation::Mean, model));
    for (l, name) in names.iter().enumerate() {
        let inactive = active[l].iter().filter(|&&active| !active).count() as f64;
        let units = value(&rows, &format!("activity.{name}.dead_units")).unwrap();
        assert_eq!(units, inactive / active[l].len() as f64, "{name}");
        let examples = value(&rows, &format!("activity.{name}.dead_examples")).unwrap();
        assert_eq!(examples, dead[l] as f64 / 60.0, "{name}");
    }
    assert_eq!(value(&rows, "activity.dead_examples"), Some(any as f64 / 60.0));
    assert!((1..60).contains(&any) && active[0].contains(&false), "the case is not trivial: {any}");
    assert_eq!(value(&rows, "activity.output_bias"), Some(1.0));
    assert_eq!(value(&rows, &format!("activity.{none}.dead_units")), None, "it has no rectifier");
}

/// The network 6–8–7–3 with biases so low that some units never respond, and its layers by naive loops.
#[test]
fn dead_units_and_examples_are_counted() {
    let [mut model, _] = models();
    let falling: Vec<f32> = (0..8).map(|j| -0.45 * j as f32).collect();
    set_biases(&mut model, "fc1.bias", &falling);
    set_biases(&mut model, "fc2.bias", &[-0.35; 7]);
    let layer = |name: &str, x: &[f32]| -> Vec<f32> {
        let [weight, bias] =
            ["weight", "bias"].map(|of| parameters(&model, &format!("{name}.{of}")));
        let rows = weight.chunks(x.len()).zip(bias);
        rows.map(|(row, b)| (row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b).max(0.0))
            .collect()
    };
    let outputs = |x: &[f32]| {
        let first = layer("fc1", x);
        let single = |units: &Vec<f32>| units.iter().map(|&h| vec![f64::from(h)]).collect();
        [&first, &layer("fc2", &first)].map(single).to_vec()
    };
    counts_are_those_of(&outputs, model.clone(), &["fc1", "fc2"], "fc3");
}

/// Channels of a normalised convolution, of which one never responds: each is a unit, at all six positions.
#[test]
fn dead_channels_and_examples_are_counted() {
    let [_, mut model] = models();
    set_biases(&mut model, "norm.bias", &[-1.7, -1.8, -1.9, -4.0]);
    let [weight, bias, shift] =
        ["conv1.weight", "conv1.bias", "norm.bias"].map(|name| parameters(&model, name));
    assert!(parameters(&model, "norm.weight").iter().all(|&scale| scale == 1.0));
    let outputs = |x: &[f32]| {
        let at = |p: usize| p.checked_sub(1).and_then(|p| x.get(p)).map_or(0.0, |&x| f64::from(x));
        let z = |c: usize, p: usize| {
            (0..3).map(|t| f64::from(weight[3 * c + t]) * at(p + t)).sum::<f64>()
                + f64::from(bias[c])
        };
        // Two channels are normalised together.
        let channel = |c: usize| {
            let of_group = |p: usize| [z(c / 2 * 2, p), z(c / 2 * 2 + 1, p)];
            let group: Vec<f64> = (0..FEATURES).flat_map(of_group).collect();
            let mean = group.iter().sum::<f64>() / 12.0;
            let variance = group.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 12.0;
            let normalized = |p: usize| (z(c, p) - mean) / (variance + 1e-5).sqrt();
            (0..FEATURES).map(|p| (normalized(p) + f64::from(shift[c])).max(0.0)).collect()
        };
        vec![(0..4).map(channel).collect()]
    };
    counts_are_those_of(&outputs, model.clone(), &["norm"], "conv2");
}

/// The gradients of some training examples, one by one.
fn gradients_of(trainer: &Trainer, examples: &[usize]) -> Vec<Vec<f64>> {
    let batch = Subset::new(TRAIN, examples.to_vec()).unwrap();
    one_by_one(trainer.model(), &batch).into_iter().map(|(gradient, ..)| gradient).collect()
}

#[test]
fn the_cosine_is_that_of_the_direction_and_the_mean_gradient_of_the_next_mini_batch() {
    let cosine =
        |a: &[f64], b: &[f64]| naive::dot(a, b) / (naive::sq_norm(a) * naive::sq_norm(b)).sqrt();
    for model in models() {
        let mut trainer = trainer(Aggregation::Winsorized { clip: 4 }, model.clone());
        go(&mut trainer, 2);
        let order = random::permutation(&mut random::stream(3, "epoch 0"), TRAIN.n);
        let gradients = gradients_of(&trainer, &order[40..60]);
        let (sum, rule) = (naive::sum(&gradients), Winsorized { clip: 4 });
        let column = |j: usize| gradients.iter().map(|g| g[j]).collect::<Vec<_>>();
        let direction: Vec<f64> = (0..sum.len())
            .map(|j| rule.aggregate(&mut column(j), Policy::Error).unwrap())
            .collect();
        let found = value(&observe(&mut trainer), "activity.cosine").unwrap();
        assert!((found - cosine(&sum, &direction)).abs() < 1e-6, "{found}");
        assert!(found < 0.999, "winsorising changes the direction: {found}");

        let mean = observe(&mut self::trainer(Aggregation::Mean, model.clone()));
        assert!((value(&mean, "activity.cosine").unwrap() - 1.0).abs() < 1e-6);
        // The memory of a rule over time has weight decay in it, and so has the gradient that it meets.
        let of = Config {
            watch: vec![Watch::Activity],
            weight_decay: 0.5,
            ..config(Aggregation::OverTime(OverTime::Rm3))
        };
        let test = examples(&Blobs { n: 40, seed: 2 });
        let mut decayed = Trainer::new(of, model.clone(), examples(&TRAIN), test).unwrap();
        go(&mut decayed, 2);
        let state = decayed.state();
        let sum = naive::sum(&gradients_of(&decayed, &order[40..60]));
        let now = sum.iter().zip(&state.parameters).map(|(g, w)| g + 20.0 * 0.5 * f64::from(*w));
        let before = |at: usize| f64::from(state.recent.previous[0][at]);
        let then = |at: usize| f64::from(state.recent.previous[1][at]);
        let direction: Vec<f64> = now
            .enumerate()
            .map(|(at, now)| {
                let mut three = [before(at), then(at), now];
                three.sort_by(f64::total_cmp);
                three[1]
            })
            .collect();
        let found = value(&observe(&mut decayed), "activity.cosine").unwrap();
        assert!((found - cosine(&sum, &direction)).abs() < 1e-5, "{found}");

        let holding =
            observe(&mut self::trainer(Aggregation::OverTime(OverTime::M3), model.clone()));
        assert_eq!(value(&holding, "activity.cosine"), None, "M3 holds the weights at first");
    }
}

#[test]
fn watching_changes_nothing_about_training() {
    let rules = [Aggregation::Winsorized { clip: 2 }, Aggregation::OverTime(OverTime::Rm3)];
    for (model, rule) in models().iter().flat_map(|model| rules.map(|rule| (model, rule))) {
        let [mut watched, mut alone] = [(); 2].map(|()| trainer(rule, model.clone()));
        for _ in 0..6 {
            observe(&mut watched);
            watched.advance().unwrap();
            alone.advance().unwrap();
        }
        assert!(watched.state().parameters == alone.state().parameters);
        assert!(watched.state().recent == alone.state().recent);
    }
}
