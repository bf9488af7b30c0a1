//! Aggregations: how the gradients of a mini-batch become a direction.
//!
//! Legend: k: examples of a mini-batch, c: clip.

use coherence_core::aggregate::{
    AggregateError, AnyCoordinateRule, Mean, MedianOfMeans, OverTime, ParseRuleError, Requirements,
    Rule, Winsorized,
};
use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// A rule that turns mini-batches into directions G, along which the optimiser updates the weights: without
/// momentum and weight decay `w ← w − η G`.
///
/// G is defined in [`coherence_core::aggregate`]; it is computed from factors and fused with the update
/// where that is possible. As text, in settings and checkpoints, a rule is `mean`, `winsorized:CLIP`,
/// `median-of-means:GROUPS`, `m3`, `a3`, `rm3` or `ra3`.
///
/// ```
/// use coherence_train::Aggregation;
/// assert_eq!("winsorized:2".parse(), Ok(Aggregation::Winsorized { clip: 2 }));
/// assert!(Aggregation::Winsorized { clip: 51 }.check(100).is_err()); // would clip 102 of 100
/// ```
///
/// Source: CG20 §3.1 (winsorised), WS20 §3 and GM22 §7 (the rules over three mini-batches),
/// catalogue A18, A19, E.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Aggregation {
    /// The mean of the mini-batch's per-example gradients: plain SGD.
    Mean,
    /// The core's [`Winsorized`] mean of the mini-batch's per-example gradients, coordinate by
    /// coordinate.
    Winsorized {
        /// c, the number of values clipped at each end; 0 is the mean, 2c = k the median.
        clip: usize,
    },
    /// The core's [`MedianOfMeans`] of the mini-batch's per-example gradients, coordinate by
    /// coordinate. Three groups are M3 with micro-batches of k/3 examples.
    MedianOfMeans {
        /// The number of groups; 1 is the mean, k the median of the per-example gradients.
        groups: usize,
    },
    /// A rule of the core over the mean gradients of three mini-batches.
    OverTime(OverTime),
}

/// A text that is not the name of an [`Aggregation`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AggregationError {
    /// The rule's arguments are not what it takes.
    #[error("{text}: {source} (for training: {FORMS})")]
    Rule {
        /// The text.
        text: String,
        /// The core's error.
        source: ParseRuleError,
    },
    /// There is no such rule, or it is not computed from factors.
    #[error("{0} is not available in training (known: {FORMS})")]
    NotFromFactors(String),
}

const FORMS: &str = "mean, winsorized:CLIP, median-of-means:GROUPS, m3, a3, rm3, ra3";

/// A rule over time by its name, or a rule over one mini-batch as the core reads it.
impl FromStr for Aggregation {
    type Err = AggregationError;

    fn from_str(text: &str) -> Result<Self, AggregationError> {
        if let Some(rule) = OverTime::ALL.into_iter().find(|rule| rule.name() == text) {
            return Ok(Self::OverTime(rule));
        }
        match text.parse() {
            Ok(Rule::Coordinate(AnyCoordinateRule::Mean(_))) => Ok(Self::Mean),
            Ok(Rule::Coordinate(AnyCoordinateRule::Winsorized(Winsorized { clip }))) => {
                Ok(Self::Winsorized { clip })
            }
            Ok(Rule::Coordinate(AnyCoordinateRule::MedianOfMeans(MedianOfMeans { groups }))) => {
                Ok(Self::MedianOfMeans { groups })
            }
            Ok(_) | Err(ParseRuleError::Unknown) => {
                Err(AggregationError::NotFromFactors(text.to_owned()))
            }
            Err(source) => Err(AggregationError::Rule { text: text.to_owned(), source }),
        }
    }
}

/// The text that [`FromStr`] reads.
impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Winsorized { clip } => write!(f, "winsorized:{clip}"),
            Self::MedianOfMeans { groups } => write!(f, "median-of-means:{groups}"),
            Self::OverTime(rule) => f.write_str(rule.name()),
        }
    }
}

impl TryFrom<String> for Aggregation {
    type Error = AggregationError;

    fn try_from(text: String) -> Result<Self, AggregationError> {
        text.parse()
    }
}

impl From<Aggregation> for String {
    fn from(aggregation: Aggregation) -> Self {
        aggregation.to_string()
    }
}

impl Aggregation {
    /// Whether the rule is defined for mini-batches of k examples, according to the core.
    ///
    /// # Errors
    ///
    /// [`AggregateError`] if it is not: 2c > k, no groups or more than k, or k = 0.
    pub fn check(self, k: usize) -> Result<(), AggregateError> {
        match self {
            Self::Winsorized { clip } => Winsorized { clip }.check(k),
            Self::MedianOfMeans { groups } => MedianOfMeans { groups }.check(k),
            Self::Mean | Self::OverTime(_) => Mean.check(k),
        }
    }

    /// Whether the rule needs the gradient of each example, or of groups of a mini-batch's examples.
    pub fn needs_examples(self) -> bool {
        match self {
            Self::Mean | Self::OverTime(_) => false,
            Self::Winsorized { .. } | Self::MedianOfMeans { .. } => true,
        }
    }

    /// Whether the rule combines the gradients of several mini-batches.
    pub(crate) fn is_over_time(self) -> bool {
        matches!(self, Self::OverTime(_))
    }
}
