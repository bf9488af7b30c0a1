//! When each training example was learned.

use coherence_data::Designation;
use std::io::{self, Write};

/// The value for "not (yet)" in the arrays of [`Learned`].
pub const NEVER: u64 = u64::MAX;

/// First- and last-learned step of every training example, at the resolution of the measurements.
///
/// An example is learned when its prediction is correct. `first` is the first measured step at which it
/// was correct; `last` is the step since which it has been correct at every measurement. An example
/// that was wrong at the latest measurement has no `last`.
///
/// Source: CG20 §2.3, Figure 1 (d).
///
/// ```
/// use coherence_train::{Learned, NEVER};
/// let mut learned = Learned::new(1);
/// for (step, correct) in [(0, false), (1, true), (2, false), (3, true), (4, true)] {
///     learned.record(step, &[correct]);
/// }
/// assert_eq!((learned.first[0], learned.last[0]), (1, 3));
/// learned.record(5, &[false]);
/// assert_eq!((learned.first[0], learned.last[0]), (1, NEVER));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// The first measured step at which each example was correct \[n\], or [`NEVER`].
    pub first: Vec<u64>,
    /// The step since which each example has been correct \[n\], or [`NEVER`].
    pub last: Vec<u64>,
}

impl Learned {
    /// n examples, none of them learned.
    pub fn new(n: usize) -> Self {
        Self { first: vec![NEVER; n], last: vec![NEVER; n] }
    }

    /// Records a measurement: whether each example is correct \[n\].
    ///
    /// # Panics
    ///
    /// If the number of examples differs.
    pub fn record(&mut self, step: u64, correct: &[bool]) {
        assert_eq!(correct.len(), self.first.len(), "one outcome for each example");
        for ((first, last), &correct) in self.first.iter_mut().zip(&mut self.last).zip(correct) {
            if !correct {
                *last = NEVER;
                continue;
            }
            *first = step.min(*first);
            *last = step.min(*last);
        }
    }

    /// Of the examples selected by `belongs`, the share that was correct at least once; `None` if there
    /// are none.
    pub fn share(&self, belongs: impl Fn(usize) -> bool) -> Option<f64> {
        let group: Vec<u64> =
            (0..self.first.len()).filter(|&i| belongs(i)).map(|i| self.first[i]).collect();
        let learned = group.iter().filter(|&&first| first != NEVER).count();
        (!group.is_empty()).then(|| learned as f64 / group.len() as f64)
    }

    /// The median of the last-learned steps of the examples selected by `belongs`, the lower one of an even number.
    /// Examples that are not learned count as learned later than all others; `None` if the median is one of them, or if
    /// there are no examples.
    ///
    /// ```
    /// use coherence_train::{Learned, NEVER};
    /// let learned = Learned { first: vec![0; 4], last: vec![30, 10, NEVER, 20] };
    /// assert_eq!(learned.median_last(|_| true), Some(20));
    /// assert_eq!(learned.median_last(|i| i == 2), None);
    /// ```
    pub fn median_last(&self, belongs: impl Fn(usize) -> bool) -> Option<u64> {
        let mut group: Vec<u64> =
            (0..self.last.len()).filter(|&i| belongs(i)).map(|i| self.last[i]).collect();
        group.sort_unstable();
        let middle = group.len().checked_sub(1)? / 2;
        (group[middle] != NEVER).then_some(group[middle])
    }

    /// Writes the table `example,label,designation,first,last`; [`NEVER`] is an empty cell.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_csv(
        &self,
        labels: &[u32],
        designations: &[Designation],
        to: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(to, "example,label,designation,first,last")?;
        for (i, (label, designation)) in labels.iter().zip(designations).enumerate() {
            let designation = designation.name();
            let [first, last] = [self.first[i], self.last[i]].map(cell);
            writeln!(to, "{i},{label},{designation},{first},{last}")?;
        }
        Ok(())
    }
}

fn cell(step: u64) -> String {
    if step == NEVER { String::new() } else { step.to_string() }
}
