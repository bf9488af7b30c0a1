//! The four sizes at which an experiment can run.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How big a reproduction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Everything runs once, small: under two minutes for all experiments together
    Smoke,
    /// The embedded digits: under five minutes on two cores for all experiments together
    Quick,
    /// The full data sets: at most an hour and a half an experiment on two cores
    Desk,
    /// The papers' own settings
    Paper,
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Desk => "desk",
            Self::Paper => "paper",
        })
    }
}
