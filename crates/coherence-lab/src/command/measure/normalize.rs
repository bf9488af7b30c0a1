//! Normalised images, as networks are usually trained on.

use std::fmt;
use std::str::FromStr;

use coherence_data::{Dataset, ReadError, Shape, Target};
use serde::Serialize;

/// Mean and standard deviation that pixels in [0, 1] are normalised by: `(x − mean) / std`, in f32
/// as PyTorch's `Normalize` computes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Normalization {
    mean: f32,
    std: f32,
}

impl FromStr for Normalization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|x: &f32| x.is_finite());
        let parsed = text.split_once('/').map(|(mean, std)| (number(mean), number(std)));
        let Some((Some(mean), Some(std))) = parsed else {
            return Err("write the mean and the standard deviation: 0.1307/0.3081".to_owned());
        };
        if std <= 0.0 {
            return Err(format!("a standard deviation of {std} (must be positive)"));
        }
        Ok(Self { mean, std })
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(pixel/255 − {}) / {}", self.mean, self.std)
    }
}

/// A data set whose images are normalised, whatever was done to them before.
pub(super) struct Normalized<D> {
    pub(super) data: D,
    pub(super) by: Normalization,
}

impl<D: Dataset> Dataset for Normalized<D> {
    fn len(&self) -> usize {
        self.data.len()
    }

    fn shape(&self) -> Shape {
        self.data.shape()
    }

    fn classes(&self) -> usize {
        self.data.classes()
    }

    fn target(&self, i: usize) -> Target {
        self.data.target(i)
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let target = self.data.get(i, input)?;
        input.iter_mut().for_each(|x| *x = (*x - self.by.mean) / self.by.std);
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_mean_and_deviation_is_refused() {
        for text in ["", "0.1", "0.1/", "/0.3", "0.1/x", "nan/0.3", "0.1/inf", "0.1,0.3"] {
            assert!(text.parse::<Normalization>().unwrap_err().contains("0.1307/0.3081"), "{text}");
        }
        for text in ["0.1/0", "0.1/-0.3"] {
            assert!(text.parse::<Normalization>().unwrap_err().contains("positive"), "{text}");
        }
    }
}
