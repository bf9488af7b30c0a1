//! Every aggregation against its definition, computed over gradients of batches of one.

use crate::blobs::{Blobs, config, go, network, one_by_one, trainer};
use coherence_data::{random, select::Subset};
use coherence_tests::naive::aggregate;
use coherence_train::{Aggregation, Config, Trainer};

const AGGREGATIONS: [Aggregation; 10] = [
    Aggregation::Mean,
    Aggregation::Winsorized { clip: 2 },
    Aggregation::Winsorized { clip: 10 },
    Aggregation::MedianOfMeans { groups: 1 },
    Aggregation::MedianOfMeans { groups: 3 },
    Aggregation::MedianOfMeans { groups: 10 },
    Aggregation::M3,
    Aggregation::A3,
    Aggregation::Rm3,
    Aggregation::Ra3,
];

/// The per-example gradients [k][d] of the mini-batch that `trainer` takes next.
fn next_gradients(trainer: &Trainer) -> Vec<Vec<f64>> {
    let Config { batch, seed, .. } = *trainer.config();
    let (n, step) = (trainer.examples().len(), trainer.step() as usize);
    let (epoch, place) = (step / (n / batch), step % (n / batch));
    let mut rng = random::stream(seed, &format!("epoch {epoch}"));
    let indices = random::permutation(&mut rng, n)[place * batch..][..batch].to_vec();
    let data = Subset::new(Blobs { n: 110, seed: 1 }, indices).unwrap();
    one_by_one(trainer.mlp(), &data).into_iter().map(|(gradient, ..)| gradient).collect()
}

fn columns(rows: &[Vec<f64>], rule: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    (0..rows[0].len()).map(|j| rule(&rows.iter().map(|g| g[j]).collect::<Vec<_>>())).collect()
}

/// The direction of the update at `step` (from 0), given the mean gradients of all mini-batches so
/// far and the rows of the last one; `None` where the weights are held.
fn definition(rule: Aggregation, means: &[Vec<f64>], rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let t = means.len();
    let last_three = || &means[t - 3..];
    match rule {
        Aggregation::Mean => Some(columns(rows, aggregate::mean)),
        Aggregation::Winsorized { clip } => {
            Some(columns(rows, |column| aggregate::winsorized(column, clip)))
        }
        Aggregation::MedianOfMeans { groups } => {
            let group = |g| {
                rows.iter().enumerate().filter(move |(e, _)| group_of(*e, rows.len(), groups) == g)
            };
            let mean = |g| {
                columns(&group(g).map(|(_, row)| row.clone()).collect::<Vec<_>>(), aggregate::mean)
            };
            Some(columns(&(0..groups).map(mean).collect::<Vec<_>>(), aggregate::median))
        }
        Aggregation::M3 => t.is_multiple_of(3).then(|| columns(last_three(), aggregate::median)),
        Aggregation::A3 => t.is_multiple_of(3).then(|| columns(last_three(), aggregate::mean)),
        Aggregation::Rm3 => (t >= 3).then(|| columns(last_three(), aggregate::median)),
        Aggregation::Ra3 => (t >= 3).then(|| columns(last_three(), aggregate::mean)),
    }
}

/// The group of example `e` of m: the first m mod `groups` groups hold one more than the others.
fn group_of(e: usize, m: usize, groups: usize) -> usize {
    (0..groups)
        .find(|g| e < (0..=*g).map(|g| m / groups + usize::from(g < m % groups)).sum())
        .unwrap()
}

#[test]
fn every_step_is_the_aggregations_definition() {
    for rule in AGGREGATIONS {
        let mut trainer = trainer(config(rule));
        let mut means = Vec::new();
        for step in 0..12 {
            let rows = next_gradients(&trainer);
            means.push(columns(&rows, aggregate::mean));
            let before = trainer.mlp().parameters().to_vec();
            trainer.advance().unwrap();
            let after = trainer.mlp().parameters();
            let Some(direction) = definition(rule, &means, &rows) else {
                assert_eq!(before, after, "{rule:?} holds the weights at step {step}");
                continue;
            };
            for (j, (&before, &after)) in before.iter().zip(after).enumerate() {
                let expected = f64::from(before) - 0.1 * direction[j];
                let error = (f64::from(after) - expected).abs();
                assert!(error < 3e-7, "{rule:?}, step {step}, coordinate {j}: {after} {expected}");
            }
        }
    }
}

#[test]
fn nothing_clipped_is_the_mean() {
    let [mut mean, mut winsorized] =
        [Aggregation::Mean, Aggregation::Winsorized { clip: 0 }].map(|rule| trainer(config(rule)));
    for _ in 0..30 {
        let losses = (mean.advance().unwrap(), winsorized.advance().unwrap());
        assert!((losses.0 - losses.1).abs() < 1e-5, "{losses:?}");
    }
}

#[test]
fn restored_state_goes_on_bit_for_bit() {
    for rule in AGGREGATIONS {
        for stop in [0, 1, 2, 3, 4, 11] {
            let mut whole = trainer(config(rule));
            let mut first = trainer(config(rule));
            go(&mut first, stop);
            let mut second = trainer(config(rule));
            second.restore(first.state());
            go(&mut second, 15 - stop);
            go(&mut whole, 15);
            assert_eq!(whole.mlp(), second.mlp(), "{rule:?} from {stop}");
        }
    }
}

#[test]
fn training_lowers_the_loss() {
    for rule in AGGREGATIONS {
        let mut trainer = trainer(config(rule));
        let data = Blobs { n: 110, seed: 1 };
        let loss = |mlp: &_| one_by_one(mlp, &data).iter().map(|(_, loss, _)| loss).sum::<f64>();
        go(&mut trainer, 30);
        assert!(loss(trainer.mlp()) < loss(&network()), "{rule:?}");
    }
}
