//! Medians and means of three successive gradients: M3, A3, RM3, RA3.

use num_traits::Float;

use super::coordinate::OverValues;
use super::{AggregateError, Mean, median_of_three};
use crate::finite::Policy;

/// A rule over the gradients of three successive mini-batches, coordinate by coordinate.
///
/// | rule | takes the | updates the weights at steps |
/// |---|---|---|
/// | `M3` | median of three mini-batches, weights held meanwhile | 3, 6, 9, … |
/// | `A3` | mean of the same | 3, 6, 9, … |
/// | `Rm3` | median of the current and the two previous mini-batches | 3, 4, 5, … |
/// | `Ra3` | mean of the same | 3, 4, 5, … |
///
/// The learning rate is not rescaled, and a schedule advances at every step from the first.
/// Weight decay, where it is used, is added to each gradient before.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{OverTime, Recent, Update};
/// use coherence_core::finite::Policy;
///
/// let mut recent = Recent::new([[0.0; 1]; 2]);
/// let mut direction = [0.0];
/// let mut seen = [None; 5];
/// for (slot, gradient) in seen.iter_mut().zip([1.0, 9.0, 2.0, 3.0, -7.0]) {
///     let update = OverTime::Rm3.step(&mut recent, &[gradient], Policy::Error, &mut direction);
///     *slot = (update == Ok(Update::Apply)).then_some(direction[0]);
/// }
/// assert_eq!(seen, [None, None, Some(2.0), Some(3.0), Some(2.0)]);
/// ```
///
/// Source: Zielinski et al. (2020) §3.2 and §3.3 (catalogue A19, A20; the first steps: catalogue E).
///
/// Law: A19, A20
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverTime {
    /// Median of three mini-batches, one update in three.
    M3,
    /// Mean of three mini-batches, one update in three.
    A3,
    /// Rolling median: an update at every step from the third.
    Rm3,
    /// Rolling mean: an update at every step from the third.
    Ra3,
}

/// What a rule over time remembers: plain data, to be saved and restored as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recent<B> {
    /// The two gradients before the current one [2, d]; `steps` says which is older.
    pub previous: [B; 2],
    /// How many gradients were taken in.
    pub steps: u64,
}

impl<B> Recent<B> {
    /// Nothing seen yet; the buffers' contents do not matter.
    pub fn new(previous: [B; 2]) -> Self {
        Self { previous, steps: 0 }
    }
}

/// Whether there is an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Update {
    /// Hold the weights: too few gradients yet.
    Hold,
    /// `out` holds the direction.
    Apply,
}

impl OverTime {
    /// Takes in a gradient `[d]` and writes the direction to `out` `[d]` if there is one.
    ///
    /// [`Policy::Omit`] passes over a gradient with a NaN or ±∞ as if its step had not been;
    /// [`Policy::Propagate`] takes it in, with NaN where a NaN is among the three.
    ///
    /// # Errors
    ///
    /// [`AggregateError::NonFinite`] under [`Policy::Error`], [`AggregateError::Length`] if the lengths
    /// differ; `recent` and `out` are then as they were.
    pub fn step<T: Float, B: AsRef<[T]> + AsMut<[T]>>(
        self,
        recent: &mut Recent<B>,
        gradient: &[T],
        policy: Policy,
        out: &mut [T],
    ) -> Result<Update, AggregateError> {
        let d = gradient.len();
        AggregateError::check_length("out", out.len(), d)?;
        for buffer in &recent.previous {
            AggregateError::check_length("previous gradient", buffer.as_ref().len(), d)?;
        }
        if !policy.admit(gradient)? {
            return Ok(Update::Hold);
        }
        Ok(self.take_in(recent, gradient, out))
    }

    fn take_in<T: Float, B: AsRef<[T]> + AsMut<[T]>>(
        self,
        recent: &mut Recent<B>,
        gradient: &[T],
        out: &mut [T],
    ) -> Update {
        let before = recent.steps;
        recent.steps += 1;
        // RM3 and RA3 keep every gradient, in turn; M3 and A3 the first two of each three.
        let (slot, complete) = match self {
            Self::Rm3 | Self::Ra3 => (before % 2, before >= 2),
            Self::M3 | Self::A3 => (before % 3, before % 3 == 2),
        };
        if complete {
            let [p, q] = recent.previous.each_ref().map(B::as_ref);
            for (j, slot) in out.iter_mut().enumerate() {
                *slot = self.of_three(p[j], q[j], gradient[j]);
            }
        }
        if let Some(buffer) = recent.previous.get_mut(slot as usize) {
            buffer.as_mut().copy_from_slice(gradient);
        }
        if complete { Update::Apply } else { Update::Hold }
    }

    fn of_three<T: Float>(self, a: T, b: T, c: T) -> T {
        match self {
            Self::M3 | Self::Rm3 => median_of_three(a, b, c),
            Self::A3 | Self::Ra3 => Mean.compute(&mut [a, b, c]),
        }
    }
}
