//! Updates in training equal the core's aggregation rules applied to whole gradients.

use crate::digits::{gradients, network, noisy};
use coherence_core::{
    aggregate::{CoordinateRule, OverTime, Recent, Update, Winsorized},
    finite::Policy,
};
use coherence_data::{Dataset, digits, random};
use coherence_train::{Aggregation, Config, Examples, Trainer};

const RATE: f64 = 0.1;

fn trainer(data: &dyn Dataset, batch: usize, aggregation: Aggregation) -> Trainer {
    let config = Config { batch, rate: RATE, steps: 10, aggregation, seed: 4, ..Config::default() };
    let sets: [&dyn Dataset; 2] = [data, &digits::test()];
    let [train, test] = sets.map(|set| Examples::decode(set).unwrap());
    Trainer::new(config, network(), train, test).unwrap()
}

/// The examples of the mini-batch after the first `step` ones, in the first epoch.
fn indices(n: usize, batch: usize, step: usize) -> Vec<usize> {
    let order = random::permutation(&mut random::stream(4, "epoch 0"), n);
    order[step * batch..][..batch].to_vec()
}

#[track_caller]
fn moved_by(before: &[f32], after: &[f32], direction: impl Fn(usize) -> f64) {
    for (j, (&before, &after)) in before.iter().zip(after).enumerate() {
        let expected = f64::from(before) - RATE * direction(j);
        assert!((f64::from(after) - expected).abs() < 1e-6, "coordinate {j}: {after} {expected}");
    }
}

#[test]
fn a_winsorized_step_applies_the_cores_rule_to_every_coordinate() {
    let data = noisy(200);
    for clip in [0, 1, 2, 8, 49, 50] {
        let mut trainer = trainer(&data, 100, Aggregation::Winsorized { clip });
        let rows = gradients(trainer.model(), &data, &indices(200, 100, 0));
        let before = trainer.model().parameters().to_vec();
        trainer.advance().unwrap();
        let rule = Winsorized { clip };
        moved_by(&before, trainer.model().parameters(), |j| {
            let mut column: Vec<f64> = rows.iter().map(|g| g[j].into()).collect();
            rule.aggregate(&mut column, Policy::Error).unwrap()
        });
    }
}

#[test]
fn rules_over_time_match_the_cores() {
    let data = noisy(200);
    for rule in OverTime::ALL {
        let mut trainer = trainer(&data, 20, Aggregation::OverTime(rule));
        let d = trainer.model().parameters().len();
        let mut recent = Recent::new([vec![0.0; d], vec![0.0; d]]);
        let mut direction = vec![0.0; d];
        for step in 0..8 {
            let rows = gradients(trainer.model(), &data, &indices(200, 20, step));
            let mean = |j: usize| rows.iter().map(|g| f64::from(g[j])).sum::<f64>() / 20.0;
            let gradient: Vec<f64> = (0..d).map(mean).collect();
            let update = rule.step(&mut recent, &gradient, Policy::Error, &mut direction).unwrap();
            let before = trainer.model().parameters().to_vec();
            trainer.advance().unwrap();
            let apply = f64::from(u8::from(update == Update::Apply));
            moved_by(&before, trainer.model().parameters(), |j| apply * direction[j]);
        }
    }
}
