//! Pixel noise: images replaced by Gaussian noise.

use super::{NoiseError, designate, mark};
use crate::dataset::forward;
use crate::random;
use crate::{Dataset, ReadError, Target};

/// A data set some of whose images were replaced by Gaussian noise; the labels do not change.
///
/// GM22 (§6, §7, Fig. 26) says "replaced by Gaussian noise", "along the lines of Zhang et al.
/// 2017", and gives no parameters. Zhang et al. use a Gaussian "with matching mean and variance to
/// the original image dataset". Here this means: one mean and one variance over all pixels of all
/// images of the wrapped data, independent pixels, values not clipped to [0, 1].
///
/// Every replaced image is corrupt. Noise image `i` depends only on (`seed`, `i`), the mean and the
/// variance. All noise images are drawn at construction; each takes 4 · features bytes.
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
    /// For each example the index of its noise image, if it was replaced.
    place: Vec<Option<usize>>,
    /// Noise images [replaced, features].
    images: Vec<f32>,
}

impl<D: Dataset> PixelNoise<D> {
    /// Replaces each image with probability `p` by Gaussian noise.
    ///
    /// # Errors
    /// [`NoiseError`] unless 0 ≤ `p` ≤ 1, or if an image cannot be read.
    pub fn gaussian(data: D, p: f64, seed: u64) -> Result<Self, NoiseError> {
        let marks = mark(data.len(), p, seed, "pixel-noise.mark")?;
        let (mean, deviation) = moments(&data)?;
        let features = data.shape().features();
        let mut images = Vec::new();
        let mut place = Vec::with_capacity(marks.len());
        for (i, marked) in marks.into_iter().enumerate() {
            place.push(marked.then_some(images.len() / features.max(1)));
            if marked {
                let mut rng = random::stream(seed, &format!("pixel-noise.image.{i}"));
                let pixel = || (mean + deviation * random::normal(&mut rng)) as f32;
                images.extend(std::iter::repeat_with(pixel).take(features));
            }
        }
        Ok(Self { data, place, images })
    }

    fn noisy(&self, i: usize, original: Target) -> Target {
        let designation = designate(self.place[i].is_some(), original.designation);
        Target { designation, ..original }
    }
}

/// Mean and standard deviation over all pixels of all images, in f64; zeros if there are no images.
fn moments(data: &impl Dataset) -> Result<(f64, f64), ReadError> {
    let features = data.shape().features();
    let mut image = vec![0.0; features];
    let (mut sum, mut squares) = (0.0, 0.0);
    for i in 0..data.len() {
        data.get(i, &mut image)?;
        for &pixel in &image {
            sum += f64::from(pixel);
            squares += f64::from(pixel) * f64::from(pixel);
        }
    }
    let count = (data.len() * features).max(1) as f64;
    let mean = sum / count;
    Ok((mean, (squares / count - mean * mean).max(0.0).sqrt()))
}

impl<D: Dataset> Dataset for PixelNoise<D> {
    forward!(self => self.data; len, shape, classes, black);

    fn target(&self, i: usize) -> Target {
        self.noisy(i, self.data.target(i))
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let Some(place) = self.place[i] else {
            return self.data.get(i, input);
        };
        let features = self.shape().features();
        input.copy_from_slice(&self.images[place * features..][..features]);
        Ok(self.target(i))
    }
}
