//! Random crops and flips of training images.

use crate::random::{self, below, stream};
use crate::{Dataset, ReadError, Shape, Target};

/// The random changes of every example in every epoch.
///
/// The stream of example i in epoch e is `augment.E.I` (see [`stream`]): the result is a pure function of
/// the seed, the epoch and the example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Augmentation {
    /// Black pixels that are added on each side before a crop to the original size: torchvision's
    /// `RandomCrop(size, padding)`. The crop's row, then its column are uniform in 0 … 2 · padding.
    pub padding: usize,
    /// Whether the image is mirrored left to right with probability ½: `RandomHorizontalFlip()`.
    pub flip: bool,
    /// The seed.
    pub seed: u64,
}

/// A data set as it appears in one epoch.
///
/// Padding is 0, which is black only before normalising: wrap this in
/// [`Normalized`](crate::Normalized), not the other way round.
///
/// ```
/// use coherence_data::{Dataset, augment::{Augmentation, Augmented}, digits};
/// let (digits, by) = (digits::test(), Augmentation { padding: 4, flip: false, seed: 1 });
/// let mut image = [[0.0; 784]; 2];
/// Augmented::new(&digits, by, 0).get(7, &mut image[0])?;
/// Augmented::new(&digits, by, 1).get(7, &mut image[1])?;
/// assert_ne!(image[0], image[1], "another epoch, another crop");
/// # Ok::<(), coherence_data::ReadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Augmented<D> {
    data: D,
    by: Augmentation,
    epoch: u64,
}

impl<D: Dataset> Augmented<D> {
    /// The images of `data` in epoch `epoch`.
    pub fn new(data: D, by: Augmentation, epoch: u64) -> Self {
        Self { data, by, epoch }
    }

    /// Row and column of the crop in the padded image, and whether it is mirrored.
    fn draw(&self, i: usize) -> ([usize; 2], bool) {
        let mut rng = stream(self.by.seed, &format!("augment.{}.{i}", self.epoch));
        let places = 2 * self.by.padding as u64 + 1;
        let corner = [(); 2].map(|()| below(&mut rng, places) as usize);
        (corner, self.by.flip && random::unit(&mut rng) < 0.5)
    }
}

impl<D: Dataset> Dataset for Augmented<D> {
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
        let (corner, is_mirrored) = self.draw(i);
        let Shape { channels, height, width } = self.shape();
        let original = input.to_vec();
        let padding = self.by.padding;
        for (at, pixel) in input.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (at / width, at % width);
            let x = if is_mirrored { width - 1 - x } else { x };
            // Coordinates in the original image, if the pixel is not in the padding.
            let source = [(y, corner[0], height), (x, corner[1], width)]
                .map(|(at, shift, size)| (at + shift).checked_sub(padding).filter(|&at| at < size));
            match source {
                [Some(y), Some(x)] => {
                    pixel.copy_from_slice(&original[(y * width + x) * channels..][..channels]);
                }
                _ => pixel.fill(0.0),
            }
        }
        Ok(target)
    }
}
