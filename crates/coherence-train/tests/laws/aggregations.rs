//! Every aggregation against the core's definition, computed over gradients of batches of one.

use crate::blobs::{Blobs, config, go, models, one_by_one, trainer_of};
use coherence_core::{
    aggregate::{
        CoordinateRule, Mean, Median, MedianOfMeans, Recent, Rows, Trimmed, Update, VectorRule,
        Winsorized, groups,
    },
    finite::Policy,
};
use coherence_data::{random, select::Subset};
use coherence_nn::Model;
use coherence_train::{Aggregation, Config, OverTime, RateSchedule, Trainer};

/// Every aggregation with sizes of mini-batches, some divisible by the number of groups and some not.
const CASES: [(Aggregation, usize); 22] = [
    (Aggregation::Mean, 20),
    (Aggregation::Mean, 7),
    (Aggregation::Winsorized { clip: 0 }, 20),
    (Aggregation::Winsorized { clip: 2 }, 20),
    (Aggregation::Winsorized { clip: 10 }, 20),
    (Aggregation::Winsorized { clip: 3 }, 7),
    (Aggregation::Trimmed { trim: 0 }, 20),
    (Aggregation::Trimmed { trim: 2 }, 20),
    (Aggregation::Trimmed { trim: 3 }, 7),
    (Aggregation::Median, 20),
    (Aggregation::Median, 7),
    (Aggregation::MedianOfMeans { groups: 1 }, 20),
    (Aggregation::MedianOfMeans { groups: 3 }, 20),
    (Aggregation::MedianOfMeans { groups: 10 }, 20),
    (Aggregation::MedianOfMeans { groups: 3 }, 7),
    (Aggregation::MedianOfMeans { groups: 4 }, 11),
    (Aggregation::MedianOfMeans { groups: 11 }, 11),
    (Aggregation::OverTime(OverTime::M3), 20),
    (Aggregation::OverTime(OverTime::A3), 20),
    (Aggregation::OverTime(OverTime::Rm3), 20),
    (Aggregation::OverTime(OverTime::Ra3), 20),
    (Aggregation::OverTime(OverTime::Rm3), 7),
];

/// Rules over groups with sizes of mini-batches: by coordinate, by the kernels of Krum, by the core; groups of single
/// examples and of unequal numbers.
const OVER_GROUPS: [(&str, usize); 10] = [
    ("mean@3", 7),
    ("median@20", 20),
    ("trimmed:1@5", 20),
    ("winsorized:25%@4", 11),
    ("mean-around-median:1@5", 7),
    ("krum:1@5", 20),
    ("multi-krum:1:2@6", 20),
    ("bulyan:1@7", 20),
    ("geometric-median@4", 11),
    ("centered-clipping:0.5:3@6", 20),
];

/// All of them with every network.
fn cases() -> impl Iterator<Item = (Model<f32>, Aggregation, usize)> {
    let over_groups = OVER_GROUPS.map(|(text, batch)| (text.parse().unwrap(), batch));
    let rules = CASES.into_iter().chain(over_groups);
    rules.flat_map(|(rule, batch)| models().map(|model| (model, rule, batch)))
}

/// The per-example gradients [k][d] of the mini-batch that `trainer` takes next.
fn next_gradients(trainer: &Trainer) -> Vec<Vec<f64>> {
    let Config { batch, seed, .. } = *trainer.config();
    let (n, step) = (trainer.examples().len(), trainer.step() as usize);
    let (epoch, place) = (step / (n / batch), step % (n / batch));
    let mut rng = random::stream(seed, &format!("epoch {epoch}"));
    let indices = random::permutation(&mut rng, n)[place * batch..][..batch].to_vec();
    let data = Subset::new(Blobs { n: 110, seed: 1 }, indices).unwrap();
    one_by_one(trainer.model(), &data).into_iter().map(|(gradient, ..)| gradient).collect()
}

/// The core's rule over the columns of `rows` [k][d].
fn columns(rows: &[Vec<f64>], rule: impl CoordinateRule<f64>) -> Vec<f64> {
    let column = |j: usize| rows.iter().map(|g| g[j]).collect::<Vec<_>>();
    let d = rows[0].len();
    (0..d).map(|j| rule.aggregate(&mut column(j), Policy::Error).unwrap()).collect()
}

/// The direction as the core defines it, given the per-example gradients of the mini-batch; `None` if
/// the weights are not updated.
fn definition(
    rule: Aggregation,
    recent: &mut Recent<Vec<f64>>,
    rows: &[Vec<f64>],
) -> Option<Vec<f64>> {
    match rule {
        Aggregation::Mean => Some(columns(rows, Mean)),
        Aggregation::Winsorized { clip } => Some(columns(rows, Winsorized { clip })),
        Aggregation::Trimmed { trim } => Some(columns(rows, Trimmed { trim })),
        Aggregation::Median => Some(columns(rows, Median)),
        Aggregation::MedianOfMeans { groups } => Some(columns(rows, MedianOfMeans { groups })),
        Aggregation::OverGroups { rule, groups: count } => {
            let of_group = |examples: core::ops::Range<usize>| columns(&rows[examples], Mean);
            let means: Vec<f64> = groups(rows.len(), count).flat_map(of_group).collect();
            let means = Rows::matrix(&means, rows[0].len()).unwrap();
            Some(rule.aggregate_to_vec(means, Policy::Error).unwrap())
        }
        Aggregation::OverTime(rule) => {
            let (mean, mut direction) = (columns(rows, Mean), vec![0.0; rows[0].len()]);
            let update = rule.step(recent, &mean, Policy::Error, &mut direction).unwrap();
            (update == Update::Apply).then_some(direction)
        }
    }
}

/// The steps of training are those along the core's directions.
#[track_caller]
pub(crate) fn steps_are_those_of_the_core(model: &Model<f32>, of: Config, steps: usize) {
    let (name, rule) = (model.graph().name(), of.aggregation);
    let mut trainer = trainer_of(model, of);
    let d = trainer.model().parameters().len();
    let mut recent = Recent::new([vec![0.0; d], vec![0.0; d]]);
    for step in 0..steps {
        let direction = definition(rule, &mut recent, &next_gradients(&trainer));
        let before = trainer.model().parameters().to_vec();
        trainer.advance().unwrap();
        let after = trainer.model().parameters();
        let Some(direction) = direction else {
            assert_eq!(before, after, "{rule} holds the weights at step {step}");
            continue;
        };
        for (j, (&before, &after)) in before.iter().zip(after).enumerate() {
            let expected = f64::from(before) - 0.1 * direction[j];
            let error = (f64::from(after) - expected).abs();
            assert!(
                error < 3e-7,
                "{name}: {rule}, step {step}, coordinate {j}: {after} {expected}"
            );
        }
    }
}

#[test]
fn every_step_is_that_of_the_cores_rule() {
    for (model, rule, batch) in cases() {
        steps_are_those_of_the_core(&model, Config { batch, ..config(rule) }, 12);
    }
}

/// Rules that do not commute with adding a vector to all gradients, as the others do.
#[test]
fn clipped_norms_and_signs_of_groups_are_those_of_the_core() {
    for model in models() {
        for rule in ["norm-clipping:0.1@20", "sign-majority@5"] {
            steps_are_those_of_the_core(&model, config(rule.parse().unwrap()), 5);
        }
    }
}

/// Momentum μ, Nesterov's or not, and weight decay λ in f64, from the core's directions.
#[test]
fn momentum_and_decay_act_on_the_direction_of_every_rule() {
    let settings = [(0.9, false, 0.0), (0.9, true, 0.0), (0.0, false, 0.1), (0.5, true, 0.1)];
    for ((model, rule, batch), (momentum, nesterov, weight_decay)) in
        cases().flat_map(|case| settings.map(|setting| (case.clone(), setting)))
    {
        let schedule = RateSchedule::Steps { at: vec![4, 7], divisor: 2.0 };
        let optimizer =
            Config { batch, schedule, momentum, nesterov, weight_decay, ..config(rule) };
        let mut trainer = trainer_of(&model, optimizer);
        let d = trainer.model().parameters().len();
        let mut recent = Recent::new([vec![0.0; d], vec![0.0; d]]);
        let mut velocity = vec![0.0; d];
        for step in 0..10 {
            let before = trainer.model().parameters().to_vec();
            let mut rows = next_gradients(&trainer);
            for gradient in &mut rows {
                gradient
                    .iter_mut()
                    .zip(&before)
                    .for_each(|(g, &w)| *g += weight_decay * f64::from(w));
            }
            let direction = definition(rule, &mut recent, &rows);
            trainer.advance().unwrap();
            let after = trainer.model().parameters();
            let Some(direction) = direction else {
                assert_eq!(before, after, "{rule} holds the weights at step {step}");
                continue;
            };
            let rate = [0.1, 0.05, 0.025][usize::from(step >= 4) + usize::from(step >= 7)];
            for j in 0..d {
                velocity[j] = momentum * velocity[j] + direction[j];
                let ahead =
                    if nesterov { direction[j] + momentum * velocity[j] } else { velocity[j] };
                let expected = f64::from(before[j]) - rate * ahead;
                let error = (f64::from(after[j]) - expected).abs();
                assert!(
                    error < 1e-6,
                    "{rule}, {momentum}, {nesterov}, {weight_decay}, step {step}"
                );
            }
        }
    }
}

#[test]
fn nothing_clipped_is_the_mean() {
    losses_agree([Aggregation::Mean, Aggregation::Winsorized { clip: 0 }]);
}

#[test]
fn training_from_a_restored_state_continues_bit_for_bit() {
    for (model, rule, batch) in cases() {
        let config = |rule| Config { batch, ..config(rule) };
        for stop in [0, 1, 2, 3, 4, 11] {
            let mut whole = trainer_of(&model, config(rule));
            let mut first = trainer_of(&model, config(rule));
            go(&mut first, stop);
            let mut second = trainer_of(&model, config(rule));
            second.restore(first.state());
            go(&mut second, 15 - stop);
            go(&mut whole, 15);
            assert_eq!(whole.model(), second.model(), "{rule:?} from {stop}");
        }
    }
}

#[test]
fn training_lowers_the_loss() {
    for (model, rule, batch) in cases() {
        let mut trainer = trainer_of(&model, Config { batch, ..config(rule) });
        let data = Blobs { n: 110, seed: 1 };
        let loss =
            |model: &_| one_by_one(model, &data).iter().map(|(_, loss, _)| loss).sum::<f64>();
        go(&mut trainer, 30);
        assert!(loss(trainer.model()) < loss(&model), "{rule:?}");
    }
}

#[test]
fn a_median_over_groups_is_the_median_of_means() {
    losses_agree([Aggregation::MedianOfMeans { groups: 4 }, "median@4".parse().unwrap()]);
}

/// Two rules that are one by definition.
#[track_caller]
fn losses_agree(rules: [Aggregation; 2]) {
    for model in models() {
        let [mut one, mut other] = rules.map(|rule| trainer_of(&model, config(rule)));
        for _ in 0..30 {
            let losses = (one.advance().unwrap(), other.advance().unwrap());
            assert!((losses.0 - losses.1).abs() < 1e-5, "{losses:?}");
        }
    }
}

#[test]
fn rules_over_groups_are_text_and_what_is_none_is_told() {
    for text in OVER_GROUPS.iter().map(|(text, _)| *text).chain(["trimmed:2", "median"]) {
        assert_eq!(text.parse::<Aggregation>().unwrap().to_string(), text);
    }
    for (text, said) in [
        ("sign-majority", "take sign-majority@GROUPS"),
        ("krum:1", "take krum:1@GROUPS"),
        ("krum:1@0", "after @ comes the number of groups"),
        ("krum:1@ten", "after @ comes the number of groups"),
        ("krum@10", "malformed rule, expected krum:F"),
        ("m3@10", "there is no such rule"),
        ("best@10", "RULE@GROUPS"),
    ] {
        let message = text.parse::<Aggregation>().unwrap_err().to_string();
        assert!(message.contains(said), "{message}");
    }
}
