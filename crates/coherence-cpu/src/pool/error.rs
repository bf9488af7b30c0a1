//! What can be wrong with the sizes of a pooling layer.

use core::fmt;

/// Sizes for which pooling is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// A size is zero.
    Zero {
        /// The name of the size.
        what: &'static str,
    },
    /// The padding is more than half of the kernel: a window could lie in the padding alone.
    Padding {
        /// The padding on each side.
        padding: usize,
        /// The kernel's length on the same axis.
        kernel: usize,
    },
    /// No window fits: the kernel is longer than the padded input.
    Kernel {
        /// The kernel's length.
        kernel: usize,
        /// The input's length on the same axis.
        input: usize,
        /// The padding on each side.
        padding: usize,
    },
    /// The input has more positions than a `u32` can number, or a size overflows.
    TooLarge {
        /// Height and width.
        input: [usize; 2],
    },
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { what } => write!(f, "the {what} of a pool is 0 (must be at least 1)"),
            Self::Padding { padding, kernel } => write!(
                f,
                "a padding of {padding} with a kernel of {kernel} (must be at most {})",
                kernel / 2
            ),
            Self::Kernel { kernel, input, padding } => write!(
                f,
                "a kernel of {kernel} does not fit an input of {input} with a padding of {padding} \
                 (use a smaller kernel or a larger image)"
            ),
            Self::TooLarge { input: [h, w] } => {
                write!(f, "an input of {h} × {w} positions (at most 2³² − 1 can be numbered)")
            }
        }
    }
}

impl core::error::Error for PoolError {}
