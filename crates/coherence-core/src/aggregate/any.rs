//! One type for all rules of a kind.

use num_traits::Float;

use super::coordinate::OverValues;
use super::vector::OverVectors;
use super::*;

/// An enum with a variant for each rule over one coordinate, and the rule's answers.
macro_rules! any_coordinate_rule {
    ($($name:ident),* $(,)?) => {
        /// Any rule over one coordinate's values, chosen at run time.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum AnyCoordinateRule {
            $(#[doc = concat!("[`", stringify!($name), "`]")] $name($name),)*
        }

        impl Requirements for AnyCoordinateRule {
            fn check(&self, n: usize) -> Result<(), AggregateError> {
                match self { $(Self::$name(rule) => rule.check(n),)* }
            }

            fn tolerates(&self, n: usize) -> usize {
                match self { $(Self::$name(rule) => rule.tolerates(n),)* }
            }
        }

        impl OverValues for AnyCoordinateRule {
            fn compute<T: Float>(&self, values: &mut [T]) -> T {
                match self { $(Self::$name(rule) => rule.compute(values),)* }
            }
        }

        $(impl From<$name> for Rule {
            fn from(rule: $name) -> Self {
                Self::Coordinate(AnyCoordinateRule::$name(rule))
            }
        })*
    };
}

/// An enum with a variant for each rule over whole vectors, and the rule's answers.
macro_rules! any_vector_rule {
    ($($name:ident),* $(,)?) => {
        /// Any rule that must see whole vectors, chosen at run time.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum AnyVectorRule {
            $(#[doc = concat!("[`", stringify!($name), "`]")] $name($name),)*
        }

        impl Requirements for AnyVectorRule {
            fn check(&self, n: usize) -> Result<(), AggregateError> {
                match self { $(Self::$name(rule) => rule.check(n),)* }
            }

            fn tolerates(&self, n: usize) -> usize {
                match self { $(Self::$name(rule) => rule.tolerates(n),)* }
            }

            fn scratch_len(&self, n: usize, d: usize) -> ScratchLen {
                match self { $(Self::$name(rule) => Requirements::scratch_len(rule, n, d),)* }
            }
        }

        impl OverVectors for AnyVectorRule {
            fn omitting(&self, omitted: usize) -> Self {
                match self { $(Self::$name(rule) => Self::$name(rule.omitting(omitted)),)* }
            }

            fn compute<T: Float>(
                &self,
                rows: Rows<'_, T>,
                scratch: Scratch<'_>,
                out: &mut [T],
            ) -> Result<(), AggregateError> {
                match self { $(Self::$name(rule) => rule.compute(rows, scratch, out),)* }
            }
        }

        $(impl From<$name> for Rule {
            fn from(rule: $name) -> Self {
                Self::Vector(AnyVectorRule::$name(rule))
            }
        })*
    };
}

any_coordinate_rule!(
    Mean,
    Median,
    Winsorized,
    WinsorizedPercent,
    Trimmed,
    MedianOfMeans,
    MeanAroundMedian,
    SignMajority,
);

impl AnyVectorRule {
    /// The rule as Multi-Krum, if it is Krum, which keeps one vector, or Multi-Krum.
    ///
    /// ```
    /// use coherence_core::aggregate::{AnyVectorRule, GeometricMedian, Krum, MultiKrum};
    /// let krum = AnyVectorRule::Krum(Krum { f: 2 });
    /// assert_eq!(krum.as_multi_krum(), Some(MultiKrum { f: 2, keep: 1 }));
    /// assert_eq!(AnyVectorRule::GeometricMedian(GeometricMedian::default()).as_multi_krum(), None);
    /// ```
    pub fn as_multi_krum(&self) -> Option<MultiKrum> {
        match *self {
            Self::Krum(Krum { f }) => Some(MultiKrum { f, keep: 1 }),
            Self::MultiKrum(rule) => Some(rule),
            _ => None,
        }
    }

    /// The rule as one that chooses vectors by their distances, if it is of that kind.
    ///
    /// ```
    /// use coherence_core::aggregate::{AnyVectorRule, Bulyan, GeometricMedian};
    /// assert!(AnyVectorRule::Bulyan(Bulyan { f: 2 }).as_distance_rule().is_some());
    /// assert!(AnyVectorRule::GeometricMedian(GeometricMedian::default()).as_distance_rule().is_none());
    /// ```
    pub fn as_distance_rule(&self) -> Option<&dyn DistanceRule> {
        match self {
            Self::Krum(rule) => Some(rule),
            Self::MultiKrum(rule) => Some(rule),
            Self::Bulyan(rule) => Some(rule),
            Self::MinimumDiameter(rule) => Some(rule),
            _ => None,
        }
    }

    /// The rule as one that moves a centre among vectors, if it is of that kind.
    ///
    /// ```
    /// use coherence_core::aggregate::{AnyVectorRule, GeometricMedian, Krum};
    /// assert!(AnyVectorRule::GeometricMedian(GeometricMedian::default()).as_center_rule().is_some());
    /// assert!(AnyVectorRule::Krum(Krum { f: 1 }).as_center_rule().is_none());
    /// ```
    pub fn as_center_rule(&self) -> Option<&dyn CenterRule> {
        match self {
            Self::GeometricMedian(rule) => Some(rule),
            Self::CenteredClipping(rule) => Some(rule),
            _ => None,
        }
    }
}

any_vector_rule!(
    GeometricMedian,
    GeometricMedianOfMeans,
    Krum,
    MultiKrum,
    Bulyan,
    MinimumDiameter,
    CenteredClipping,
    NormClipping,
);
