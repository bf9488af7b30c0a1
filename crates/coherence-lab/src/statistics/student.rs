//! Student's t test of a mean.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Mean and sample standard deviation (divisor n − 1) of n values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleMoments {
    /// Number of values.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation; 0 for a single value.
    pub deviation: f64,
}

impl SampleMoments {
    /// `None` for no values.
    pub fn from_values(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let equal = values.iter().all(|v| *v == values[0]);
        (!values.is_empty()).then(|| Self {
            n: values.len(),
            mean: if equal { values[0] } else { mean },
            deviation: if equal { 0.0 } else { (squares / (n - 1.0)).sqrt() },
        })
    }

    /// p value of the hypothesis that the mean of the distribution is at most `bound`: P(T ≥ t) with
    /// t = (mean − bound) · √n / deviation and n − 1 degrees of freedom.
    ///
    /// 1 for a single value. Without any spread: 0 if the mean is above the bound, else 1.
    pub fn p_at_most(&self, bound: f64) -> f64 {
        match self.spread() {
            None => 1.0,
            Some(0.0) => f64::from(u8::from(self.mean <= bound)),
            Some(error) => distribution(self.n).sf((self.mean - bound) / error),
        }
    }

    /// Half the width of the 95 % interval of the mean: t₀.₉₇₅(n − 1) · deviation / √n; 0 for a
    /// single value.
    pub fn half_width(&self) -> f64 {
        match self.spread() {
            None | Some(0.0) => 0.0,
            Some(error) => distribution(self.n).inverse_cdf(0.975) * error,
        }
    }

    /// The standard error of the mean; `None` for a single value.
    fn spread(&self) -> Option<f64> {
        (1 < self.n).then(|| self.deviation / (self.n as f64).sqrt())
    }
}

fn distribution(n: usize) -> StudentsT {
    StudentsT::new(0.0, 1.0, (n - 1) as f64).expect("n - 1 > 0")
}

#[cfg(test)]
mod tests {
    use super::SampleMoments;

    /// scipy 1.18: `scipy.stats.ttest_1samp(x, b, alternative='greater').pvalue`.
    #[test]
    fn p_values_are_those_of_scipy() {
        let cases: [(&[f64], f64, f64); 4] = include!("student_scipy.in");
        for (values, bound, p) in cases {
            let found = SampleMoments::from_values(values).unwrap().p_at_most(bound);
            assert!(
                (found - p).abs() < 1e-9 * p.max(1e-3),
                "{values:?}, {bound}: {found}, not {p}"
            );
        }
    }

    #[test]
    fn a_sample_without_spread_decides_and_a_single_value_does_not() {
        let equal = SampleMoments::from_values(&[0.1; 3]).unwrap();
        assert_eq!((equal.p_at_most(0.05), equal.p_at_most(0.1)), (0.0, 1.0));
        assert_eq!(SampleMoments::from_values(&[0.1]).unwrap().p_at_most(-1.0), 1.0);
        assert_eq!(SampleMoments::from_values(&[]), None);
    }
}
