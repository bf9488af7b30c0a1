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
/// [`step`](Self::step) writes the direction; [`exchange`](Self::exchange) leaves the arithmetic to the
/// caller. `coherence-train` is held to both.
///
/// Source: Zielinski et al. (2020) §3.2 and §3.3 (catalogue A19, A20; the first steps: catalogue E). A20 assumes
/// gradients g_i = c + u_i of which no two parts, c or any u_i, share a coordinate that is not 0, and three
/// mini-batches drawn without replacement, so that no u_i is in two of them.
///
/// Law: A19, A20
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "M3")]
#[doc(alias = "RM3")]
#[doc(alias = "A3")]
#[doc(alias = "RA3")]
#[doc(alias = "rolling median")]
#[doc(alias = "rolling mean")]
#[non_exhaustive]
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
///
/// A program may keep it next to its weights: the rule, these two gradients and the count are all
/// that is needed to go on as if training had never stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent<B> {
    /// The two gradients before the current one [2, d]; `steps` says which is older.
    pub previous: [B; 2],
    /// The number of gradients received so far.
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
    /// There is a direction: step along it.
    Apply,
}

/// How three gradients become a direction, coordinate by coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfThree {
    /// Their median, [`median_of_three`].
    Median,
    /// Their mean.
    Mean,
}

impl OverTime {
    /// All rules over time.
    pub const ALL: [Self; 4] = [Self::M3, Self::A3, Self::Rm3, Self::Ra3];

    /// The name in lower case: `m3`, `a3`, `rm3` or `ra3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::M3 => "m3",
            Self::A3 => "a3",
            Self::Rm3 => "rm3",
            Self::Ra3 => "ra3",
        }
    }

    /// How the rule combines three gradients.
    pub fn of_three(self) -> OfThree {
        match self {
            Self::M3 | Self::Rm3 => OfThree::Median,
            Self::A3 | Self::Ra3 => OfThree::Mean,
        }
    }

    /// Receives a gradient `[d]` and writes the direction to `out` `[d]` if there is one.
    ///
    /// [`Policy::Omit`] skips a gradient with a NaN or ±∞ as if its step had not happened;
    /// [`Policy::Propagate`] accepts it, and the direction is NaN where a NaN is among the three.
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
        let Slots { combine, keep } = self.next(recent);
        if let Some(slots) = combine {
            let [older, newer] = slots.map(|slot| recent.previous[slot].as_ref());
            for (j, out) in out.iter_mut().enumerate() {
                *out = self.of_three().aggregate([older[j], newer[j], gradient[j]]);
            }
        }
        if let Some(slot) = keep {
            recent.previous[slot].as_mut().copy_from_slice(gradient);
        }
        Ok(if combine.is_some() { Update::Apply } else { Update::Hold })
    }

    /// As [`step`](Self::step) without copies, for a caller that combines the three itself, say in one
    /// pass with the update of its weights.
    ///
    /// If there is a direction, `update` is called with the way to combine the three gradients and the
    /// gradients, the oldest first. Then `gradient` is exchanged for a buffer of `recent` if the rule needs it again:
    /// overwrite its contents. Values are not checked.
    ///
    /// ```
    /// use coherence_core::aggregate::{OfThree, OverTime, Recent, Update};
    ///
    /// let mut weight = 1.0;
    /// let (mut recent, mut gradient) = (Recent::new([[0.0]; 2]), [0.0]);
    /// for g in [3.0, 0.5, 2.0] {
    ///     gradient[0] = g;
    ///     let update = OverTime::M3.exchange(&mut recent, &mut gradient, |how, [a, b, c]| {
    ///         assert_eq!((how, [a[0], b[0], c[0]]), (OfThree::Median, [3.0, 0.5, 2.0]));
    ///         weight -= 0.1 * how.aggregate([a[0], b[0], c[0]]);
    ///     });
    ///     assert_eq!(update == Update::Apply, g == 2.0);
    /// }
    /// assert_eq!(weight, 0.8);
    /// ```
    pub fn exchange<B>(
        self,
        recent: &mut Recent<B>,
        gradient: &mut B,
        update: impl FnOnce(OfThree, [&B; 3]),
    ) -> Update {
        let Slots { combine, keep } = self.next(recent);
        if let Some([older, newer]) = combine {
            update(self.of_three(), [&recent.previous[older], &recent.previous[newer], gradient]);
        }
        if let Some(slot) = keep {
            core::mem::swap(&mut recent.previous[slot], gradient);
        }
        if combine.is_some() { Update::Apply } else { Update::Hold }
    }

    /// Counts one more gradient and returns where it goes.
    fn next<B>(self, recent: &mut Recent<B>) -> Slots {
        let before = recent.steps;
        recent.steps += 1;
        match self {
            // Every gradient is kept, in the place of the oldest.
            Self::Rm3 | Self::Ra3 => {
                let (oldest, other) = ((before % 2) as usize, (before + 1) as usize % 2);
                let combine = (before >= 2).then_some([oldest, other]);
                Slots { combine, keep: Some(oldest) }
            }
            // The first two of each three are kept, the third completes them.
            Self::M3 | Self::A3 => match (before % 3) as usize {
                2 => Slots { combine: Some([0, 1]), keep: None },
                slot => Slots { combine: None, keep: Some(slot) },
            },
        }
    }
}

/// Where one gradient goes.
struct Slots {
    /// Indices of the two kept gradients that it is combined with, the older first; `None` if there
    /// is no update.
    combine: Option<[usize; 2]>,
    /// Index of the buffer that it goes to afterwards; `None` if it is not needed again.
    keep: Option<usize>,
}

impl OfThree {
    /// The median or mean of three values; NaN if one of them is.
    pub fn aggregate<T: Float>(self, [a, b, c]: [T; 3]) -> T {
        match self {
            Self::Median => median_of_three(a, b, c),
            Self::Mean => Mean.compute(&mut [a, b, c]),
        }
    }
}
