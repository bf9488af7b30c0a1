//! How long single examples take to be fitted alone, each by a network with the initial weights of the run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use coherence_data::{files, random};
use coherence_nn::{Model, device::Device};
use coherence_train::{Aggregation, Config, Examples, Trainer, TrainingRunError};

use super::{PlannedRun, RunError};
use crate::spec::Single;

/// The file in the run folder, with the columns of `metrics.csv`.
pub(super) const FILE: &str = "single.csv";

/// Measures the mean number of steps, unless the folder has it already or nothing is asked for; `false` if `stop` was
/// raised meanwhile.
pub(super) fn measure<D: Device<f32>>(
    run: &PlannedRun,
    folder: &Path,
    stop: &AtomicBool,
    model: &Model<f32, D>,
    train: &Examples,
) -> Result<bool, RunError> {
    let (path, Some(single)) = (folder.join(FILE), run.settings.single) else { return Ok(true) };
    if path.exists() {
        return Ok(true);
    }
    let mut order = random::permutation(&mut random::stream(run.seed, "single"), train.len());
    order.truncate(single.examples);
    let config = Config {
        batch: 1,
        micro_batch: None,
        probe: 0,
        watch: Vec::new(),
        attribution: Default::default(),
        aggregation: Aggregation::Mean,
        ..run.settings.config(run.seed)
    };
    let mut sum = 0;
    for &i in &order {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let failed = |source| RunError::Train { run: run.to_string(), source: Box::new(source) };
        let example = train.single(i).map_err(|error| failed(error.into()))?;
        sum += fit(&config, single, model, example).map_err(failed)?;
    }
    let mean = sum as f64 / order.len() as f64;
    files::write_atomically(&path, |to| write!(to, "step,series,value\n0,single.steps,{mean}\n"))?;
    Ok(true)
}

/// The number of steps until the loss of the only example is at most that of `single`.
fn fit<D: Device<f32>>(
    config: &Config,
    single: Single,
    model: &Model<f32, D>,
    example: Examples,
) -> Result<u64, TrainingRunError> {
    let mut trainer = Trainer::new(config.clone(), model.clone(), example.clone(), example)?;
    while !trainer.is_finished() {
        let before = trainer.step();
        // The loss is that before the update.
        if trainer.advance()? <= single.loss {
            return Ok(before);
        }
    }
    Ok(trainer.step())
}
