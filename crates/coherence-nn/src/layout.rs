//! The positions of a network's named tensors in its flat vector of parameters.

use core::ops::Range;

/// Layer widths that do not describe a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WidthsError {
    /// Fewer than two widths.
    #[error("{0} widths do not make a network (give at least the inputs and the classes)")]
    TooFew(usize),
    /// The layer of this index has no neurons.
    #[error("width {0} is zero (every layer needs a neuron)")]
    Zero(usize),
    /// More parameters than a program can address.
    #[error(
        "a network of widths {0:?} has more parameters than a program can address, {most} \
         (choose smaller layers)",
        most = MOST
    )]
    TooMany(Vec<usize>),
}

/// The most parameters of a network: as many `f64` as the largest possible allocation holds.
const MOST: usize = isize::MAX as usize / size_of::<f64>();

/// Name, shape and range of one tensor of a [`Layout`], without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// PyTorch's name, such as `fc1.weight`.
    pub name: String,
    /// The shape, slowest dimension first: `[o, i]` for a weight, `[o]` for a bias.
    pub shape: Vec<usize>,
    /// The coordinates of the flat vector that hold the tensor, row by row.
    pub range: Range<usize>,
}

/// The tensors of a flat parameter vector \[d\], in order and without gaps.
///
/// ```
/// use coherence_nn::Layout;
/// let layout = Layout::mlp(&[784, 256, 10])?;
/// assert_eq!(layout.parameters(), 784 * 256 + 256 + 256 * 10 + 10);
/// assert_eq!(layout.tensors()[2].name, "fc2.weight");
/// assert_eq!(layout.tensors()[2].shape, [10, 256]);
/// # Ok::<(), coherence_nn::WidthsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    tensors: Vec<TensorSpec>,
}

impl Layout {
    /// The layout of a multi-layer perceptron: `fc1.weight` [o, i], `fc1.bias` \[o\], `fc2.weight` …;
    /// `widths` runs from the inputs to the classes.
    ///
    /// Allocates only the names, and can therefore be used to find out how large a network would be.
    ///
    /// ```
    /// use coherence_nn::{Layout, WidthsError};
    /// let widths = [784, usize::MAX, 10];
    /// assert_eq!(Layout::mlp(&widths), Err(WidthsError::TooMany(widths.to_vec())));
    /// ```
    ///
    /// # Errors
    ///
    /// [`WidthsError`] for fewer than two widths, a zero, or more parameters than can be addressed.
    pub fn mlp(widths: &[usize]) -> Result<Self, WidthsError> {
        if widths.len() < 2 {
            return Err(WidthsError::TooFew(widths.len()));
        }
        if let Some(l) = widths.iter().position(|&width| width == 0) {
            return Err(WidthsError::Zero(l));
        }
        let too_many = || WidthsError::TooMany(widths.to_vec());
        parameters(widths).filter(|&d| d <= MOST).ok_or_else(too_many)?;
        let mut layout = Self::default();
        for (l, pair) in widths.windows(2).enumerate() {
            let (inputs, outputs) = (pair[0], pair[1]);
            layout.push(format!("fc{}.weight", l + 1), vec![outputs, inputs]);
            layout.push(format!("fc{}.bias", l + 1), vec![outputs]);
        }
        Ok(layout)
    }

    fn push(&mut self, name: String, shape: Vec<usize>) {
        let start = self.parameters();
        let range = start..start + shape.iter().product::<usize>();
        self.tensors.push(TensorSpec { name, shape, range });
    }

    /// The tensors in the order of the flat vector.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// The number of parameters d.
    pub fn parameters(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.range.end)
    }

    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&TensorSpec> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }
}

/// d = Σ (i + 1) o over the layers; `None` beyond the largest integer.
fn parameters(widths: &[usize]) -> Option<usize> {
    widths
        .windows(2)
        .try_fold(0_usize, |d, pair| d.checked_add(pair[0].checked_add(1)?.checked_mul(pair[1])?))
}
