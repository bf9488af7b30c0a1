//! Mean and squared deviations of a stream, without cancellation.

/// Welford's recurrence (1962): one pass, stable for values that differ little.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    n: u64,
    mean: f64,
    sum_sq_deviations: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, x: f64) {
        self.n += 1;
        let before = x - self.mean;
        self.mean += before / self.n as f64;
        self.sum_sq_deviations += before * (x - self.mean);
    }

    pub(crate) fn len(&self) -> u64 {
        self.n
    }

    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// Σ (x − mean)²
    pub(crate) fn sum_sq_deviations(&self) -> f64 {
        self.sum_sq_deviations
    }
}
