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
    /// 0, and whenever the loss of a mini-batch falls under its [`LowWater`] mark (GM22 §6).
    LowWater {
        /// By how many per cent the loss must be lower than the mark, 1 to 99.
        percent: u64,
    },
}

/// The lowest MEAN loss of a mini-batch, as [`Schedule::LowWater`] sees it: it is lowered when a loss is below it by
/// the percentage. The first mini-batch sets it.
///
/// ```
/// use coherence_train::{LowWater, Schedule};
/// let (schedule, mut low) = (Schedule::LowWater { percent: 10 }, LowWater::default());
/// let falls = [2.0, 1.9, 1.79, 1.7, 1.6].map(|loss| low.take(&schedule, loss));
/// assert_eq!(falls, [true, false, true, false, true]);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowWater {
    /// The mark; `None` before the first mini-batch.
    pub mark: Option<f64>,
    /// Whether the last mini-batch lowered it.
    pub fell: bool,
}

impl LowWater {
    /// Takes the MEAN loss of the next mini-batch; whether it lowers the mark. Only [`Schedule::LowWater`] has one.
    pub fn take(&mut self, schedule: &Schedule, loss: f64) -> bool {
        if let Schedule::LowWater { percent } = *schedule {
            let share = 1.0 - percent as f64 / 100.0;
            self.fell = self.mark.is_none_or(|mark| loss < share * mark);
            if self.fell {
                self.mark = Some(loss);
            }
        }
        self.fell
    }

    /// Whether nothing was seen.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Schedule {
    /// Whether `step` of a run of `last` steps is measured; those at which the loss fell are not known to it.
    pub fn is_due(&self, step: u64, last: u64) -> bool {
        step == last
            || match self {
                Self::Decades => has_one_digit(step),
                Self::Every { steps } => step.is_multiple_of(*steps),
                Self::At { steps } => steps.contains(&step),
                Self::LowWater { .. } => step == 0,
            }
    }
}

impl Schedule {
    /// The number of measurements of a run of `last` steps; `None` if it depends on the loss.
    ///
    /// ```
    /// use coherence_train::Schedule;
    /// assert_eq!(Schedule::Every { steps: 100 }.count(250), Some(4)); // 0, 100, 200, 250
    /// assert_eq!(Schedule::Decades.count(250), Some(10 + 9 + 2 + 1));
    /// ```
    pub fn count(&self, last: u64) -> Option<u64> {
        let due = |step: &u64| self.is_due(*step, last);
        match self {
            Self::LowWater { .. } => None,
            Self::Every { steps } => {
                Some(last / steps + 1 + u64::from(!last.is_multiple_of(*steps)))
            }
            Self::At { steps } => {
                let distinct: std::collections::BTreeSet<u64> =
                    steps.iter().copied().filter(|step| *step < last).collect();
                Some(distinct.len() as u64 + 1)
            }
            Self::Decades => {
                let powers = (0..20).map_while(|n| 10u64.checked_pow(n));
                let rounded =
                    powers.flat_map(|ten| (1..10).filter_map(move |n| ten.checked_mul(n)));
                let before = [0].into_iter().chain(rounded).filter(|step| *step < last);
                Some(before.filter(due).count() as u64 + 1)
            }
        }
    }
}

/// Whether all decimal digits but the first are zero.
fn has_one_digit(step: u64) -> bool {
    let decade = step.checked_ilog10().map_or(1, |digits| 10u64.pow(digits));
    step.is_multiple_of(decade)
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn the_number_of_measurements_is_that_of_the_steps_that_are_due() {
        let at = Schedule::At { steps: vec![7, 3, 7, 250, 900] };
        let every = [1, 7, 100].map(|steps| Schedule::Every { steps });
        for schedule in every.into_iter().chain([at, Schedule::Decades]) {
            for last in [0, 1, 7, 9, 10, 11, 99, 100, 250, 901, 12_345] {
                let counted = (0..=last).filter(|&step| schedule.is_due(step, last)).count();
                assert_eq!(schedule.count(last), Some(counted as u64), "{schedule:?} {last}");
            }
        }
        assert_eq!(Schedule::LowWater { percent: 1 }.count(10), None);
    }
}
