//! One training run in its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use coherence_data::random;
use coherence_nn::{Model, device::Device, weights};
use coherence_train::{Outcome, TrainingRun};

use super::run_file::RunFile;
use super::{PlannedRun, RunError, data, pretraining, single};
use crate::made::Sitting;
use crate::memory::Needed;

/// Executes a run on `device`, goes on with it, or skips it when its folder says that it is finished. Returns
/// its sittings; `advance` receives the number of steps done since its last call.
pub(super) fn execute<D: Device<f32>>(
    device: &D,
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
    file.sittings.push(Sitting::begin(rayon::current_num_threads(), device.name()));
    file.save(&folder)?;
    let outcome = train(device, run, out, &folder, stop, advance);
    if let Some(sitting) = file.sittings.last_mut() {
        sitting.end(clock);
    }
    file.finished = matches!(outcome, Ok(Outcome::Finished));
    let saved = file.save(&folder);
    outcome?;
    saved?;
    if file.finished { Ok(file.sittings) } else { Err(RunError::Interrupted) }
}

/// What a run needs at least on a device of this type; the largest number if there is no such network, and nothing for a folder, whose
/// images are known only when it is opened.
pub(super) fn memory<D: Device<f32>>(run: &PlannedRun) -> Needed {
    let settings = &run.settings;
    let Some((image, classes)) = settings.dataset.shape() else { return Needed::default() };
    let (train, test) = settings.dataset.sizes().unwrap_or_default();
    let examples =
        [settings.training_examples().unwrap_or(train), settings.test_examples.unwrap_or(test)];
    match settings.network::<D>(image, classes) {
        Ok(network) => Needed::in_training(&settings.config(run.seed), &network, examples),
        Err(_) => Needed { data: 0, network: u64::MAX },
    }
}

fn train<D: Device<f32>>(
    device: &D,
    run: &PlannedRun,
    out: &Path,
    folder: &Path,
    stop: &AtomicBool,
    advance: &dyn Fn(u64),
) -> Result<Outcome, RunError> {
    let [train, test] = data::open_both(run, out)?;
    let network = run.settings.network(train.shape(), train.classes());
    let network = network.map_err(|e| data::settings_error(run, &e))?;
    let stream = run.initialisation.map(|number| format!("initialisation {number}"));
    let stream = stream.as_deref().unwrap_or("initialisation");
    let mut rng = random::stream(run.seed, stream);
    let mut model = Model::initialized_on(device.clone(), network, &mut rng);
    if let Some(first) = pretraining::stage(run) {
        let folder = folder.join(pretraining::FOLDER);
        if self::train(device, &first, out, &folder, stop, &|_| {})? == Outcome::Interrupted {
            return Ok(Outcome::Interrupted);
        }
        load(&mut model, folder.join("weights.safetensors"))?;
    }
    let config = run.settings.config(run.seed);
    let failed = |source| RunError::Train { run: run.to_string(), source: Box::new(source) };
    if !single::measure(run, folder, stop, &model, &train)? {
        return Ok(Outcome::Interrupted);
    }
    let mut training = TrainingRun::open(folder, config, model, train, test).map_err(failed)?;
    let mut known = 0;
    let progress = |progress: coherence_train::Progress| {
        advance(progress.step - known);
        known = progress.step;
    };
    training.advance(stop, progress).map_err(failed)
}

/// Gives `model` the weights of a file.
fn load<D: Device<f32>>(model: &mut Model<f32, D>, path: PathBuf) -> Result<(), RunError> {
    let damaged = |path, reason: &dyn std::fmt::Display| {
        Err(RunError::Damaged { path, reason: reason.to_string() })
    };
    match fs::read(&path) {
        Ok(bytes) => weights::load(model, &bytes).or_else(|error| damaged(path, &error)),
        Err(error) => damaged(path, &error),
    }
}
