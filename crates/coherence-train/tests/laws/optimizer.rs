//! Momentum, weight decay and schedules against `torch.optim`; the fixture's script is beside it.

use coherence_data::{Dataset, Designation, ReadError, Shape, Target};
use coherence_nn::{Model, model::mlp};
use coherence_train::{Config, Examples, Trainer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    schedule: String,
    warmup: u64,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
    rule: String,
    /// The rate of each step.
    rates: Vec<f64>,
    /// All parameters after the last step.
    weights: Vec<f64>,
}

/// Twelve examples by the formula of the script.
struct Twelve;

impl Dataset for Twelve {
    fn len(&self) -> usize {
        12
    }

    fn shape(&self) -> Shape {
        Shape { channels: 1, height: 1, width: 6 }
    }

    fn classes(&self) -> usize {
        3
    }

    fn target(&self, i: usize) -> Target {
        Target { label: i as u32 % 3, designation: Designation::Pristine }
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        for (j, x) in input.iter_mut().enumerate() {
            *x = ((1 + 6 * i + j) as f64).sin() as f32;
        }
        Ok(self.target(i))
    }
}

#[test]
fn rates_and_weights_are_those_of_torch() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../fixtures/optimizer.json")).unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let config = Config {
            batch: 12,
            rate: 0.2,
            schedule: case.schedule.parse().unwrap(),
            warmup: case.warmup,
            momentum: case.momentum,
            nesterov: case.nesterov,
            weight_decay: case.weight_decay,
            steps: case.rates.len() as u64,
            aggregation: case.rule.parse().unwrap(),
            ..Config::default()
        };
        let what = format!("{}, warm-up {}, {}", case.schedule, case.warmup, case.rule);
        for (step, expected) in (0..).zip(&case.rates) {
            let found = config.rate_at(step);
            assert!((found - expected).abs() < 1e-12, "{what}, step {step}: {found} {expected}");
        }
        let mut model = Model::zeros(mlp(&[6, 8, 7, 3]).unwrap());
        for (j, w) in model.parameters_mut().iter_mut().enumerate() {
            *w = (0.5 * ((1 + 2 * j) as f64).sin()) as f32;
        }
        let [train, test] = [(); 2].map(|()| Examples::decode(&Twelve).unwrap());
        let mut trainer = Trainer::new(config, model, train, test).unwrap();
        while !trainer.is_finished() {
            trainer.advance().unwrap();
        }
        for (found, expected) in trainer.model().parameters().iter().zip(&case.weights) {
            assert!((f64::from(*found) - expected).abs() < 2e-5, "{what}: {found} {expected}");
        }
    }
}
