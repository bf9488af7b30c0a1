//! One part of a whole: its α and its energy.

use crate::Coherence;

/// A part (a layer, a component of a mixture) as its two numbers. Statistics of the parts combine
/// to those of the whole: [`network_alpha`](crate::layers::network_alpha),
/// [`mixture_alpha`](crate::mixture::mixture_alpha).
///
/// ```
/// use coherence_core::{Coherence, Part};
///
/// let c = Coherence { m: 4, sq_norm_of_sum: 20.0, sum_sq_norms: 8.0 };
/// assert_eq!(Part::from(c), Part { alpha: 0.625, energy: 2.0 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Part {
    /// α of the part, in [0, 1].
    pub alpha: f64,
    /// E‖g‖² of the part, a mean over its examples.
    pub energy: f64,
}

impl From<Coherence> for Part {
    fn from(coherence: Coherence) -> Self {
        Self { alpha: coherence.alpha(), energy: coherence.energy() }
    }
}
