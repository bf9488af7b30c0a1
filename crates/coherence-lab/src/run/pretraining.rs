//! The first stage of a run that begins with trained weights.

use super::PlannedRun;
use crate::spec::Initial;

/// The folder of the first stage, in that of the run.
pub(super) const FOLDER: &str = "pretraining";

/// The first stage: training on the data without noise, measured at its end only. `None` if the run begins with
/// random weights.
pub(super) fn stage(run: &PlannedRun) -> Option<PlannedRun> {
    let steps = run.settings.pretraining.filter(|_| run.settings.initial == Initial::Trained)?;
    Some(PlannedRun { settings: run.settings.preliminary(steps), ..run.clone() })
}
