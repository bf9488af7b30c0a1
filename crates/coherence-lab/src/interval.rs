//! The mean over seeds and its 95 % interval.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Mean of n values with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Arithmetic mean.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Interval {
    /// mean ± t₀.₉₇₅(n−1) · s/√n with Student's t and the sample's standard deviation s (divisor n−1).
    ///
    /// A single value (a deterministic example) is its own interval. `None` for no values.
    ///
    /// ```
    /// use coherence_lab::interval::Interval;
    /// let i = Interval::from_values(&[1.0, 2.0, 3.0]).unwrap(); // s = 1, t = 4.302653, half width 2.484138
    /// assert!((i.high - 4.484138).abs() < 1e-6 && i.mean == 2.0);
    /// ```
    pub fn from_values(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        if values.len() == 1 {
            return Some(Self { mean, low: mean, high: mean });
        }
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        let t = StudentsT::new(0.0, 1.0, n - 1.0).expect("n - 1 > 0").inverse_cdf(0.975);
        let half = t * (variance / n).sqrt();
        Some(Self { mean, low: mean - half, high: mean + half })
    }
}
