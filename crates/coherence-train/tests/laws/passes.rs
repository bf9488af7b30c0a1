//! Rules over groups of a mini-batch whose gradients are added up in passes of micro-batches.

use crate::{
    aggregations::steps_are_those_of_the_core,
    blobs::{config, go, models, trainer_of},
};
use coherence_nn::Model;
use coherence_train::{Config, State};

/// Rules with sizes of mini-batches and of passes that have whole groups.
const WHOLE_GROUPS: [(&str, usize, usize); 12] = [
    ("median-of-means:1", 20, 20),
    ("median-of-means:4", 20, 5),
    ("median-of-means:4", 20, 10),
    ("median-of-means:20", 20, 1),
    ("median-of-means:11", 11, 11),
    ("mean@3", 21, 7),
    ("median@20", 20, 4),
    ("trimmed:1@5", 20, 4),
    ("winsorized:25%@4", 16, 8),
    ("krum:1@5", 20, 4),
    ("multi-krum:1:2@6", 18, 9),
    ("geometric-median@4", 12, 3),
];

/// Those with passes that cut groups, some of unequal sizes.
const CUT_GROUPS: [(&str, usize, usize); 11] = [
    ("median-of-means:1", 20, 5),
    ("median-of-means:3", 21, 3),
    ("median-of-means:3", 20, 10),
    ("median-of-means:4", 20, 1),
    ("mean@3", 20, 4),
    ("trimmed:1@5", 20, 10),
    ("winsorized:1@6", 20, 5),
    ("krum:1@5", 20, 2),
    ("multi-krum:1:2@6", 20, 4),
    ("bulyan:1@7", 20, 10),
    ("centered-clipping:0.5:3@6", 20, 5),
];

/// Settings with every network.
fn settings(of: &[(&str, usize, usize)]) -> impl Iterator<Item = (Model<f32>, Config)> {
    let new = |&(rule, batch, pass): &(&str, usize, usize)| Config {
        batch,
        micro_batch: Some(pass),
        ..config(rule.parse().unwrap())
    };
    let settings: Vec<Config> = of.iter().map(new).collect();
    settings.into_iter().flat_map(|of| models().map(|model| (model, of.clone())))
}

fn after(model: &Model<f32>, of: Config, steps: usize) -> State {
    let mut trainer = trainer_of(model, of);
    go(&mut trainer, steps);
    trainer.state()
}

/// Gradients of single examples, sorted into groups, and the core's rule over their means.
#[test]
fn a_step_in_passes_is_that_of_the_rule_over_the_means_of_groups() {
    for (model, of) in settings(&WHOLE_GROUPS).chain(settings(&CUT_GROUPS)) {
        steps_are_those_of_the_core(&model, of, 8);
    }
}

#[test]
fn passes_of_whole_groups_have_the_bits_of_one_pass() {
    for (model, plain) in settings(&WHOLE_GROUPS) {
        let momentum = Config { momentum: 0.9, weight_decay: 1e-3, ..plain.clone() };
        for of in [plain, momentum] {
            let whole = after(&model, Config { micro_batch: None, ..of.clone() }, 12);
            assert!(after(&model, of.clone(), 12) == whole, "{of:?}");
            assert!(whole.parameters != model.parameters(), "{} moved", of.aggregation);
        }
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits_in_passes() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    for (model, of) in settings(&CUT_GROUPS) {
        let run = |threads| pool(threads).install(|| after(&model, of.clone(), 6));
        assert!(run(1) == run(2), "{of:?}");
    }
}

#[test]
fn training_in_passes_from_a_restored_state_continues_bit_for_bit() {
    for (model, of) in settings(&CUT_GROUPS) {
        let of = Config { momentum: 0.5, ..of };
        let mut second = trainer_of(&model, of.clone());
        second.restore(after(&model, of.clone(), 7));
        go(&mut second, 6);
        assert!(second.state() == after(&model, of.clone(), 13), "{of:?}");
    }
}
