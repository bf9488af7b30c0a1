//! The sizes of a convolution and the conditions on them.

use core::fmt;

/// A two-dimensional convolution over channels-last images; axes are [vertical, horizontal].
///
/// ```
/// use coherence_cpu::convolution::Convolution;
/// let conv = Convolution {
///     padding: [1, 1],
///     stride: [2, 2],
///     ..Convolution::new([32, 32], 3, 64, [3, 3])
/// };
/// assert_eq!(conv.output_size(), Ok([16, 16]));
/// assert_eq!((conv.positions(), conv.patch(), conv.weights()), (256, 27, 1728));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Height h and width w of an input image.
    pub input: [usize; 2],
    /// Input channels i.
    pub channels: usize,
    /// Output channels o.
    pub outputs: usize,
    /// Height kh and width kw of the kernel.
    pub kernel: [usize; 2],
    /// Input positions from one output position to the next.
    pub stride: [usize; 2],
    /// Zeros added on each side of the image.
    pub padding: [usize; 2],
    /// Input positions from one tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Groups g: output channels of a group depend on the i/g input channels of the same group.
    pub groups: usize,
}

impl Convolution {
    /// A convolution of stride 1, without padding or dilation, in one group.
    pub fn new(input: [usize; 2], channels: usize, outputs: usize, kernel: [usize; 2]) -> Self {
        let ones = [1, 1];
        let (stride, padding, dilation) = (ones, [0, 0], ones);
        Self { input, channels, outputs, kernel, stride, padding, dilation, groups: 1 }
    }

    /// Height oh and width ow of an output image, ⌊(h + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1.
    ///
    /// # Errors
    ///
    /// When no such convolution exists; the error names the setting.
    pub fn output_size(&self) -> Result<[usize; 2], ConvolutionError> {
        use ConvolutionError::{Channels, Overflow, Zero};
        let sizes = [("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| size.contains(&0)) {
            return Err(Zero { name });
        }
        let (groups, counts) = (self.groups, [("input", self.channels), ("output", self.outputs)]);
        if groups == 0 {
            return Err(Zero { name: "groups" });
        }
        if let Some(&(name, channels)) = counts.iter().find(|(_, n)| !n.is_multiple_of(groups)) {
            return Err(Channels { name, channels, groups });
        }
        let output = [self.output_along(0)?, self.output_along(1)?];
        let products = [
            [self.input[0], self.input[1], self.channels],
            [output[0], output[1], self.outputs],
            [output[0], output[1], self.patch_checked().ok_or(Overflow)?],
            [self.outputs, self.patch_checked().ok_or(Overflow)?, 1],
        ];
        let fits = |sizes: [usize; 3]| {
            sizes.into_iter().try_fold(1usize, usize::checked_mul).is_some_and(|n| n < 1 << 48)
        };
        if products.into_iter().all(fits) { Ok(output) } else { Err(Overflow) }
    }

    fn output_along(&self, axis: usize) -> Result<usize, ConvolutionError> {
        let (kernel, dilation) = (self.kernel[axis], self.dilation[axis]);
        let span = (kernel - 1).checked_mul(dilation).and_then(|n| n.checked_add(1));
        let padded = self.padding[axis].checked_mul(2);
        let padded = padded.and_then(|n| n.checked_add(self.input[axis]));
        let (Some(span), Some(padded)) = (span, padded) else {
            return Err(ConvolutionError::Overflow);
        };
        match padded.checked_sub(span) {
            Some(room) => Ok(room / self.stride[axis] + 1),
            None => Err(ConvolutionError::Kernel { axis, span, padded }),
        }
    }

    fn patch_checked(&self) -> Option<usize> {
        self.kernel[0].checked_mul(self.kernel[1])?.checked_mul(self.group_channels())
    }

    /// Output positions of an example, P = oh · ow.
    ///
    /// # Panics
    ///
    /// With the error of [`Convolution::output_size`].
    pub fn positions(&self) -> usize {
        let [height, width] = self.output();
        height * width
    }

    /// Output size; panics with the error of [`Convolution::output_size`].
    pub(super) fn output(&self) -> [usize; 2] {
        self.output_size().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Input channels of a group, i/g.
    pub fn group_channels(&self) -> usize {
        self.channels / self.groups
    }

    /// Output channels of a group, o/g.
    pub fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Values of a patch, kh · kw · i/g: what one output value depends on.
    pub fn patch(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.group_channels()
    }

    /// Taps of the kernel, kh · kw.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether each group has one input and one output channel.
    pub fn is_depthwise(&self) -> bool {
        self.channels == self.groups && self.outputs == self.groups && self.groups > 1
    }

    /// Whether the squared norms of the gradients of examples take fewer operations from Gram matrices than from the
    /// gradients, where a patch has `patch` values other than padding: P (P + 1) / 2 · (`patch` + o/g) terms of the
    /// dots of patches and of deltas for each group, against `patch` · o/g coordinates to form and to square.
    ///
    /// With one position the norm is a product of two, ‖patch‖² ‖δ‖²; a depthwise convolution has no Gram matrices.
    pub fn is_gram_cheaper(&self, patch: usize) -> bool {
        let (p, outputs) = (self.positions(), self.group_outputs());
        let of_gram = (p * (p + 1) / 2).saturating_mul(patch + outputs);
        !self.is_depthwise() && (p == 1 || of_gram <= patch * outputs)
    }

    /// Values of an input image, h · w · i.
    pub fn image(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Values of an output image, P · o.
    pub fn output_image(&self) -> usize {
        self.positions() * self.outputs
    }

    /// The number of examples with so many input and output values.
    ///
    /// # Panics
    ///
    /// Unless both are whole images, and as many.
    pub fn examples(&self, inputs: usize, outputs: usize) -> usize {
        let sizes = [(inputs, self.image()), (outputs, self.output_image())];
        let m = sizes.iter().find(|(_, size)| *size > 0).map_or(0, |(len, size)| len / size);
        assert!(
            sizes.iter().all(|&(len, size)| len == m * size),
            "{inputs} input and {outputs} output values are no batch of one size for {self:?}"
        );
        m
    }

    /// Values of the weight, o · kh · kw · i/g.
    pub fn weights(&self) -> usize {
        self.outputs * self.patch()
    }

    /// Floating point operations of the forward pass over `m` examples, of the backward pass to the
    /// input and of the gradient: 2 m P o kh kw i/g each, taps in the padding included.
    pub fn flops(&self, m: usize) -> usize {
        2 * m * self.positions() * self.weights()
    }
}

/// One of the two passes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the input to the output.
    Forward,
    /// From the deltas of the output to those of the input.
    Backward,
}

/// Why a convolution does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvolutionError {
    /// A kernel, stride, dilation or number of groups is 0.
    Zero {
        /// What is 0.
        name: &'static str,
    },
    /// A number of channels is not a multiple of the number of groups.
    Channels {
        /// `input` or `output`.
        name: &'static str,
        /// The number of channels.
        channels: usize,
        /// The number of groups.
        groups: usize,
    },
    /// The kernel is larger than the padded image.
    Kernel {
        /// 0 vertical, 1 horizontal.
        axis: usize,
        /// Positions that the dilated kernel spans.
        span: usize,
        /// Positions of the padded image.
        padded: usize,
    },
    /// A tensor would have 2⁴⁸ values or more.
    Overflow,
}

impl fmt::Display for ConvolutionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { name } => write!(f, "a convolution's {name} is 0 (must be at least 1)"),
            Self::Channels { name, channels, groups } => {
                write!(f, "{channels} {name} channels cannot be divided into {groups} groups")
            }
            Self::Kernel { axis, span, padded } => {
                let axis = ["vertical", "horizontal"][*axis];
                write!(
                    f,
                    "the kernel spans {span} {axis} positions, the padded image has {padded} \
                     (use a larger image or more padding)"
                )
            }
            Self::Overflow => {
                write!(f, "a tensor of the convolution would have 2^48 values or more")
            }
        }
    }
}

impl core::error::Error for ConvolutionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_that_does_not_exist_is_an_error_that_names_the_setting() {
        let conv = Convolution::new([4, 5], 6, 4, [3, 3]);
        let error = |conv: Convolution| conv.output_size().expect_err("no convolution");
        assert_eq!(conv.output_size(), Ok([2, 3]));
        let zero = |name| ConvolutionError::Zero { name };
        assert_eq!(error(Convolution { kernel: [0, 3], ..conv }), zero("kernel"));
        assert_eq!(error(Convolution { stride: [1, 0], ..conv }), zero("stride"));
        assert_eq!(error(Convolution { dilation: [0, 1], ..conv }), zero("dilation"));
        assert_eq!(error(Convolution { groups: 0, ..conv }), zero("groups"));
        let channels = ConvolutionError::Channels { name: "output", channels: 4, groups: 3 };
        assert_eq!(error(Convolution { groups: 3, ..conv }), channels);
        let kernel = ConvolutionError::Kernel { axis: 0, span: 5, padded: 4 };
        assert_eq!(error(Convolution { dilation: [2, 1], ..conv }), kernel);
        for conv in [
            Convolution { padding: [usize::MAX, 0], ..conv },
            Convolution { dilation: [usize::MAX, 1], ..conv },
            Convolution { input: [1 << 20, 1 << 20], channels: 1 << 20, ..conv },
            Convolution { channels: 0, outputs: usize::MAX, kernel: [1, 1], ..conv },
        ] {
            assert_eq!(error(conv), ConvolutionError::Overflow);
        }
        let text = "4 output channels cannot be divided into 3 groups";
        assert_eq!(channels.to_string(), text);
    }
}
