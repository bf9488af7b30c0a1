//! Exact tests and intervals for outcomes that are one of two.

use statrs::distribution::{Binomial, DiscreteCDF};

/// Outcomes of n independent trials that are one of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcomes {
    /// Number of trials.
    pub n: u64,
    /// Number of trials with the outcome that is counted.
    pub yes: u64,
}

impl Outcomes {
    /// p value of the hypothesis that the probability of the outcome is at most `p`: the
    /// probability of at least `yes` among n at p. 1 for no trial.
    pub fn p_at_most(&self, p: f64) -> f64 {
        if self.yes == 0 || 1.0 <= p {
            return 1.0;
        }
        if p <= 0.0 {
            return 0.0;
        }
        Binomial::new(p, self.n).expect("0 < p < 1").sf(self.yes - 1)
    }

    /// p value of the hypothesis that the probability is at least `p`: that of at most `yes`.
    pub fn p_at_least(&self, p: f64) -> f64 {
        Self { n: self.n, yes: self.n - self.yes }.p_at_most(1.0 - p)
    }

    /// The exact 95 % interval of the probability (Clopper and Pearson, 1934): the probabilities
    /// that neither of the two tests above rejects at 2.5 %. [0, 1] for no trial.
    ///
    /// ```
    /// use coherence_lab::statistics::binomial::Outcomes;
    /// let [low, high] = Outcomes { n: 3, yes: 3 }.interval();
    /// assert!((low - 0.025_f64.cbrt()).abs() < 1e-12 && high == 1.0);
    /// ```
    pub fn interval(&self) -> [f64; 2] {
        let upper = |outcomes: Self| match outcomes.yes == outcomes.n {
            true => 1.0,
            false => root(|p| outcomes.p_at_least(p) - 0.025),
        };
        let mirrored = Self { n: self.n, yes: self.n - self.yes };
        [1.0 - upper(mirrored), upper(*self)]
    }
}

/// Where a falling function on [0, 1] is 0, by bisection to the last bit.
fn root(f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..64 {
        let middle = (low + high) / 2.0;
        if 0.0 < f(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::Outcomes;

    /// scipy 1.18: `scipy.stats.binomtest(yes, n).proportion_ci(0.95, 'exact')`.
    #[test]
    fn intervals_are_those_of_scipy() {
        let cases: [(u64, u64, f64, f64); 6] = include!("binomial_scipy.in");
        for (yes, n, low, high) in cases {
            let found = Outcomes { n, yes }.interval();
            assert!((found[0] - low).abs() < 1e-9 && (found[1] - high).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn p_values_are_sums_of_the_binomial_law() {
        // 2 or 3 heads of 3 at 1/4: 3 · 9/64 · … = 9/64 + 1/64.
        let outcomes = Outcomes { n: 3, yes: 2 };
        assert!((outcomes.p_at_most(0.25) - 10.0 / 64.0).abs() < 1e-14);
        assert!((outcomes.p_at_least(0.25) - (1.0 - 1.0 / 64.0)).abs() < 1e-14);
        assert_eq!((outcomes.p_at_most(0.0), outcomes.p_at_most(1.0)), (0.0, 1.0));
        assert_eq!((outcomes.p_at_least(1.0), outcomes.p_at_least(0.0)), (0.0, 1.0));
        let none = Outcomes { n: 0, yes: 0 };
        assert_eq!((none.p_at_most(0.5), none.interval()), (1.0, [0.0, 1.0]));
    }
}
