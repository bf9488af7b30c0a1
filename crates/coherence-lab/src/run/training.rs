//! One training run in its folder.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use coherence_data::random;
use coherence_nn::{Graph, GraphError, Model, model::mlp};
use coherence_train::{Config, Outcome, Schedule, TrainingRun};

use super::run_file::RunFile;
use super::{PlannedRun, RunError, data};
use crate::made::Sitting;
use crate::spec::Training;

/// Steps that a `kill -9` can cost.
const CHECKPOINT_EVERY: u64 = 1000;

/// Executes a run, goes on with it, or skips it when its folder says that it is finished. Returns
/// its sittings; `advance` receives the number of steps done since its last call.
pub(super) fn execute(
    run: &PlannedRun,
    out: &Path,
    stop: &AtomicBool,
    advance: &dyn Fn(u64),
) -> Result<Vec<Sitting>, RunError> {
    let folder = run.folder(out);
    let mut file = RunFile::open(run, &folder)?;
    if file.finished {
        advance(run.settings.steps);
        return Ok(file.sittings);
    }
    if stop.load(Ordering::Relaxed) {
        return Err(RunError::Interrupted);
    }
    let clock = Instant::now();
    file.sittings.push(Sitting::begin(rayon::current_num_threads()));
    file.save(&folder)?;
    let outcome = train(run, &folder, stop, advance)?;
    if let Some(sitting) = file.sittings.last_mut() {
        sitting.end(clock);
    }
    file.finished = outcome == Outcome::Finished;
    file.save(&folder)?;
    if file.finished { Ok(file.sittings) } else { Err(RunError::Interrupted) }
}

/// Bytes that a run needs at least; the largest number if there is no such network.
pub(super) fn memory(run: &PlannedRun) -> u64 {
    let settings = &run.settings;
    let (train, test) = settings.dataset.sizes();
    let examples = [settings.examples.unwrap_or(train), settings.test_examples.unwrap_or(test)];
    let bytes = |network| config(settings, run.seed).memory(&network, examples);
    network(settings).map_or(u64::MAX, bytes)
}

fn train(
    run: &PlannedRun,
    folder: &Path,
    stop: &AtomicBool,
    advance: &dyn Fn(u64),
) -> Result<Outcome, RunError> {
    let (train, test) = data::open_both(run)?;
    let network = network(&run.settings).expect("a checked experiment has a network");
    let mut rng = random::stream(run.seed, "initialisation");
    let model = Model::initialized(network, &mut rng);
    let config = config(&run.settings, run.seed);
    let failed = |source| RunError::Train { run: run.to_string(), source };
    let mut training = TrainingRun::open(folder, config, model, &train, &test).map_err(failed)?;
    let mut known = 0;
    let progress = |progress: coherence_train::Progress| {
        advance(progress.step - known);
        known = progress.step;
    };
    training.advance(stop, progress).map_err(failed)
}

fn network(settings: &Training) -> Result<Graph<f32>, GraphError> {
    mlp(&settings.widths())
}

fn config(settings: &Training, seed: u64) -> Config {
    Config {
        batch: settings.batch,
        rate: settings.rate,
        steps: settings.steps,
        aggregation: settings.aggregation(),
        batch_statistics: true,
        seed,
        evaluate: Schedule::Decades,
        probe: settings.probe,
        checkpoint_every: CHECKPOINT_EVERY,
    }
}
