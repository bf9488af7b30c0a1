//! A17 during training, against naive loops over single examples.

use crate::blobs::{Blobs, config, examples, go, models, one_by_one};
use coherence_data::{Dataset, Designation, random};
use coherence_nn::Model;
use coherence_tests::naive;
use coherence_train::{Aggregation, Attribution, Config, ConfigError, Row, Trainer};

fn value(rows: &[Row], series: &str) -> f64 {
    let found: Vec<&Row> = rows.iter().filter(|row| row.series == series).collect();
    assert_eq!(found.len(), 1, "rows of {series}");
    found[0].value
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1e-3), "{found} {expected}");
}

/// A configuration with one sample.
fn with(of: Attribution) -> Config {
    Config { attribution: [("a".to_owned(), of)].into(), ..config(Aggregation::Mean) }
}

/// A trainer over 1,310 examples, more than one chunk, after five steps, with its observation.
fn observed(model: &Model<f32>, of: Attribution) -> (Trainer, Vec<Row>) {
    let [train, test] = [Blobs { n: 1310, seed: 1 }, Blobs { n: 40, seed: 2 }];
    let mut trainer =
        Trainer::new(with(of), model.clone(), examples(&train), examples(&test)).unwrap();
    go(&mut trainer, 5);
    let mut rows = Vec::new();
    trainer.observe(&mut rows).unwrap();
    (trainer, rows)
}

/// f and i of the loops: the cross term of the two groups' sums is split equally.
fn check(rows: &[Row], prefix: &str, gradients: &[Vec<f64>], corrupt: &[bool]) {
    let group = |wanted: bool| -> Vec<Vec<f64>> {
        let members = gradients.iter().zip(corrupt).filter(|(_, corrupt)| **corrupt == wanted);
        members.map(|(g, _)| g.clone()).collect()
    };
    let (p, c) = (naive::sum(&group(false)), naive::sum(&group(true)));
    let whole = naive::sq_norm(&naive::sum(gradients));
    for (name, own, n) in [("pristine", &p, group(false).len()), ("corrupt", &c, group(true).len())]
    {
        let decrease = naive::sq_norm(own) + naive::dot(&p, &c);
        close(value(rows, &format!("{prefix}.{name}.share")), decrease / whole);
        close(value(rows, &format!("{prefix}.{name}.contribution")), decrease / n as f64);
    }
}

fn drawn(stream: &str, n: usize, count: usize) -> Vec<usize> {
    let mut order = random::permutation(&mut random::stream(3, stream), n);
    order.truncate(count);
    order.sort_unstable();
    order
}

#[test]
fn a17_shares_over_all_examples_and_parameters_equal_the_loops() {
    for model in models() {
        let of = Attribution { null_worlds: 2, ..Attribution::default() };
        let (trainer, rows) = observed(&model, of);
        let data = Blobs { n: 1310, seed: 1 };
        let gradients: Vec<Vec<f64>> =
            one_by_one(trainer.model(), &data).into_iter().map(|(g, ..)| g).collect();
        let corrupt: Vec<bool> = (0..data.n).map(|i| i % 5 == 4).collect();
        check(&rows, "attribution.a", &gradients, &corrupt);
        let shares = |prefix: &str| {
            ["pristine", "corrupt"].map(|group| value(&rows, &format!("{prefix}.{group}.share")))
        };
        for null in ["attribution.a.null1", "attribution.a.null2"] {
            let [p, c] = shares(null);
            close(p + c, 1.0);
            assert_ne!(shares("attribution.a"), [p, c], "a null world is another division");
        }
        assert_ne!(shares("attribution.a.null1"), shares("attribution.a.null2"));
    }
}

/// The weights are those of each tensor that is no bias, in the order of the layout.
#[test]
fn a17_shares_over_a_sample_equal_the_loops_over_its_coordinates() {
    let of = Attribution { examples: Some(600), weights: Some(30), null_worlds: 1 };
    // The perceptron's last layer has 7 · 3 weights, a convolution 4 · 3, the normalisation between them 4 scales.
    for (model, count) in models().iter().zip([30 + 30 + 21, 12 + 4 + 12 + 30]) {
        let (trainer, rows) = observed(model, of);
        let data = Blobs { n: 1310, seed: 1 };
        let all = one_by_one(trainer.model(), &data);
        let mut rng = random::stream(3, "attribution.a.weights");
        let mut coordinates = Vec::new();
        for tensor in
            trainer.model().layout().tensors().iter().filter(|t| !t.name.ends_with(".bias"))
        {
            let mut order = random::permutation(&mut rng, tensor.range.len());
            order.truncate(30);
            coordinates.extend(order.into_iter().map(|at| tensor.range.start + at));
        }
        assert_eq!(coordinates.len(), count);
        let chosen = drawn("attribution.a.examples", data.n, 600);
        let restricted =
            |i: &usize| coordinates.iter().map(|&at| all[*i].0[at]).collect::<Vec<f64>>();
        let gradients: Vec<Vec<f64>> = chosen.iter().map(restricted).collect();
        let mut corrupt: Vec<bool> =
            chosen.iter().map(|&i| data.target(i).designation == Designation::Corrupt).collect();
        check(&rows, "attribution.a", &gradients, &corrupt);
        // The null world's permutation, by the same stream: Fisher and Yates from the last place down.
        random::shuffle(&mut random::stream(3, "attribution.a.null1"), &mut corrupt);
        check(&rows, "attribution.a.null1", &gradients, &corrupt);
    }
}

#[test]
fn samples_beyond_the_training_set_are_refused() {
    let refused = |of: Attribution| with(of).check(110).unwrap_err();
    let large = Attribution { examples: Some(111), ..Attribution::default() };
    let empty = Attribution { weights: Some(0), ..Attribution::default() };
    assert_eq!(refused(empty), ConfigError::AttributionWeights("a".to_owned()));
    let message = refused(large).to_string();
    assert!(message.contains("attribution a has 111 examples (must lie in 1..=110"), "{message}");
}
