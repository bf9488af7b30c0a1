//! `run.toml`: the settings that a run folder was made with, and whether the run is finished.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use coherence_data::files::write_atomically;
use serde::{Deserialize, Serialize};

use super::{Run, RunError, today};
use crate::cell::Cell;
use crate::machine::Machine;
use crate::spec::Training;

/// The echo in a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Echo {
    experiment: String,
    seed: u64,
    /// Day of the first sitting.
    date: String,
    /// Seconds of all sittings so far.
    pub(super) wall_seconds: f64,
    /// Whether all steps are done and `metrics.csv` is complete.
    pub(super) finished: bool,
    cell: Cell,
    settings: Training,
    machine: Machine,
}

impl Echo {
    /// The echo of a run that begins now.
    fn begin(run: &Run) -> Self {
        Self {
            experiment: run.experiment.clone(),
            seed: run.seed,
            date: today(),
            wall_seconds: 0.0,
            finished: false,
            cell: run.cell.clone(),
            settings: run.settings.clone(),
            machine: Machine::here(),
        }
    }

    /// The echo in `folder`, or a new one where there is none.
    ///
    /// # Errors
    ///
    /// [`RunError::Differs`] when the folder was made with other settings.
    pub(super) fn open(run: &Run, folder: &Path) -> Result<Self, RunError> {
        let path = path(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::begin(run)),
            Err(e) => return Err(RunError::Damaged { path, reason: e.to_string() }),
        };
        let echo: Self =
            toml::from_str(&text).map_err(|e| RunError::Damaged { path, reason: e.to_string() })?;
        match difference(&echo.settings, &run.settings) {
            None => Ok(echo),
            Some(difference) => Err(RunError::Differs { folder: folder.to_owned(), difference }),
        }
    }

    /// Writes the echo into `folder`.
    pub(super) fn save(&self, folder: &Path) -> Result<(), RunError> {
        let text = toml::to_string(self).expect("an echo is a plain table");
        Ok(write_atomically(&path(folder), |out| out.write_all(text.as_bytes()))?)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("run.toml")
}

/// The settings that differ, as `steps = 100 there, 200 here`. The number of seeds is no setting of
/// a single run.
fn difference(there: &Training, here: &Training) -> Option<String> {
    let (there, here) = (there.shown(), here.shown());
    let mut keys: Vec<&String> = there.keys().chain(here.keys()).collect();
    keys.sort();
    keys.dedup();
    let shown = |value: Option<&String>| value.map_or("absent", String::as_str).to_owned();
    let differing =
        keys.into_iter().filter(|&key| key != "seeds" && there.get(key) != here.get(key));
    let texts: Vec<String> = differing
        .map(|key| {
            format!("{key} = {} there, {} here", shown(there.get(key)), shown(here.get(key)))
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
