//! The training and test set of a run.

use std::path::Path;
use std::sync::Arc;

use coherence_data::noise::{LabelNoise, NoiseError, PixelNoise};
use coherence_data::select::Subset;
use coherence_data::{Dataset, Normalized, Split, open_framed};
use coherence_train::{Examples, Group};

use super::{PlannedRun, RunError, difficulty, trial};
use crate::spec::Data;

pub(super) type Boxed = Box<dyn Dataset>;

/// A set and the groups of its examples that are evaluated apart.
pub(super) type Grouped = (Boxed, Vec<Group>);

/// Opens the run's training and test data: a seeded sample or the examples of some difficulty, which is found in `out`,
/// then noise on the training part. The test set is left as it is, as in CG20.
pub(super) fn open_both(run: &PlannedRun, out: &Path) -> Result<[Examples; 2], RunError> {
    let settings = &run.settings;
    let open = |split| open_framed(settings.dataset.name(), split, settings.framing());
    let (train, test) = (open(Split::Train)?, open(Split::Test)?);
    trial::check(run, [train.len(), test.len()])?;
    let [(train, train_groups), test] = match settings.difficulty {
        Some(difficulty) => difficulty::divide(run, difficulty, (train, test), out)?,
        None => [
            (sampled(run, train, settings.examples, "examples")?, Vec::new()),
            (sampled(run, test, settings.test_examples, "test_examples")?, Vec::new()),
        ],
    };
    let noisy = noisy(train, settings.data, settings.noise / 100.0, run.seed);
    let noisy = noisy.map_err(|e| settings_error(run, &e))?;
    Ok([read(run, (noisy, train_groups))?, read(run, test)?])
}

fn read(run: &PlannedRun, (data, groups): Grouped) -> Result<Examples, RunError> {
    let failed = |source: coherence_data::ReadError| RunError::Train {
        run: run.to_string(),
        source: Box::new(source.into()),
    };
    let examples = Examples::open(Arc::from(normalized(run, data)?)).map_err(failed)?;
    Ok(examples.with_groups(groups))
}

fn normalized(run: &PlannedRun, data: Boxed) -> Result<Boxed, RunError> {
    let Some(by) = &run.settings.normalize else { return Ok(data) };
    let data = Normalized::new(data, (**by).clone()).map_err(|e| settings_error(run, &e))?;
    Ok(Box::new(data))
}

pub(super) fn sampled(
    run: &PlannedRun,
    data: Boxed,
    n: Option<usize>,
    key: &str,
) -> Result<Boxed, RunError> {
    let (Some(n), there) = (n, data.len()) else { return Ok(data) };
    let sample = Subset::sample(data, n, run.seed)
        .map_err(|_| settings_error(run, &format!("{key} is {n}, but there are {there}")))?;
    Ok(Box::new(sample))
}

/// `train` with noise of the kind `data` in a `share` of its examples.
///
/// # Errors
///
/// [`NoiseError`] unless 0 ≤ `share` ≤ 1, or if an image cannot be read.
pub fn noisy(train: Boxed, data: Data, share: f64, seed: u64) -> Result<Boxed, NoiseError> {
    Ok(match data {
        Data::Real => train,
        Data::PermutedLabels => Box::new(LabelNoise::permute(train, share, seed)?),
        Data::RedrawnLabels => Box::new(LabelNoise::redraw(train, share, seed)?),
        Data::RandomPixels => Box::new(PixelNoise::gaussian(train, share, seed)?),
    })
}

pub(super) fn settings_error(run: &PlannedRun, reason: &dyn std::fmt::Display) -> RunError {
    RunError::Settings { run: run.to_string(), reason: reason.to_string() }
}
