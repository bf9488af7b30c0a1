//! Aggregators: the values of one coordinate to one value, or n vectors to one vector.
//!
//! | by coordinate ([`CoordinateRule`]) | bears | what it does |
//! |---|---|---|
//! | [`Mean`] | 0 | plain stochastic gradient descent |
//! | [`Winsorized`] | `clip` | clips the extremes, then the mean |
//! | [`Trimmed`] | `trim` | leaves the extremes out, then the mean |
//! | [`Median`] | ⌊(n−1)/2⌋ | the middle value |
//!
//! [`Coordinatewise`] makes a [`VectorRule`] of each.

mod coordinate;
mod coordinatewise;
mod error;
mod mean;
mod median;
mod order;
mod rows;
mod trimmed;
mod vector;
mod winsorized;

pub use coordinate::CoordinateRule;
pub use coordinatewise::Coordinatewise;
pub use error::AggregateError;
pub use mean::Mean;
pub use median::Median;
pub use rows::Rows;
pub use trimmed::Trimmed;
pub use vector::VectorRule;
pub use winsorized::Winsorized;
