//! Where each named tensor lies in a network's one flat vector of parameters.

use core::ops::Range;

/// One named tensor of a [`Layout`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
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
/// let layout = Layout::mlp(&[784, 256, 10]);
/// assert_eq!(layout.parameters(), 784 * 256 + 256 + 256 * 10 + 10);
/// assert_eq!(layout.tensors()[2].name, "fc2.weight");
/// assert_eq!(layout.tensors()[2].shape, [10, 256]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    tensors: Vec<Tensor>,
}

impl Layout {
    /// The layout of a multi-layer perceptron: `fc1.weight` [o, i], `fc1.bias` \[o\], `fc2.weight` …
    pub fn mlp(widths: &[usize]) -> Self {
        let mut layout = Self::default();
        for (l, pair) in widths.windows(2).enumerate() {
            let (inputs, outputs) = (pair[0], pair[1]);
            layout.push(format!("fc{}.weight", l + 1), vec![outputs, inputs]);
            layout.push(format!("fc{}.bias", l + 1), vec![outputs]);
        }
        layout
    }

    fn push(&mut self, name: String, shape: Vec<usize>) {
        let start = self.parameters();
        let range = start..start + shape.iter().product::<usize>();
        self.tensors.push(Tensor { name, shape, range });
    }

    /// The tensors in the order of the flat vector.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The number of parameters d.
    pub fn parameters(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.range.end)
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }
}
