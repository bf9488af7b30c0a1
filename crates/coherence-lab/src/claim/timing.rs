//! Whether a claim was written before its data were measured.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::made::Made;

/// When a claim took its form, seen from the data by which it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// Before the first day of the data.
    Before,
    /// On the first day of the data: the dates do not tell which came first.
    SameDay,
    /// After the first day of the data, which may have been seen.
    After,
}

impl Timing {
    /// Compares the day of a claim with the first day of what made the data.
    ///
    /// `None` without data and for data that depend on no seed, which were known as soon as anybody
    /// computed them.
    pub fn new(written: Date, made: &[Made], seeds: &[u64]) -> Option<Self> {
        let written = written.to_string();
        let first = made.iter().map(|made| made.first.as_str()).min()?;
        (!seeds.is_empty()).then(|| match first.cmp(written.as_str()) {
            std::cmp::Ordering::Greater => Self::Before,
            std::cmp::Ordering::Equal => Self::SameDay,
            std::cmp::Ordering::Less => Self::After,
        })
    }

    /// `written before these data`, …
    pub fn words(self) -> &'static str {
        match self {
            Self::Before => "written before these data",
            Self::SameDay => "written on the day of these data",
            Self::After => "written after these data",
        }
    }
}
