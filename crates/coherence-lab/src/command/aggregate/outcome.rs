//! The result, as text and as JSON.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::command::matrix::number::Number;

/// The result of an aggregation.
#[derive(Serialize)]
pub(super) struct Outcome {
    pub(super) rule: String,
    pub(super) n: usize,
    pub(super) d: usize,
    #[serde(flatten)]
    pub(super) out: Output,
}

/// The aggregated vector, or the file that it was written to.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Output {
    File(PathBuf),
    Values(Vec<Number>),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, n, d, out } = self;
        match out {
            Output::File(path) => {
                writeln!(f, "{rule} of {n} × {d} values written to {}", path.display())
            }
            Output::Values(values) => values.iter().try_for_each(|x| writeln!(f, "{x}")),
        }
    }
}
