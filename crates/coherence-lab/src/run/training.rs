//! One training run in its folder.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use coherence_data::{Dataset, random};
use coherence_nn::Mlp;
use coherence_train::{Aggregation, Config, Outcome, Schedule, TrainingRun};

use super::echo::Echo;
use super::{Run, RunError, data};
use crate::spec::Training;

/// Steps that a `kill -9` can cost.
const CHECKPOINT_EVERY: u64 = 1000;

/// Executes a run, goes on with it, or skips it when its folder says that it is finished. Returns
/// its seconds, all sittings together; `advance` is told of steps done.
pub(super) fn execute(
    run: &Run,
    out: &Path,
    stop: &AtomicBool,
    advance: &dyn Fn(u64),
) -> Result<f64, RunError> {
    let folder = run.folder(out);
    let mut echo = Echo::open(run, &folder)?;
    if echo.finished {
        advance(run.settings.steps);
        return Ok(echo.wall_seconds);
    }
    if stop.load(Ordering::Relaxed) {
        return Err(RunError::Interrupted);
    }
    echo.save(&folder)?;
    let started = Instant::now();
    let outcome = train(run, &folder, stop, advance)?;
    echo.wall_seconds += started.elapsed().as_secs_f64();
    echo.finished = outcome == Outcome::Finished;
    echo.save(&folder)?;
    if echo.finished { Ok(echo.wall_seconds) } else { Err(RunError::Interrupted) }
}

fn train(
    run: &Run,
    folder: &Path,
    stop: &AtomicBool,
    advance: &dyn Fn(u64),
) -> Result<Outcome, RunError> {
    let (train, test) = data::open_both(run)?;
    let mlp = network(&run.settings, train.as_ref(), run.seed);
    let config = config(&run.settings, run.seed);
    let failed = |source| RunError::Train {
        run: format!("{} {} seed {}", run.experiment, run.cell, run.seed),
        source,
    };
    let mut training = TrainingRun::open(folder, config, mlp, &train, &test).map_err(failed)?;
    let mut known = 0;
    let progress = |progress: coherence_train::Progress| {
        advance(progress.step - known);
        known = progress.step;
    };
    training.advance(stop, progress).map_err(failed)
}

/// The untrained network, whose weights depend on the seed and the widths alone.
fn network(settings: &Training, data: &dyn Dataset, seed: u64) -> Mlp<f32> {
    let inputs = std::iter::once(data.shape().features());
    let widths: Vec<usize> =
        inputs.chain(settings.hidden.iter().copied()).chain([data.classes()]).collect();
    let mut rng = random::stream(seed, "initialisation");
    Mlp::xavier(&widths, &mut rng).expect("a checked experiment has no layer without neurons")
}

fn config(settings: &Training, seed: u64) -> Config {
    Config {
        batch: settings.batch,
        rate: settings.rate,
        steps: settings.steps,
        aggregation: match settings.clip {
            0 => Aggregation::Mean,
            clip => Aggregation::Winsorized { clip },
        },
        seed,
        evaluate: Schedule::Decades,
        probe: settings.probe,
        checkpoint_every: CHECKPOINT_EVERY,
    }
}
