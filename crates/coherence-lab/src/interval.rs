//! 95 % intervals: of a mean over seeds, and of a share.

use serde::{Deserialize, Serialize};

use crate::statistics::binomial::Outcomes;
use crate::statistics::student::SampleMoments;

/// A mean, or a share, with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Arithmetic mean; of outcomes the share.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Interval {
    /// mean ± t₀.₉₇₅(n−1) · s/√n with Student's t and the sample's standard deviation s (divisor n−1).
    ///
    /// A single value is its own interval. `None` for no values.
    ///
    /// ```
    /// use coherence_lab::interval::Interval;
    /// let i = Interval::from_values(&[1.0, 2.0, 3.0]).unwrap(); // s = 1, t = 4.302653, half width 2.484138
    /// assert!((i.high - 4.484138).abs() < 1e-6 && i.mean == 2.0);
    /// ```
    pub fn from_values(values: &[f64]) -> Option<Self> {
        let sample = SampleMoments::from_values(values)?;
        let (mean, half) = (sample.mean, sample.half_width());
        Some(Self { mean, low: mean - half, high: mean + half })
    }

    /// The share of one outcome of two, with Clopper and Pearson's exact interval. `None` for no
    /// trial.
    pub fn from_outcomes(outcomes: Outcomes) -> Option<Self> {
        let [low, high] = outcomes.interval();
        let mean = outcomes.yes as f64 / outcomes.n as f64;
        (0 < outcomes.n).then_some(Self { mean, low, high })
    }

    /// A value that has no uncertainty.
    pub fn point(value: f64) -> Self {
        Self { mean: value, low: value, high: value }
    }
}
