//! The steps at which a run is measured.

use serde::{Deserialize, Serialize};

/// The set of steps at which a run is measured. Step t is the state after t mini-batches; 0 is the
/// start. The last step of a run is always measured.
///
/// ```
/// use coherence_train::Schedule;
/// let steps = |schedule: Schedule| (0..=250).filter(move |&t| schedule.is_due(t, 250)).collect::<Vec<_>>();
/// assert_eq!(steps(Schedule::Every { steps: 100 }), [0, 100, 200, 250]);
/// assert_eq!(steps(Schedule::At { steps: vec![3, 7] }), [3, 7, 250]);
/// assert_eq!(steps(Schedule::Decades)[8..], [8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 200, 250]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// 0, 1, 2, …, 9, 10, 20, …, 90, 100, 200, …: at most one non-zero digit, as in the papers
    /// (catalogue E).
    Decades,
    /// Every multiple of `steps`, and 0.
    Every {
        /// The interval, at least 1.
        steps: u64,
    },
    /// These steps.
    At {
        /// The steps, in any order.
        steps: Vec<u64>,
    },
}

impl Schedule {
    /// Whether `step` of a run of `last` steps is measured.
    pub fn is_due(&self, step: u64, last: u64) -> bool {
        step == last
            || match self {
                Self::Decades => has_one_digit(step),
                Self::Every { steps } => step.is_multiple_of(*steps),
                Self::At { steps } => steps.contains(&step),
            }
    }
}

/// Whether all decimal digits but the first are zero.
fn has_one_digit(step: u64) -> bool {
    let decade = step.checked_ilog10().map_or(1, |digits| 10u64.pow(digits));
    step.is_multiple_of(decade)
}
