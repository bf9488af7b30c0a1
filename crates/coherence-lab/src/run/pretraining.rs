//! The first stage of a run that begins with trained weights.

use std::collections::BTreeMap;

use super::PlannedRun;
use crate::spec::{Data, Initial, Training};

/// The folder of the first stage, in that of the run.
pub(super) const FOLDER: &str = "pretraining";

/// The first stage: training on the data without noise, measured at its end only. `None` if the run begins with
/// random weights.
pub(super) fn stage(run: &PlannedRun) -> Option<PlannedRun> {
    let steps = run.settings.pretraining.filter(|_| run.settings.initial == Initial::Trained)?;
    let settings = Training {
        initial: Initial::Random,
        pretraining: None,
        data: Data::Real,
        noise: 0.0,
        steps,
        every: Some(steps),
        low_water: None,
        watch: Some(Vec::new()),
        attribution: BTreeMap::new(),
        bound: None,
        single: None,
        ..run.settings.clone()
    };
    Some(PlannedRun { settings, ..run.clone() })
}
