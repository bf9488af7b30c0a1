//! The shape of what flows between layers, for one example.

use core::fmt;

/// Height, width and channels of one example's values, stored with the channels last: the value of
/// channel c at row y and column x is at `(y · width + x) · channels + c`. A vector of features is a
/// single position.
///
/// ```
/// use coherence_nn::Shape;
/// assert_eq!(Shape::image(32, 32, 3).values(), 3072);
/// assert_eq!(Shape::features(10), Shape::image(1, 1, 10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of positions.
    pub height: usize,
    /// Positions in a row.
    pub width: usize,
    /// Values at a position.
    pub channels: usize,
}

impl Shape {
    /// An image [height, width, channels].
    pub const fn image(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// A vector of features.
    pub const fn features(channels: usize) -> Self {
        Self::image(1, 1, channels)
    }

    /// The number of positions P = height · width.
    pub const fn positions(&self) -> usize {
        self.height * self.width
    }

    /// The number of values of one example.
    pub const fn values(&self) -> usize {
        self.positions() * self.channels
    }

    /// [height, width].
    pub const fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }
}

/// As `32 × 32 × 3`, or the number of features alone.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width, channels } = self;
        match self.positions() {
            1 => write!(f, "{channels}"),
            _ => write!(f, "{height} × {width} × {channels}"),
        }
    }
}
