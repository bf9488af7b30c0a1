//! Normalising channels by means and standard deviations.

use std::fmt;
use std::str::FromStr;

use crate::forward;
use crate::{Dataset, ReadError, Target};

/// Mean and standard deviation of each channel of pixels in [0, 1].
///
/// As text: `imagenet`, `cifar10`, `mnist`, or `MEAN,…/DEVIATION,…` with one number each for all channels
/// or one for each channel.
///
/// ```
/// use coherence_data::Normalization;
/// let by: Normalization = "0.1307/0.3081".parse()?;
/// assert_eq!(by, "mnist".parse()?);
/// assert!("0.5,0.5/1".parse::<Normalization>().is_err());
/// # Ok::<(), coherence_data::NormalizationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

/// Numbers that cannot normalise images.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NormalizationError {
    /// The text is no name and no numbers.
    #[error(
        "\"{0}\" is no normalisation (write imagenet, cifar10, mnist, or means and deviations: \
         0.5,0.5,0.5/0.25,0.25,0.25)"
    )]
    Text(String),
    /// There are not as many means as deviations.
    #[error(
        "{means} means and {deviations} standard deviations (write one of each for each channel)"
    )]
    Lengths {
        /// The number of means.
        means: usize,
        /// The number of deviations.
        deviations: usize,
    },
    /// A mean is not finite.
    #[error("a mean of {0} (must be finite)")]
    Mean(f32),
    /// A deviation is not positive.
    #[error("a standard deviation of {0} (must be positive and finite)")]
    Deviation(f32),
    /// The images have another number of channels.
    #[error(
        "{found} means for images of {channels} channels (write one for each channel, or one for all)"
    )]
    Channels {
        /// The number of means.
        found: usize,
        /// The channels of the images.
        channels: usize,
    },
}

impl Normalization {
    /// From the means and deviations of the channels; one number stands for all channels.
    ///
    /// # Errors
    /// [`NormalizationError`] if their numbers differ, a mean is not finite, or a deviation not positive.
    pub fn new(mean: Vec<f32>, deviation: Vec<f32>) -> Result<Self, NormalizationError> {
        let (means, deviations) = (mean.len(), deviation.len());
        if means != deviations || means == 0 {
            return Err(NormalizationError::Lengths { means, deviations });
        }
        if let Some(&bad) = mean.iter().find(|mean| !mean.is_finite()) {
            return Err(NormalizationError::Mean(bad));
        }
        if let Some(&bad) = deviation.iter().find(|x| !(x.is_finite() && **x > 0.0)) {
            return Err(NormalizationError::Deviation(bad));
        }
        Ok(Self { mean, deviation })
    }

    /// The means, one for each channel or one for all.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviations, one for each channel or one for all.
    #[must_use]
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// Mean and deviation that the literature uses for a data set.
    fn known(name: &str) -> Option<(&'static [f32], &'static [f32])> {
        match name {
            "imagenet" => Some((&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225])),
            "cifar10" => Some((&[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616])),
            "mnist" => Some((&[0.1307], &[0.3081])),
            _ => None,
        }
    }
}

impl FromStr for Normalization {
    type Err = NormalizationError;

    fn from_str(text: &str) -> Result<Self, NormalizationError> {
        if let Some((mean, deviation)) = Self::known(text) {
            return Self::new(mean.to_vec(), deviation.to_vec());
        }
        let numbers = |text: &str| text.split(',').map(|x| x.trim().parse().ok()).collect();
        let parsed: Option<(Vec<f32>, Vec<f32>)> = text
            .split_once('/')
            .and_then(|(mean, deviation)| Option::zip(numbers(mean), numbers(deviation)));
        let (mean, deviation) = parsed.ok_or_else(|| NormalizationError::Text(text.to_owned()))?;
        Self::new(mean, deviation)
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |values: &[f32]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        write!(f, "{}/{}", list(&self.mean), list(&self.deviation))
    }
}

/// A data set whose values x of channel c become (x − mean\[c\]) / deviation\[c\], in `f32` as
/// torchvision's `Normalize` computes them.
///
/// ```
/// use coherence_data::{Dataset, Normalized, digits};
/// let digits = Normalized::new(digits::test(), "mnist".parse()?)?;
/// let mut image = vec![0.0; 784];
/// digits.get(0, &mut image)?;
/// assert_eq!(image[0], (0.0 - 0.1307) / 0.3081);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Normalized<D> {
    data: D,
    /// One mean and one deviation for each channel.
    channels: Vec<(f32, f32)>,
}

impl<D: Dataset> Normalized<D> {
    /// Normalises the images of `data`, whatever was done to them before.
    ///
    /// # Errors
    /// [`NormalizationError::Channels`] if the images have another number of channels.
    pub fn new(data: D, by: Normalization) -> Result<Self, NormalizationError> {
        let (found, channels) = (by.mean.len(), data.shape().channels);
        let mut pairs: Vec<(f32, f32)> = by.mean.into_iter().zip(by.deviation).collect();
        if let [one] = pairs[..] {
            pairs = vec![one; channels];
        }
        if pairs.len() != channels {
            return Err(NormalizationError::Channels { found, channels });
        }
        Ok(Self { data, channels: pairs })
    }
}

impl<D: Dataset> Dataset for Normalized<D> {
    forward!(self => self.data; len, shape, classes, target);

    fn black(&self, channel: usize) -> f32 {
        let (mean, deviation) = self.channels[channel];
        (self.data.black(channel) - mean) / deviation
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let target = self.data.get(i, input)?;
        for pixel in input.chunks_exact_mut(self.channels.len().max(1)) {
            for (x, (mean, deviation)) in pixel.iter_mut().zip(&self.channels) {
                *x = (*x - mean) / deviation;
            }
        }
        Ok(target)
    }
}
