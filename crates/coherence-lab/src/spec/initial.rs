//! The weights with which a run begins.

use serde::{Deserialize, Serialize};

/// The weights with which a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initial {
    /// Drawn at random, as the network's layers say.
    #[default]
    Random,
    /// Those to which the network was trained first, from random weights, for `pretraining` steps on the data without
    /// noise; all other settings are those of the run (WS20 §2, anti-adversarial initialisation).
    Trained,
}
