//! Mean and squared deviations of a stream, without cancellation.

/// Welford's recurrence (1962), with weights after West (1979): one pass, stable for values that
/// differ little.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    n: u64,
    weight: f64,
    mean: f64,
    sum_sq_deviations: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, x: f64) {
        self.add_weighted(1.0, x);
    }

    /// Adds x with a weight above 0.
    pub(crate) fn add_weighted(&mut self, weight: f64, x: f64) {
        let others = self.weight;
        self.n += 1;
        self.weight += weight;
        let before = x - self.mean;
        self.mean += before * (weight / self.weight);
        self.sum_sq_deviations += weight * before * before * (others / self.weight);
    }

    pub(crate) fn len(&self) -> u64 {
        self.n
    }

    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// Σ w (x − mean)²
    pub(crate) fn sum_sq_deviations(&self) -> f64 {
        self.sum_sq_deviations
    }

    /// Σ w (x − centre)²
    pub(crate) fn sum_sq_deviations_from(&self, centre: f64) -> f64 {
        let shift = self.mean - centre;
        self.sum_sq_deviations + self.weight * shift * shift
    }
}
