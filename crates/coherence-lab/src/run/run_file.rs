//! `run.toml`: the settings that a run folder was made with, what made it, and whether it is
//! finished.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use coherence_data::files::write_atomically;
use serde::{Deserialize, Serialize};

use super::{OF_SEEDS, PlannedRun, RunError};
use crate::cell::Cell;
use crate::id::Id;
use crate::made::Sitting;
use crate::spec::Training;

/// The file in a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunFile {
    experiment: Id,
    seed: u64,
    /// Whether all steps are done and `metrics.csv` is complete.
    pub(super) finished: bool,
    /// Whether it is of a trial.
    #[serde(default, skip_serializing_if = "is_false")]
    trial: bool,
    cell: Cell,
    settings: Training,
    /// The sittings in which it was trained, in order; a run that is reused keeps them.
    #[serde(rename = "sitting")]
    pub(super) sittings: Vec<Sitting>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl RunFile {
    /// The file of a run that has not begun.
    fn new(run: &PlannedRun) -> Self {
        Self {
            experiment: run.experiment.clone(),
            seed: run.seed,
            finished: false,
            trial: run.trial,
            cell: run.cell.clone(),
            settings: run.settings.clone(),
            sittings: Vec::new(),
        }
    }

    /// The file in `folder`, or a new one where there is none.
    ///
    /// # Errors
    ///
    /// [`RunError::OtherSettings`] when the folder was made with other settings,
    /// [`RunError::OtherResults`] when a version made it whose numbers may differ from ours.
    pub(super) fn open(run: &PlannedRun, folder: &Path) -> Result<Self, RunError> {
        let path = path(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::new(run)),
            Err(e) => return Err(RunError::Damaged { path, reason: e.to_string() }),
        };
        let file: Self =
            toml::from_str(&text).map_err(|e| RunError::Damaged { path, reason: e.to_string() })?;
        if file.trial != run.trial {
            let difference = format!("trial = {} there, {} here", file.trial, run.trial);
            return Err(RunError::OtherSettings { folder: folder.to_owned(), difference });
        }
        if let Some(difference) = difference(&file.settings, &run.settings) {
            return Err(RunError::OtherSettings { folder: folder.to_owned(), difference });
        }
        match file.sittings.iter().find(|sitting| !sitting.agrees()) {
            None => Ok(file),
            Some(other) => Err(RunError::OtherResults {
                folder: folder.to_owned(),
                there: other.software(),
                here: Sitting::software_here(),
            }),
        }
    }

    /// Writes the file into `folder`.
    pub(super) fn save(&self, folder: &Path) -> Result<(), RunError> {
        let text = toml::to_string(self).expect("the file is a plain table");
        Ok(write_atomically(&path(folder), |out| out.write_all(text.as_bytes()))?)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("run.toml")
}

/// The settings that differ, as `steps = 100 there, 200 here`. Which seeds are run is no setting
/// of a single run.
fn difference(there: &Training, here: &Training) -> Option<String> {
    let (there, here) = (there.shown(), here.shown());
    let mut keys: Vec<&String> = there.keys().chain(here.keys()).collect();
    keys.sort();
    keys.dedup();
    let shown = |value: Option<&String>| value.map_or("absent", String::as_str).to_owned();
    let differing = keys
        .into_iter()
        .filter(|&key| !OF_SEEDS.contains(&key.as_str()) && there.get(key) != here.get(key));
    let texts: Vec<String> = differing
        .map(|key| {
            format!("{key} = {} there, {} here", shown(there.get(key)), shown(here.get(key)))
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
