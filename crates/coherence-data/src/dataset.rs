//! Data sets: indexed images, each with a label and a designation.

use std::path::PathBuf;
use std::sync::Arc;

/// Whether noise changed an example.
///
/// An example that was marked for noise but drew its original label again is pristine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Designation {
    /// As in the original data.
    Pristine,
    /// The label differs from the original one, or the image was replaced by noise.
    Corrupt,
}

impl Designation {
    /// Both, in the order in which they are reported.
    pub const ALL: [Self; 2] = [Self::Pristine, Self::Corrupt];

    /// The name of the group in series, in tables and on the command line.
    ///
    /// ```
    /// use coherence_data::Designation;
    /// assert_eq!(Designation::Corrupt.name(), "corrupt");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pristine => "pristine",
            Self::Corrupt => "corrupt",
        }
    }
}

/// The label of an example, and whether noise changed the example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The class, below [`Dataset::classes`].
    pub label: u32,
    /// Whether noise changed the label or the image.
    pub designation: Designation,
}

/// The shape of one image, stored as [height, width, channels]: the channels of a pixel are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Colour channels: 1 for grey.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl Shape {
    /// The number of values in one image: height · width · channels.
    ///
    /// ```
    /// use coherence_data::Shape;
    /// assert_eq!(Shape { channels: 1, height: 28, width: 28 }.features(), 784);
    /// ```
    #[must_use]
    pub const fn features(self) -> usize {
        self.channels * self.height * self.width
    }
}

/// The file of an example could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct ReadError {
    /// The file.
    pub file: PathBuf,
    /// The cause and the remedy.
    pub reason: String,
}

/// A finite sequence of labelled images. Noise, subsets and orders are wrappers around a data set.
///
/// ```
/// use coherence_data::{Dataset, Designation, digits};
/// let digits = digits::train();
/// let mut image = vec![0.0; digits.shape().features()];
/// let target = digits.get(0, &mut image)?;
/// assert_eq!((digits.len(), digits.classes()), (10_000, 10));
/// assert_eq!(target.designation, Designation::Pristine);
/// assert!(image.iter().all(|x| (0.0..=1.0).contains(x)));
/// # Ok::<(), coherence_data::ReadError>(())
/// ```
pub trait Dataset: Send + Sync {
    /// The number of examples.
    fn len(&self) -> usize;

    /// Whether the data set has no examples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of every image.
    fn shape(&self) -> Shape;

    /// The number of classes; labels are 0, 1, …, classes − 1.
    fn classes(&self) -> usize;

    /// The value of a black pixel in `channel`: 0, unless the values are normalised.
    fn black(&self, channel: usize) -> f32 {
        let _ = channel;
        0.0
    }

    /// The target of example `i`, without its image.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    fn target(&self, i: usize) -> Target;

    /// Writes image `i` to `input` [height, width, channels] and returns its target; pixel value 255
    /// becomes 1.0.
    ///
    /// # Errors
    /// [`ReadError`] if the example is decoded from a file of its own and cannot be. Data sets in memory
    /// never fail.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len), or `input` is not [`Shape::features`] long.
    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError>;
}

/// The methods of [`Dataset`](crate::Dataset) that answer as an inner data set does, inside of an implementation:
/// `forward!(self => self.data; len, shape)`.
///
/// ```
/// use coherence_data::{Dataset, ReadError, Target, digits, forward};
///
/// /// A data set in darkness.
/// struct Dark<D>(D);
///
/// impl<D: Dataset> Dataset for Dark<D> {
///     forward!(self => self.0; len, shape, classes, black, target);
///
///     fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
///         input.fill(0.0);
///         Ok(self.target(i))
///     }
/// }
///
/// assert_eq!(Dark(digits::test()).len(), digits::test().len());
/// ```
#[macro_export]
macro_rules! forward {
    ($this:ident => $inner:expr; $($method:ident),+) => {
        $($crate::forward!(@$method $this $inner);)+
    };
    (@len $this:ident $inner:expr) => {
        fn len(&$this) -> usize {
            $inner.len()
        }
    };
    (@shape $this:ident $inner:expr) => {
        fn shape(&$this) -> $crate::Shape {
            $inner.shape()
        }
    };
    (@classes $this:ident $inner:expr) => {
        fn classes(&$this) -> usize {
            $inner.classes()
        }
    };
    (@black $this:ident $inner:expr) => {
        fn black(&$this, channel: usize) -> f32 {
            $inner.black(channel)
        }
    };
    (@target $this:ident $inner:expr) => {
        fn target(&$this, i: usize) -> $crate::Target {
            $inner.target(i)
        }
    };
    (@get $this:ident $inner:expr) => {
        fn get(&$this, i: usize, input: &mut [f32]) -> Result<$crate::Target, $crate::ReadError> {
            $inner.get(i, input)
        }
    };
}
impl<D: Dataset + ?Sized> Dataset for &D {
    forward!(self => (**self); len, shape, classes, black, target, get);
}

impl<D: Dataset + ?Sized> Dataset for Box<D> {
    forward!(self => (**self); len, shape, classes, black, target, get);
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    forward!(self => (**self); len, shape, classes, black, target, get);
}
