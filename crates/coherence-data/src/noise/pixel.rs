//! Pixel noise: images replaced by Gaussian noise.

use super::{NoiseError, designate, mark};
use crate::forward;
use crate::random;
use crate::{Dataset, ReadError, Target};

/// A data set some of whose images were replaced by Gaussian noise; the labels do not change.
///
/// GM22 (§6, §7, Fig. 26) says "replaced by Gaussian noise", "along the lines of Zhang et al.
/// 2017", and gives no parameters. Zhang et al. use a Gaussian "with matching mean and variance to
/// the original image dataset". Here this means: one mean and one variance over all pixels of all
/// images of the wrapped data, independent pixels, values not clipped to [0, 1]. Of more than 65,536
/// images, mean and variance are those of 65,536 drawn at random.
///
/// Every replaced image is corrupt. Noise image `i` depends only on (`seed`, `i`), the mean and the
/// variance, and is drawn when it is read, so that no memory is needed for it.
///
/// ```
/// use coherence_data::{Dataset, Designation, digits, noise::PixelNoise};
/// let noisy = PixelNoise::gaussian(digits::test(), 1.0, 1).unwrap();
/// let mut image = [0.0; 784];
/// assert_eq!(noisy.get(0, &mut image)?.designation, Designation::Corrupt);
/// let mean = image.iter().sum::<f32>() / 784.0;
/// assert!((mean - 0.13).abs() < 0.05, "the mean of MNIST is 0.13, of this image {mean}");
/// # Ok::<(), coherence_data::ReadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PixelNoise<D> {
    data: D,
    /// Whether each example was replaced \[n\].
    replaced: Vec<bool>,
    seed: u64,
    mean: f64,
    deviation: f64,
}

/// Images from which mean and deviation are estimated at most.
const SAMPLE: usize = 1 << 16;

impl<D: Dataset> PixelNoise<D> {
    /// Replaces each image with probability `p` by Gaussian noise.
    ///
    /// # Errors
    /// [`NoiseError`] unless 0 ≤ `p` ≤ 1, or if an image cannot be read.
    pub fn gaussian(data: D, p: f64, seed: u64) -> Result<Self, NoiseError> {
        let replaced = mark(data.len(), p, seed, "pixel-noise.mark")?;
        let needed = replaced.contains(&true);
        let (mean, deviation) = if needed { moments(&data, seed)? } else { (0.0, 0.0) };
        Ok(Self { data, replaced, seed, mean, deviation })
    }

    fn noisy(&self, i: usize, original: Target) -> Target {
        let designation = designate(self.replaced[i], original.designation);
        Target { designation, ..original }
    }
}

/// Mean and standard deviation over all pixels of all images, or of [`SAMPLE`] of them if there are more, in
/// f64; zeros if there are no images.
fn moments(data: &impl Dataset, seed: u64) -> Result<(f64, f64), ReadError> {
    let chosen: Vec<usize> = if data.len() <= SAMPLE {
        (0..data.len()).collect()
    } else {
        let all = random::permutation(&mut random::stream(seed, "pixel-noise.sample"), data.len());
        all[..SAMPLE].to_vec()
    };
    let features = data.shape().features();
    let mut image = vec![0.0; features];
    let (mut sum, mut squares) = (0.0, 0.0);
    for &i in &chosen {
        data.get(i, &mut image)?;
        for &pixel in &image {
            sum += f64::from(pixel);
            squares += f64::from(pixel) * f64::from(pixel);
        }
    }
    let count = (chosen.len() * features).max(1) as f64;
    let mean = sum / count;
    Ok((mean, (squares / count - mean * mean).max(0.0).sqrt()))
}

impl<D: Dataset> Dataset for PixelNoise<D> {
    forward!(self => self.data; len, shape, classes, black);

    fn target(&self, i: usize) -> Target {
        self.noisy(i, self.data.target(i))
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        if !self.replaced[i] {
            return self.data.get(i, input);
        }
        assert_eq!(input.len(), self.shape().features(), "the buffer must hold exactly one image");
        let mut rng = random::stream(self.seed, &format!("pixel-noise.image.{i}"));
        let pixel = |value: &mut f32| {
            *value = (self.mean + self.deviation * random::normal(&mut rng)) as f32;
        };
        input.iter_mut().for_each(pixel);
        Ok(self.target(i))
    }
}
