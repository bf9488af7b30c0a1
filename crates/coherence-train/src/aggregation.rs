//! Aggregations: how the gradients of a mini-batch become a direction.
//!
//! Legend: k: examples of a mini-batch, c: clip, K: groups of a mini-batch.

use coherence_core::aggregate::{
    AggregateError, AnyCoordinateRule, Mean, Median, MedianOfMeans, OverTime, ParseRuleError,
    Percentile, Requirements, Rule, Trimmed, Winsorized, check_groups,
};
use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// A rule that turns mini-batches into directions G, along which the optimiser updates the weights: without
/// momentum and weight decay `w ← w − η G`.
///
/// G is defined in [`coherence_core::aggregate`]; it is computed from factors and fused with the update
/// where that is possible. As text, in settings and checkpoints, a rule is `mean`, `winsorized:CLIP`,
/// `trimmed:TRIM`, `median`, `median-of-means:GROUPS`, `m3`, `a3`, `rm3`, `ra3`, or `RULE@GROUPS` with any rule of
/// the core.
///
/// ```
/// use coherence_train::Aggregation;
/// assert_eq!("winsorized:2".parse(), Ok(Aggregation::Winsorized { clip: 2 }));
/// assert!(Aggregation::Winsorized { clip: 51 }.check(100).is_err()); // would clip 102 of 100
///
/// let krum: Aggregation = "krum:1@10".parse()?; // Krum over the mean gradients of ten groups
/// assert!(krum.check(100).is_ok());
/// assert!(krum.check(9).is_err()); // ten groups of nine examples
/// # Ok::<(), coherence_train::AggregationError>(())
/// ```
///
/// Source: CG20 §3.1 (winsorised), WS20 §3 and GM22 §7 (the rules over three mini-batches),
/// catalogue A18, A19, E; groups as Byzantine workers: Blanchard et al. (2017), §3.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    /// The core's [`Trimmed`] mean of the mini-batch's per-example gradients, coordinate by coordinate.
    Trimmed {
        /// The number of values left out at each end; 0 is the mean.
        trim: usize,
    },
    /// The core's [`Median`] of the mini-batch's per-example gradients, coordinate by coordinate.
    Median,
    /// The core's [`MedianOfMeans`] of the mini-batch's per-example gradients, coordinate by
    /// coordinate. Three groups are M3 with micro-batches of k/3 examples.
    MedianOfMeans {
        /// The number of groups, K; 1 is the mean, k the median of the per-example gradients. Mini-batches of
        /// several passes take memory for K times d values.
        groups: usize,
    },
    /// A rule of the core over the mean gradients of groups of the mini-batch's examples, which are the core's
    /// [`groups`](coherence_core::aggregate::groups). The means are held in memory and combined by the processor: K
    /// times d values, or, for a rule by coordinate and a mini-batch of one pass, K times those of the largest
    /// tensor.
    OverGroups {
        /// The rule over the K means.
        rule: Rule,
        /// K, the number of groups; k for the gradients of single examples.
        groups: usize,
    },
    /// A rule of the core over the mean gradients of three mini-batches.
    OverTime(OverTime),
}

/// A text that is not the name of an [`Aggregation`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AggregationError {
    /// There is no such rule, or its arguments are not what it takes.
    #[error("{text}: {} (for training: {FORMS})", reason(source))]
    Rule {
        /// The text.
        text: String,
        /// The core's error.
        source: ParseRuleError,
    },
    /// The number of groups is no number above 0.
    #[error("{0}: after @ comes the number of groups, as in krum:1@10")]
    Groups(String),
    /// The rule is not computed from the gradients of examples.
    #[error(
        "{0} is not computed from the factors of examples: take {0}@GROUPS, over the mean gradients of groups"
    )]
    NotFromFactors(String),
    /// The rule is a winsorised mean whose count depends on the mini-batch.
    #[error(
        "{text} of examples is a winsorised mean whose number depends on the mini-batch: write the number, for 100 \
         examples winsorized:{of_hundred} (or take {text}@GROUPS, over the mean gradients of groups)"
    )]
    Count {
        /// The text.
        text: String,
        /// c for mini-batches of 100.
        of_hundred: usize,
    },
}

const FORMS: &str = "mean, winsorized:CLIP, trimmed:TRIM, median, median-of-means:GROUPS, m3, a3, rm3, ra3, or \
                     RULE@GROUPS with a rule of `coherence aggregate --help`";

fn reason(error: &ParseRuleError) -> String {
    match error {
        ParseRuleError::Unknown => "there is no such rule".to_owned(),
        error => error.to_string(),
    }
}

/// A rule over time by its name, or a rule over one mini-batch as the core reads it.
impl FromStr for Aggregation {
    type Err = AggregationError;

    fn from_str(text: &str) -> Result<Self, AggregationError> {
        if let Some(rule) = OverTime::ALL.into_iter().find(|rule| rule.name() == text) {
            return Ok(Self::OverTime(rule));
        }
        let read = |rule: &str| {
            rule.parse::<Rule>()
                .map_err(|source| AggregationError::Rule { text: text.to_owned(), source })
        };
        if let Some((rule, groups)) = text.split_once('@') {
            let groups = groups.parse().ok().filter(|&groups| groups > 0);
            let groups = groups.ok_or_else(|| AggregationError::Groups(text.to_owned()))?;
            return Ok(Self::OverGroups { rule: read(rule)?, groups });
        }
        match read(text)? {
            Rule::Coordinate(AnyCoordinateRule::Mean(_)) => Ok(Self::Mean),
            Rule::Coordinate(AnyCoordinateRule::Winsorized(Winsorized { clip })) => {
                Ok(Self::Winsorized { clip })
            }
            Rule::Coordinate(AnyCoordinateRule::Trimmed(Trimmed { trim })) => {
                Ok(Self::Trimmed { trim })
            }
            Rule::Coordinate(AnyCoordinateRule::Median(Median)) => Ok(Self::Median),
            Rule::Coordinate(AnyCoordinateRule::MedianOfMeans(MedianOfMeans { groups })) => {
                Ok(Self::MedianOfMeans { groups })
            }
            Rule::Coordinate(AnyCoordinateRule::WinsorizedPercent(rule))
                if rule.definition() != Percentile::Interpolated =>
            {
                let of_hundred = rule.by_count(100).clip;
                Err(AggregationError::Count { text: text.to_owned(), of_hundred })
            }
            _ => Err(AggregationError::NotFromFactors(text.to_owned())),
        }
    }
}

/// The text that [`FromStr`] reads.
impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Winsorized { clip } => write!(f, "winsorized:{clip}"),
            Self::Trimmed { trim } => write!(f, "trimmed:{trim}"),
            Self::Median => f.write_str("median"),
            Self::MedianOfMeans { groups } => write!(f, "median-of-means:{groups}"),
            Self::OverGroups { rule, groups } => write!(f, "{rule}@{groups}"),
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
    /// [`AggregateError`] if it is not: 2c > k, 2 trim ≥ k, no groups or more than k, k = 0, or too few groups for the
    /// rule over them.
    pub fn check(self, k: usize) -> Result<(), AggregateError> {
        match self {
            Self::Winsorized { clip } => Winsorized { clip }.check(k),
            Self::Trimmed { trim } => Trimmed { trim }.check(k),
            Self::Median => Median.check(k),
            Self::MedianOfMeans { groups } => MedianOfMeans { groups }.check(k),
            Self::OverGroups { rule, groups } => {
                check_groups("the cut", k, groups)?;
                rule.check(groups)
            }
            Self::Mean | Self::OverTime(_) => Mean.check(k),
        }
    }

    /// Whether the rule needs the gradient of each example, or of groups of a mini-batch's examples.
    pub fn needs_examples(self) -> bool {
        self.over_examples().is_some() || self.over_groups().is_some()
    }

    /// The rule over the gradients of single examples, which are all needed in one pass, if the aggregation is one: a
    /// rule over sums of examples is none.
    pub(crate) fn over_examples(self) -> Option<AnyCoordinateRule> {
        match self {
            Self::Winsorized { clip } => Some(AnyCoordinateRule::Winsorized(Winsorized { clip })),
            Self::Trimmed { trim } => Some(AnyCoordinateRule::Trimmed(Trimmed { trim })),
            Self::Median => Some(AnyCoordinateRule::Median(Median)),
            Self::Mean
            | Self::MedianOfMeans { .. }
            | Self::OverGroups { .. }
            | Self::OverTime(_) => None,
        }
    }

    /// The rule over the mean gradients of groups of a mini-batch's examples, and K, if the aggregation is one.
    pub(crate) fn over_groups(self) -> Option<(Rule, usize)> {
        match self {
            Self::MedianOfMeans { groups } => {
                Some((Rule::Coordinate(AnyCoordinateRule::Median(Median)), groups))
            }
            Self::OverGroups { rule, groups } => Some((rule, groups)),
            Self::Mean
            | Self::Winsorized { .. }
            | Self::Trimmed { .. }
            | Self::Median
            | Self::OverTime(_) => None,
        }
    }

    /// Whether the rule combines the gradients of several mini-batches.
    pub(crate) fn is_over_time(self) -> bool {
        matches!(self, Self::OverTime(_))
    }
}
