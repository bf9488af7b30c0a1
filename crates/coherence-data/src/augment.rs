//! Random crops and flips of training images.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::forward;
use crate::random::{self, below, stream};
use crate::{Dataset, ReadError, Shape, Target};

/// The random changes of every example in every epoch.
///
/// As text: `crop:PADDING`, `flip` or `crop:PADDING,flip`.
///
/// The stream of example i in epoch e is `augment.E.I` (see [`stream`]): the result is a pure function of
/// the seed, the epoch and the example.
///
/// ```
/// use coherence_data::augment::Augmentation;
/// let by: Augmentation = "crop:4,flip".parse()?;
/// assert_eq!(by, Augmentation { padding: 4, flip: true });
/// # Ok::<(), coherence_data::augment::AugmentationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Augmentation {
    /// Black pixels that are added on each side before a crop to the original size: torchvision's
    /// `RandomCrop(size, padding)`. The crop's row, then its column are uniform in 0 … 2 · padding.
    pub padding: usize,
    /// Whether the image is mirrored left to right with probability ½: `RandomHorizontalFlip()`.
    pub flip: bool,
}

/// A text that is no [`Augmentation`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no augmentation (write crop:PADDING, flip or crop:PADDING,flip; PADDING from 1 to 65535)"
)]
pub struct AugmentationError {
    /// The text.
    pub text: String,
}

impl Augmentation {
    /// Changes `image` [height, width, channels] of example `i` as in epoch `epoch`; `black` is the value of a
    /// black pixel by channel.
    ///
    /// # Panics
    /// If `image` is not [`Shape::features`] long.
    pub fn apply(
        &self,
        seed: u64,
        epoch: u64,
        i: usize,
        shape: Shape,
        black: impl Fn(usize) -> f32,
        image: &mut [f32],
    ) {
        assert_eq!(image.len(), shape.features(), "the buffer must hold exactly one image");
        let (corner, is_mirrored) = self.draw(seed, epoch, i);
        let Shape { channels, height, width } = shape;
        let original = image.to_vec();
        for (at, pixel) in image.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (at / width, at % width);
            let x = if is_mirrored { width - 1 - x } else { x };
            // Coordinates in the original image, if the pixel is not in the padding.
            let source =
                [(y, corner[0], height), (x, corner[1], width)].map(|(at, shift, size)| {
                    (at + shift).checked_sub(self.padding).filter(|&at| at < size)
                });
            match source {
                [Some(y), Some(x)] => {
                    pixel.copy_from_slice(&original[(y * width + x) * channels..][..channels]);
                }
                _ => pixel.iter_mut().enumerate().for_each(|(c, value)| *value = black(c)),
            }
        }
    }

    /// Row and column of the crop in the padded image, and whether it is mirrored.
    fn draw(&self, seed: u64, epoch: u64, i: usize) -> ([usize; 2], bool) {
        let mut rng = stream(seed, &format!("augment.{epoch}.{i}"));
        let places = 2 * self.padding as u64 + 1;
        let corner = [(); 2].map(|()| below(&mut rng, places) as usize);
        (corner, self.flip && random::unit(&mut rng) < 0.5)
    }
}

impl FromStr for Augmentation {
    type Err = AugmentationError;

    fn from_str(text: &str) -> Result<Self, AugmentationError> {
        let refused = || AugmentationError { text: text.to_owned() };
        let (crop, flip) = match text.strip_suffix("flip") {
            None => (text, false),
            Some("") => return Ok(Self { padding: 0, flip: true }),
            Some(before) => (before.strip_suffix(',').ok_or_else(refused)?, true),
        };
        // Beyond this, no image has a pixel left in most crops, and sums of coordinates could overflow.
        let padding = crop.strip_prefix("crop:").and_then(|padding| padding.parse::<u16>().ok());
        let padding = padding.filter(|&padding| padding > 0).ok_or_else(refused)?;
        Ok(Self { padding: padding.into(), flip })
    }
}

/// The text that [`FromStr`] reads.
impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { padding: 0, flip: true } => f.write_str("flip"),
            Self { padding, flip: true } => write!(f, "crop:{padding},flip"),
            Self { padding, flip: false } => write!(f, "crop:{padding}"),
        }
    }
}

impl TryFrom<String> for Augmentation {
    type Error = AugmentationError;

    fn try_from(text: String) -> Result<Self, AugmentationError> {
        text.parse()
    }
}

impl From<Augmentation> for String {
    fn from(augmentation: Augmentation) -> Self {
        augmentation.to_string()
    }
}

/// A data set as it appears in one epoch.
///
/// Padding is black, also if the images were [normalised](crate::Normalized) before: the order of these two
/// wrappers does not matter.
///
/// ```
/// use coherence_data::{Dataset, augment::{Augmentation, Augmented}, digits};
/// let (digits, by) = (digits::test(), Augmentation { padding: 4, flip: false });
/// let mut image = [[0.0; 784]; 2];
/// Augmented::new(&digits, by, 1, 0).get(7, &mut image[0])?;
/// Augmented::new(&digits, by, 1, 1).get(7, &mut image[1])?;
/// assert_ne!(image[0], image[1], "another epoch, another crop");
/// # Ok::<(), coherence_data::ReadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Augmented<D> {
    data: D,
    by: Augmentation,
    seed: u64,
    epoch: u64,
}

impl<D: Dataset> Augmented<D> {
    /// The images of `data` in epoch `epoch`.
    pub fn new(data: D, by: Augmentation, seed: u64, epoch: u64) -> Self {
        Self { data, by, seed, epoch }
    }
}

impl<D: Dataset> Dataset for Augmented<D> {
    forward!(self => self.data; len, shape, classes, black, target);

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let target = self.data.get(i, input)?;
        let black = |channel| self.data.black(channel);
        self.by.apply(self.seed, self.epoch, i, self.shape(), black, input);
        Ok(target)
    }
}
