//! When each training example was learned.

use crate::Examples;
use std::io::{self, Write};

/// The value for "not (yet)" in the arrays of [`Learned`].
pub const NEVER: u64 = u64::MAX;

/// First- and last-learned step of every training example that is evaluated, at the resolution of the measurements.
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

    /// Of the examples at these places, the share that was correct at least once; `None` if there
    /// are none.
    ///
    /// # Panics
    ///
    /// If a place is not below n.
    pub fn share(&self, places: &[usize]) -> Option<f64> {
        let learned = places.iter().filter(|&&place| self.first[place] != NEVER).count();
        (!places.is_empty()).then(|| learned as f64 / places.len() as f64)
    }

    /// The median of the last-learned steps of the examples at these places, the lower one of an even number.
    /// Examples that are not learned count as learned later than all others; `None` if the median is one of them, or if
    /// there are no examples.
    ///
    /// ```
    /// use coherence_train::{Learned, NEVER};
    /// let learned = Learned { first: vec![0; 4], last: vec![30, 10, NEVER, 20] };
    /// assert_eq!(learned.median_last(&[0, 1, 2, 3]), Some(20));
    /// assert_eq!(learned.median_last(&[2]), None);
    /// ```
    ///
    /// # Panics
    ///
    /// If a place is not below n.
    pub fn median_last(&self, places: &[usize]) -> Option<u64> {
        let mut group: Vec<u64> = places.iter().map(|&place| self.last[place]).collect();
        group.sort_unstable();
        let middle = group.len().checked_sub(1)? / 2;
        (group[middle] != NEVER).then_some(group[middle])
    }

    /// Writes the table `example,label,designation,first,last`; [`NEVER`] is an empty cell. `indices` \[n\] are those of
    /// the examples in the set `examples`.
    ///
    /// # Panics
    ///
    /// If there are fewer than n indices, or one is not of the set.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_csv(
        &self,
        indices: &[usize],
        examples: &Examples,
        to: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(to, "example,label,designation,first,last")?;
        for (place, (&first, &last)) in self.first.iter().zip(&self.last).enumerate() {
            let i = indices[place];
            let (label, designation) = (examples.labels()[i], examples.designations()[i].name());
            let [first, last] = [first, last].map(cell);
            writeln!(to, "{i},{label},{designation},{first},{last}")?;
        }
        Ok(())
    }
}

fn cell(step: u64) -> String {
    if step == NEVER { String::new() } else { step.to_string() }
}
