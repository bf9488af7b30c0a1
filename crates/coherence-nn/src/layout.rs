//! The positions of a network's named tensors in its flat vector of parameters.

use coherence_cpu::Element;
use core::ops::Range;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// How a tensor's values are drawn before training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// All the same value.
    Constant(f64),
    /// N(0, 1) · `std`.
    Normal {
        /// The standard deviation.
        std: f64,
    },
    /// N(0, 1) · `std`, drawn again beyond two standard deviations.
    TruncatedNormal {
        /// The standard deviation before truncation.
        std: f64,
    },
    /// Uniform in [−`bound`, `bound`].
    Uniform {
        /// The largest value.
        bound: f64,
    },
}

impl Initial {
    /// Draws `values` in f64, in order.
    pub(crate) fn fill<T: Element>(self, rng: &mut impl Rng, values: &mut [T]) {
        let mut draw = || match self {
            Self::Constant(value) => value,
            Self::Normal { std } => deviate(rng) * std,
            Self::TruncatedNormal { std } => loop {
                let deviate = deviate(rng);
                if deviate.abs() <= 2.0 {
                    break deviate * std;
                }
            },
            Self::Uniform { bound } => rng.random_range(-bound..=bound),
        };
        values.iter_mut().for_each(|value| *value = T::narrow(draw()));
    }
}

fn deviate(rng: &mut impl Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Name, shape and range of one tensor of a [`Layout`], without its values.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorSpec {
    /// PyTorch's name, such as `fc1.weight`.
    pub name: String,
    /// PyTorch's shape, slowest dimension first: `[o, i]` for a linear weight, `[o, i, kh, kw]` for a
    /// convolution, `[o]` for a bias.
    pub shape: Vec<usize>,
    /// The number of positions s that PyTorch stores faster than the channels: its values are
    /// [o, i, s], ours [o, s, i], as activations have their channels last. 1 where the orders agree.
    pub positions: usize,
    /// How the values are drawn before training.
    pub initial: Initial,
    /// The coordinates of the flat vector that hold the tensor.
    pub range: Range<usize>,
}

impl TensorSpec {
    /// Whether the tensor is a bias: the last part of its name says so.
    ///
    /// ```
    /// let network = coherence_nn::model::mlp(&[3, 2]).unwrap();
    /// let model = coherence_nn::Model::<f32>::zeros(network);
    /// let tensors = model.layout().tensors();
    /// assert!(!tensors[0].is_bias() && tensors[1].is_bias()); // fc1.weight, fc1.bias
    /// ```
    pub fn is_bias(&self) -> bool {
        self.name.rsplit('.').next() == Some("bias")
    }

    /// The index within the range of the value that PyTorch stores at index `at`.
    ///
    /// ```
    /// use coherence_nn::{Initial, TensorSpec};
    /// let tensor = TensorSpec {
    ///     name: "conv.weight".to_owned(),
    ///     shape: vec![1, 2, 1, 3], // one output, two inputs, three positions
    ///     positions: 3,
    ///     initial: Initial::Constant(0.0),
    ///     range: 0..6,
    /// };
    /// let places: Vec<usize> = (0..6).map(|at| tensor.place(at)).collect();
    /// assert_eq!(places, [0, 2, 4, 1, 3, 5]);
    /// ```
    pub fn place(&self, at: usize) -> usize {
        let (row, column) = (at / self.columns(), at % self.columns());
        let (channel, position) = (column / self.positions, column % self.positions);
        row * self.columns() + position * (self.columns() / self.positions) + channel
    }

    /// The number of values for each output.
    fn columns(&self) -> usize {
        self.range.len() / self.shape[0]
    }
}

/// The tensors of a flat vector \[d\], in order and without gaps.
///
/// ```
/// use coherence_nn::{Graph, model::mlp};
/// let network: Graph<f32> = mlp(&[784, 256, 10])?;
/// let layout = network.layout();
/// assert_eq!(layout.parameters(), 784 * 256 + 256 + 256 * 10 + 10);
/// assert_eq!(layout.tensors()[2].name, "fc2.weight");
/// assert_eq!(layout.tensors()[2].shape, [10, 256]);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    tensors: Vec<TensorSpec>,
}

/// The greatest length of a flat vector: as many `f64` as the largest possible allocation holds.
const MOST: usize = isize::MAX as usize / size_of::<f64>();

impl Layout {
    /// Appends a tensor; its range is set. Returns `false`, and appends nothing, if the vector would
    /// have more values than a program can address.
    #[must_use]
    pub(crate) fn push(&mut self, mut tensor: TensorSpec) -> bool {
        let len = tensor.shape.iter().try_fold(1_usize, |len, &n| len.checked_mul(n));
        let start = self.parameters();
        let end = len.and_then(|len| start.checked_add(len)).filter(|&end| end <= MOST);
        if let Some(end) = end {
            tensor.range = start..end;
            self.tensors.push(tensor);
        }
        end.is_some()
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
