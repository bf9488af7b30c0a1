//! Aggregators: the values of one coordinate to one value, or n vectors to one vector.
//!
//! A rule tolerates f Byzantine vectors if f arbitrary ones among n cannot drive the result beyond a bound that
//! the others set; each rule states its bound, and the n for which it is defined
//! ([`Requirements::check`]). Fewer vectors are an error: no parameter is clamped.
//!
//! By coordinate ([`CoordinateRule`]; [`Coordinatewise`] makes a [`VectorRule`] of each):
//!
//! | rule | tolerates | what it does |
//! |---|---|---|
//! | [`Mean`] | 0 | plain stochastic gradient descent |
//! | [`Winsorized`], [`WinsorizedPercent`] | `clip` | clips the extremes, then the mean |
//! | [`Trimmed`] | `trim` | leaves the extremes out, then the mean |
//! | [`Median`] | ⌊(n−1)/2⌋ | the middle value |
//! | [`MedianOfMeans`] | ⌊(k−1)/2⌋ | the median of k group means |
//! | [`MeanAroundMedian`] | f | the mean of the n − f values closest to the median |
//! | [`SignMajority`] | ⌊(n−1)/2⌋ | the sign of most |
//!
//! By whole vectors ([`VectorRule`]):
//!
//! | rule | tolerates | what it does |
//! |---|---|---|
//! | [`GeometricMedian`] | ⌊(n−1)/2⌋ | least sum of distances, with a certificate |
//! | [`GeometricMedianOfMeans`] | ⌊(k−1)/2⌋ | of k group means |
//! | [`Krum`], [`MultiKrum`] | f, n ≥ 2f+3 | the vectors with near neighbours |
//! | [`Bulyan`] | f, n ≥ 4f+3 | Krum repeatedly, then [`MeanAroundMedian`] |
//! | [`MinimumDiameter`] | f, n ≥ 2f+1 | the closest n − f vectors' mean, for few vectors |
//! | [`CenteredClipping`] | ⌊(n−1)/2⌋ | the mean of vectors clipped around a centre |
//! | [`NormClipping`] | bounded | the mean of vectors shortened to a norm |
//!
//! Over time: [`OverTime`] (M3, A3, RM3, RA3), whose state is the plain data [`Recent`].
//! Before a rule ([`Mixing`]): [`NearestNeighborMixing`], [`Bucketing`], [`NormClipping`].
//! At run time: [`Rule`], read from text; or boxes of any mixture, `Box<dyn VectorRule<f32>>`.
//! Groups of examples: [`groups`](fn@groups).

mod any;
mod bucketing;
mod bulyan;
mod center_rule;
mod centered_clipping;
mod coordinate;
mod coordinatewise;
mod distance_rule;
mod distances;
mod error;
mod geometric_median;
mod geometric_median_of_means;
mod groups;
mod krum;
mod mean;
mod mean_around_median;
mod median;
mod median_of_means;
mod median_of_three;
mod minimum_diameter;
mod mixing;
mod nearest_neighbor_mixing;
mod norm_clipping;
mod order;
mod over_time;
mod parameter;
mod parse;
mod percent;
mod requirements;
mod rows;
mod rule;
mod scaled;
mod scratch;
mod sign_majority;
mod trimmed;
mod vector;
mod weiszfeld;
mod winsorized;

pub use any::{AnyCoordinateRule, AnyVectorRule};
pub use bucketing::Bucketing;
pub use bulyan::Bulyan;
pub use center_rule::{CenterRule, VectorSet};
pub use centered_clipping::CenteredClipping;
pub use coordinate::CoordinateRule;
pub use coordinatewise::Coordinatewise;
pub use distance_rule::DistanceRule;
pub use error::AggregateError;
pub use geometric_median::GeometricMedian;
pub use geometric_median_of_means::GeometricMedianOfMeans;
pub use groups::{check_groups, groups};
pub use krum::{Krum, MultiKrum};
pub use mean::Mean;
pub use mean_around_median::MeanAroundMedian;
pub use median::Median;
pub use median_of_means::MedianOfMeans;
pub use median_of_three::median_of_three;
pub use minimum_diameter::MinimumDiameter;
pub use mixing::Mixing;
pub use nearest_neighbor_mixing::NearestNeighborMixing;
pub use norm_clipping::NormClipping;
pub use over_time::{OfThree, OverTime, Recent, Update};
pub use parameter::{MOST_ITERATIONS, ParameterError};
pub use parse::ParseRuleError;
pub use percent::{Interpolation, PercentError, Percentile, WinsorizedPercent};
pub use requirements::Requirements;
pub use rows::Rows;
pub use rule::Rule;
pub use scaled::distance_scale;
#[cfg(feature = "alloc")]
pub use scratch::ScratchBuffer;
pub use scratch::{Scratch, ScratchLen};
pub use sign_majority::SignMajority;
pub use trimmed::Trimmed;
pub use vector::VectorRule;
pub use weiszfeld::Certificate;
pub use winsorized::Winsorized;
