//! Several workers: the same results as one worker where the rule allows it, and the same on every run.

use crate::blobs::{Blobs, config, examples, models, network};
use coherence_data::{digits, random, select::Subset};
use coherence_nn::{Model, Shape, model::lenet5};
use coherence_train::{
    Aggregation, Config, ConfigError, Outcome, OverTime, Row, Trainer, TrainingRun,
    TrainingRunError, Watch,
    collective::{Collective, threads},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

fn trainer(
    workers: Arc<dyn Collective>,
    model: &Model<f32>,
    config: Config,
) -> Result<Trainer, ConfigError> {
    let (train, test) = (Blobs { n: 110, seed: 1 }, Blobs { n: 40, seed: 2 });
    Trainer::among(workers, config, model.clone(), examples(&train), examples(&test))
}

/// Calls `work` on a thread for each of P workers, and returns their results by rank.
pub(crate) fn among<R: Send>(
    size: usize,
    work: impl Fn(Arc<dyn Collective>) -> R + Sync,
) -> Vec<R> {
    // A pool of its own for each: a worker that waits holds its thread.
    let work = |worker| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| work(worker))
    };
    thread::scope(|scope| {
        let work = &work;
        let start = |worker| scope.spawn(move || work(worker));
        let started: Vec<_> = threads(size).into_iter().map(start).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The parameters after each of 30 steps, with the losses, and the rows of two measurements.
type History = (Vec<(Vec<f32>, f64)>, Vec<Row>);

fn history(workers: Arc<dyn Collective>, model: &Model<f32>, config: Config) -> History {
    let (mut trainer, mut rows) = (trainer(workers, model, config).unwrap(), Vec::new());
    let mut steps = Vec::new();
    while !trainer.is_finished() {
        let loss = trainer.advance().unwrap();
        steps.push((trainer.model().parameters().to_vec(), loss));
        if [10, 30].contains(&trainer.step()) {
            trainer.observe(&mut rows).unwrap();
        }
    }
    (steps, rows)
}

/// Settings with every network.
fn with_models<const N: usize>(
    settings: [Config; N],
) -> impl Iterator<Item = (Model<f32>, Config)> {
    models().into_iter().flat_map(move |model| settings.clone().map(|of| (model.clone(), of)))
}

/// What each of several workers has, and one worker alone.
fn histories(size: usize, model: &Model<f32>, of: &Config) -> (Vec<History>, History) {
    let all = |size| among(size, |worker| history(worker, model, of.clone()));
    (all(size), all(1).remove(0))
}

fn optimizers(rule: Aggregation) -> [Config; 3] {
    let plain = config(rule);
    let momentum = Config { momentum: 0.5, weight_decay: 0.01, ..plain.clone() };
    [plain.clone(), momentum, Config { micro_batch: Some(5), ..plain }]
}

#[test]
fn three_workers_take_a_mini_batch_each_of_m3_and_a3_to_the_bits_of_one() {
    for rule in [OverTime::M3, OverTime::A3].map(Aggregation::OverTime) {
        for (model, of) in with_models(optimizers(rule)) {
            let (all, one) = histories(3, &model, &of);
            assert!(all.iter().all(|found| *found == one), "{of:?}");
        }
    }
}

/// Numbers of workers with the median of as many groups.
fn medians_of_means() -> [(usize, Aggregation); 3] {
    [2, 3, 4].map(|groups| (groups, Aggregation::MedianOfMeans { groups }))
}

#[test]
fn groups_of_median_of_means_on_workers_of_their_own_give_the_bits_of_one() {
    let over_groups = [(2, "mean@2"), (3, "median@3"), (4, "trimmed:1@4"), (3, "winsorized:1@3")];
    let over_groups = over_groups.map(|(size, text)| (size, text.parse().unwrap()));
    for (size, rule) in medians_of_means().into_iter().chain(over_groups) {
        let plain = config(rule);
        let momentum = Config { momentum: 0.5, weight_decay: 0.01, ..plain.clone() };
        for (model, of) in with_models([plain, momentum]) {
            let (all, one) = histories(size, &model, &of);
            all.iter().for_each(|found| parameters_are_those_of(found, &one, &of));
        }
    }
}

#[test]
fn groups_on_workers_of_their_own_are_added_up_in_passes_to_the_bits_of_one_worker() {
    for (size, rule, micro_batch) in
        [(2, "median-of-means:2", 5), (4, "trimmed:1@4", 1), (5, "median-of-means:5", 2)]
    {
        let of = Config { micro_batch: Some(micro_batch), ..config(rule.parse().unwrap()) };
        for (model, of) in with_models([of]) {
            let (all, one) = histories(size, &model, &of);
            all.iter().for_each(|found| parameters_are_those_of(found, &one, &of));
        }
    }
}

#[test]
fn medians_of_means_of_convolutions_have_the_bits_of_one_worker() {
    let train = |worker, aggregation| {
        let data = Subset::new(digits::train(), (0..120).collect()).unwrap();
        let config = Config { batch: 30, steps: 4, aggregation, ..Config::default() };
        let network = lenet5(Shape::image(28, 28, 1), 10).unwrap();
        let model = Model::initialized(network, &mut random::stream(5, "initialisation"));
        let mut trainer =
            Trainer::among(worker, config, model, examples(&data), examples(&data)).unwrap();
        while !trainer.is_finished() {
            trainer.advance().unwrap();
        }
        trainer.model().parameters().to_vec()
    };
    let trimmed = (4, "trimmed:1@4".parse().unwrap());
    for (size, rule) in medians_of_means().into_iter().chain([trimmed]) {
        let one = among(1, |worker| train(worker, rule)).remove(0);
        for found in among(size, |worker| train(worker, rule)) {
            let differing = found.iter().zip(&one).filter(|(found, one)| found != one).count();
            assert_eq!(differing, 0, "of {} parameters, {rule}, {size} workers", one.len());
        }
    }
}

#[test]
fn a_robust_mean_of_one_example_on_each_worker_is_that_of_one_worker() {
    let winsorized = |clip| Aggregation::Winsorized { clip };
    let trimmed = |trim| Aggregation::Trimmed { trim };
    for (size, rule) in [
        (2, winsorized(0)),
        (3, winsorized(1)),
        (4, winsorized(1)),
        (4, winsorized(2)),
        (3, trimmed(1)),
        (4, trimmed(1)),
        (3, Aggregation::Median),
        (4, Aggregation::Median),
    ] {
        let of = Config { batch: size, ..config(rule) };
        for (model, of) in with_models([of]) {
            let (all, one) = histories(size, &model, &of);
            all.iter().for_each(|found| close(&found.0, &one.0, 1e-6));
        }
    }
}

#[test]
fn workers_add_their_gradients_in_a_fixed_order() {
    let rules = [
        Aggregation::Mean,
        Aggregation::OverTime(OverTime::Rm3),
        Aggregation::OverTime(OverTime::Ra3),
        Aggregation::OverTime(OverTime::M3),
    ];
    for (rule, size) in rules.into_iter().zip([3, 2, 4, 2]) {
        for (model, of) in with_models(optimizers(rule)) {
            let [(first, one), (second, _)] = [(); 2].map(|()| histories(size, &model, &of));
            assert!(first == second, "{rule:?} differs from run to run");
            first.iter().for_each(|found| close(&found.0, &one.0, 1e-5));
        }
    }
}

/// The same bits of the parameters after each step; losses, which workers add up, but for rounding.
#[track_caller]
fn parameters_are_those_of(found: &History, one: &History, of: &Config) {
    let first = (0..30).find(|&step| found.0[step].0 != one.0[step].0);
    assert_eq!(first, None, "first step with other parameters, {of:?}");
    close(&found.0, &one.0, 1e-12);
}

#[track_caller]
fn close(found: &[(Vec<f32>, f64)], expected: &[(Vec<f32>, f64)], tolerance: f64) {
    for (step, ((w, loss), (expected, expected_loss))) in found.iter().zip(expected).enumerate() {
        assert!((loss - expected_loss).abs() <= tolerance, "step {step}: {loss} {expected_loss}");
        for (w, expected) in w.iter().zip(expected) {
            let error = f64::from((w - expected).abs());
            assert!(error <= tolerance, "step {step}: {w} {expected}");
        }
    }
}

fn run(
    worker: Arc<dyn Collective>,
    folder: &Path,
    model: &Model<f32>,
    config: Config,
) -> Result<TrainingRun, TrainingRunError> {
    let (train, test) = (Blobs { n: 110, seed: 1 }, Blobs { n: 40, seed: 2 });
    TrainingRun::among(worker, folder, config, model.clone(), examples(&train), examples(&test))
}

fn finish(folder: &Path, size: usize, model: &Model<f32>, config: &Config) {
    let ended = among(size, |worker| {
        run(worker, folder, model, config.clone())
            .unwrap()
            .advance(&AtomicBool::new(false), |_| {})
            .unwrap()
    });
    assert_eq!(ended, vec![Outcome::Finished; size]);
}

const FILES: [&str; 3] = ["metrics.csv", "learned.csv", "weights.safetensors"];

fn bytes(folder: &Path) -> [Vec<u8>; 3] {
    FILES.map(|file| std::fs::read(folder.join(file)).unwrap())
}

#[test]
fn a_stopped_run_goes_on_with_the_same_bytes_and_m3_with_any_number_of_workers() {
    for (rule, sizes) in [
        (Aggregation::Mean, [2, 2]),
        (Aggregation::OverTime(OverTime::Rm3), [3, 3]),
        (Aggregation::OverTime(OverTime::M3), [3, 1]),
        (Aggregation::OverTime(OverTime::M3), [1, 3]),
    ] {
        for (model, of) in with_models([config(rule)]) {
            let whole = tempfile::tempdir().unwrap();
            finish(whole.path(), sizes[1], &model, &of);
            for at in [0, 4, 9, 12, 29] {
                goes_on(sizes, at, &model, &of, whole.path());
            }
        }
    }
}

/// A run of `sizes[0]` workers that is stopped at step `at` and continued by `sizes[1]` has the files of `whole`.
fn goes_on(sizes: [usize; 2], at: u64, model: &Model<f32>, of: &Config, whole: &Path) {
    let folder = tempfile::tempdir().unwrap();
    // Only the last worker is interrupted.
    let ended = among(sizes[0], |worker| {
        let (stop, raises) = (AtomicBool::new(false), worker.rank() == sizes[0] - 1);
        let mut run = run(worker, folder.path(), model, of.clone()).unwrap();
        let raise = |step| stop.store(raises && step >= at, Ordering::Relaxed);
        let outcome = run.advance(&stop, |progress| raise(progress.step)).unwrap();
        (outcome, run.trainer().step())
    });
    assert!(ended.iter().all(|found| found == &ended[0]), "{ended:?}");
    let is_between = ended[0].0 == Outcome::Interrupted && !ended[0].1.is_multiple_of(3);
    if is_between && sizes == [1, 3] {
        let refused = among(3, |worker| run(worker, folder.path(), model, of.clone()).map(drop));
        let is_between = |found| matches!(found, Err(TrainingRunError::Between { .. }));
        return assert!(refused.into_iter().all(is_between));
    }
    finish(folder.path(), sizes[1], model, of);
    let (found, expected) = (bytes(folder.path()), bytes(whole));
    for ((file, found), expected) in FILES.iter().zip(found).zip(expected) {
        assert!(found == expected, "{file} of {:?} stopped at {at}", of.aggregation);
    }
}

#[test]
fn settings_that_need_all_examples_on_one_worker_are_refused() {
    let refused = |size, config: Config| {
        let found = among(size, |worker| trainer(worker, &network(), config.clone()).map(drop));
        assert!(
            found.iter().all(|found| matches!(found, Err(ConfigError::Workers { .. }))),
            "{found:?}"
        );
    };
    refused(2, config(Aggregation::Winsorized { clip: 1 }));
    refused(2, config(Aggregation::Trimmed { trim: 1 }));
    refused(2, config(Aggregation::Median));
    refused(2, config(Aggregation::MedianOfMeans { groups: 3 }));
    refused(2, config("median@3".parse().unwrap()));
    refused(5, config("krum:1@5".parse().unwrap())); // not by coordinate
    refused(2, Config { watch: vec![Watch::Activity], ..config(Aggregation::Mean) });
    refused(21, config(Aggregation::Mean)); // mini-batches of 20
    refused(3, Config { micro_batch: Some(10), ..config(Aggregation::Mean) });
    let three = Aggregation::MedianOfMeans { groups: 3 };
    refused(3, Config { micro_batch: Some(5), ..config(three) }); // four passes
}

#[test]
fn workers_that_differ_are_refused_by_rank() {
    let found = among(3, |worker| {
        let seed = if worker.rank() == 2 { 4 } else { 3 };
        trainer(worker, &network(), Config { seed, ..config(Aggregation::Mean) }).map(drop)
    });
    assert_eq!(found, vec![Err(ConfigError::Differing(vec![2])); 3]);
    let found = among(2, |worker| {
        let n = 110 - worker.rank();
        let (train, test) = (Blobs { n, seed: 1 }, Blobs { n: 40, seed: 2 });
        let model: Model<f32> = network();
        let config = config(Aggregation::Mean);
        Trainer::among(worker, config, model, examples(&train), examples(&test)).map(drop)
    });
    assert_eq!(found, vec![Err(ConfigError::Differing(vec![1])); 2]);
}
