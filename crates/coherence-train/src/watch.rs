//! What a run records beyond the series of the whole network.

use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// Groups of series that a run records at each measurement only if they are asked for; [`Sink`](crate::Sink)
/// lists them.
///
/// ```
/// use coherence_train::Watch;
/// assert_eq!("layer".parse(), Ok(Watch::Layer));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// The coherence of each tensor over the probe sample: three rows for each.
    Layer,
    /// The coherence of the pristine and of the corrupt examples, of the probe sample and of the mini-batch:
    /// eight rows for each that occurs.
    Group,
    /// Dead units of the hidden layers, the mean output bias, and the cosine between the direction of the rule and
    /// the mean gradient: two rows for each layer with a rectifier and three more.
    Activity,
    /// α imputed from mini-batch gradients: five rows. Recorded without being asked for if batch normalisation
    /// uses the statistics of the batch.
    Imputed,
    /// As [`Imputed`](Self::Imputed), and the same for each tensor: one row more for each.
    ImputedLayer,
    /// As [`Imputed`](Self::Imputed), and the same for mini-batches of pristine examples alone and of corrupt ones
    /// alone: two rows more for each that the sample has two of.
    ImputedGroup,
    /// The coherence of a random half of the probe sample, to see the effect of its size: four rows.
    Half,
    /// The coherence of a sample of the test set, as large as the probe sample or the whole set: four rows, and two
    /// more where α is imputed.
    Test,
    /// The median last-learned step of the pristine and of the corrupt examples: one row for each.
    Learned,
}

/// A text that is not the name of a [`Watch`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" cannot be watched (known: {})", Watch::ALL.map(Watch::name).join(", "))]
pub struct WatchError {
    /// The text.
    pub text: String,
}

impl Watch {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Layer,
        Self::Group,
        Self::Activity,
        Self::Imputed,
        Self::ImputedLayer,
        Self::ImputedGroup,
        Self::Half,
        Self::Test,
        Self::Learned,
    ];

    /// The name in settings and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Group => "group",
            Self::Activity => "activity",
            Self::Imputed => "imputed",
            Self::ImputedLayer => "imputed-layer",
            Self::ImputedGroup => "imputed-group",
            Self::Half => "half",
            Self::Test => "test",
            Self::Learned => "learned",
        }
    }

    /// Whether α is imputed from mini-batches for it.
    pub const fn imputes(self) -> bool {
        matches!(self, Self::Imputed | Self::ImputedLayer | Self::ImputedGroup)
    }
}

impl FromStr for Watch {
    type Err = WatchError;

    fn from_str(text: &str) -> Result<Self, WatchError> {
        let named = Self::ALL.into_iter().find(|watch| watch.name() == text);
        named.ok_or_else(|| WatchError { text: text.to_owned() })
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
