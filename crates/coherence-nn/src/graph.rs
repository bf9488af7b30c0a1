//! A network as a list of nodes in topological order, without the values of its parameters.
//!
//! A node is a layer with its inputs and the activation function of its output. [`Builder`] appends
//! nodes; the functions in [`model`](crate::model) are its users.

use crate::{
    Activation, Layout, Shape, TensorSpec,
    device::{Cpu, Device},
    layer::{Add, Layer, LayerTensor},
};
use coherence_cpu::{
    Element, convolution::ConvolutionError, normalize::group::GroupsError, pool::PoolError,
    product::Output,
};
use core::{fmt, ops::Range};

/// Why layers do not form a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Fewer than two widths of a perceptron.
    #[error("{0} widths do not make a network (give at least the inputs and the classes)")]
    TooFewWidths(usize),
    /// A depth that a residual network for CIFAR cannot have.
    #[error(
        "a residual network for CIFAR of {0} layers (must be 6n + 2 with n ≥ 1, such as 20, 32, 56)"
    )]
    Depth(usize),
    /// A depth that a residual network for ImageNet does not have.
    #[error("a residual network of {0} layers (must be 18, 34 or 50)")]
    Layers(usize),
    /// A number of channels that a residual network cannot begin with.
    #[error("a residual network of width {0} (must lie in 1..=4096)")]
    Width(usize),
    /// Images that are too small for the auxiliary head of Inception-V3.
    #[error(
        "images of {0} × {1} for the auxiliary head of inception_v3 (they must be at least 299 × 299, or choose inception_v3:no_aux)"
    )]
    Auxiliary(usize, usize),
    /// A convolution whose sizes do not fit.
    #[error("a convolution of this network: {0}")]
    Convolution(#[from] ConvolutionError),
    /// A pooling layer whose sizes do not fit.
    #[error("a pooling layer of this network: {0}")]
    Pool(#[from] PoolError),
    /// Channels that cannot be divided into groups.
    #[error("a normalisation of this network: {0}")]
    Groups(#[from] GroupsError),
    /// A layer without inputs or outputs.
    #[error("layer {0} has no neurons (every width must be at least 1)")]
    Empty(String),
    /// More parameters than a program can address.
    #[error(
        "layer {0} makes a network with more parameters than a program can address (choose smaller \
         layers)"
    )]
    TooMany(String),
}

/// A batch whose statistics a layer cannot normalise by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{layer} normalises fewer than 2 values for each channel by the statistics of its batch (give batches of at \
     least 2 examples, or use the running statistics)"
)]
pub struct TooFewValuesError {
    /// The first such layer.
    pub layer: String,
}

/// The output of a node, or the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Input,
    Node(usize),
}

/// A value that flows through a network under construction: the input, or the output of a node.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    source: Source,
    /// The shape of one example.
    pub shape: Shape,
}

/// A layer at its place in the network.
pub(crate) struct Node<T: Element, D: Device<T>> {
    pub(crate) name: String,
    pub(crate) layer: Box<dyn Layer<T, D>>,
    pub(crate) sources: Vec<Source>,
    pub(crate) activation: Activation,
    pub(crate) shape: Shape,
    /// The indices of its tensors in the layout.
    pub(crate) tensors: Range<usize>,
    /// The coordinates of its tensors.
    pub(crate) parameters: Range<usize>,
    /// The range of its statistics.
    pub(crate) statistics: Range<usize>,
    /// For each input, whether this node is the first in a backward pass to write the gradient with
    /// respect to it.
    pub(crate) outputs: Vec<Output>,
}

/// The structure of a network; see [`Model`](crate::Model) for the one with parameters.
pub struct Graph<T: Element, D: Device<T> = Cpu> {
    name: String,
    input: Shape,
    layout: Layout,
    statistics: Layout,
    pub(crate) nodes: Vec<Node<T, D>>,
    pub(crate) auxiliary: Vec<Head>,
}

/// An output beside the logits, whose loss is added to that of the logits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) node: usize,
    pub(crate) weight: f64,
}

impl<T: Element, D: Device<T>> Graph<T, D> {
    /// The architecture as text, such as `mlp:784,256,10`. Networks of one name have the same layers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one input.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The number of classes k: the values of the last node's output.
    pub fn classes(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.shape.values())
    }

    /// The tensors and their positions in the flat vector.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The values that are estimated from the data instead of trained, such as running means, and their
    /// positions in a flat vector of their own.
    pub fn statistics(&self) -> &Layout {
        &self.statistics
    }

    /// The name of the first layer that makes the examples of a batch depend on each other when it
    /// normalises by the statistics of the batch. There are then no per-example gradients. Networks with
    /// [`Norm::Group`](crate::model::Norm::Group) have no such layer.
    pub fn couples_examples(&self) -> Option<&str> {
        self.nodes.iter().find(|node| node.layer.couples_examples()).map(|node| &node.name[..])
    }

    /// Checks that every layer that normalises by the statistics of a batch has two values or more for each
    /// channel in a batch of m examples: the variance of fewer is not defined.
    ///
    /// # Errors
    ///
    /// [`TooFewValuesError`] names the first layer that has fewer, as for m = 0, or for m = 1 at one
    /// position.
    pub fn check_batch_statistics(&self, m: usize) -> Result<(), TooFewValuesError> {
        let has_too_few =
            |node: &&Node<T, D>| node.layer.couples_examples() && m * node.shape.positions() < 2;
        match self.nodes.iter().find(has_too_few) {
            Some(node) => Err(TooFewValuesError { layer: node.name.clone() }),
            None => Ok(()),
        }
    }

    /// The number of values of an example that are kept for a backward pass: all activations and, where
    /// the derivative of an activation function needs them, pre-activations.
    pub fn activations(&self) -> usize {
        let kept = |node: &Node<T, D>| {
            node.shape.values() * if node.activation.needs_pre_activations() { 2 } else { 1 }
        };
        self.nodes.iter().map(kept).sum()
    }

    /// Multiply-adds of the products of a forward pass of one example.
    pub fn multiply_adds(&self) -> u64 {
        self.nodes.iter().map(|node| node.layer.multiply_adds()).sum()
    }

    /// The number of values of an example's deltas in all nodes.
    pub fn deltas(&self) -> usize {
        self.nodes.iter().map(|node| node.shape.values()).sum()
    }
}

/// Prints the name only: there may be hundreds of layers.
impl<T: Element, D: Device<T>> fmt::Debug for Graph<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Appends nodes to a network under construction.
///
/// # Example: a residual block of linear layers
///
/// ```
/// use coherence_nn::{Activation, Builder, Model, Shape, layer::Linear};
/// let (mut net, x) = Builder::<f32>::new(Shape::features(4));
/// let h = net.push("fc1", Linear::new(x.shape, 4), &[x], Activation::Relu)?;
/// let h = net.add("add", &[h, x], Activation::Relu)?;
/// net.push("fc2", Linear::new(h.shape, 3), &[h], Activation::Identity)?;
/// let model = Model::zeros(net.build("residual".to_owned()));
/// assert_eq!(model.parameters().len(), 4 * 4 + 4 + 4 * 3 + 3);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
pub struct Builder<T: Element, D: Device<T> = Cpu> {
    input: Shape,
    layout: Layout,
    statistics: Layout,
    nodes: Vec<Node<T, D>>,
    auxiliary: Vec<Head>,
}

impl<T: Element, D: Device<T>> Builder<T, D> {
    /// A network without nodes, and its input.
    pub fn new(input: Shape) -> (Self, Value) {
        let [layout, statistics] = [(); 2].map(|()| Layout::default());
        let (nodes, auxiliary) = (Vec::new(), Vec::new());
        let builder = Self { input, layout, statistics, nodes, auxiliary };
        (builder, Value { source: Source::Input, shape: input })
    }

    /// Appends a layer whose parameters are called `name.weight` and so on, and the activation function
    /// of its output.
    ///
    /// # Errors
    ///
    /// [`GraphError`] if the layer has no inputs, no outputs or too many parameters.
    ///
    /// # Panics
    ///
    /// If the slope of a leaky ReLU is negative or not finite.
    pub fn push(
        &mut self,
        name: &str,
        layer: impl Layer<T, D> + 'static,
        inputs: &[Value],
        activation: Activation,
    ) -> Result<Value, GraphError> {
        let shape = layer.shape();
        activation.check();
        if shape.values() == 0 || inputs.iter().any(|input| input.shape.values() == 0) {
            return Err(GraphError::Empty(name.to_owned()));
        }
        let (tensors, parameters) = append(&mut self.layout, name, layer.tensors())?;
        let (_, statistics) = append(&mut self.statistics, name, layer.statistics())?;
        self.nodes.push(Node {
            name: name.to_owned(),
            layer: Box::new(layer),
            sources: inputs.iter().map(|input| input.source).collect(),
            activation,
            shape,
            tensors,
            parameters,
            statistics,
            outputs: Vec::new(),
        });
        Ok(Value { source: Source::Node(self.nodes.len() - 1), shape })
    }

    /// Appends the sum of inputs of one shape.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// # Panics
    ///
    /// If there are no inputs or their shapes differ.
    pub fn add(
        &mut self,
        name: &str,
        inputs: &[Value],
        activation: Activation,
    ) -> Result<Value, GraphError> {
        let shape = inputs[0].shape;
        assert!(
            inputs.iter().all(|input| input.shape == shape),
            "inputs of {name} differ in shape"
        );
        self.push(name, Add::new(shape, inputs.len()), inputs, activation)
    }

    /// Makes `value` an auxiliary output: [`Workspace::loss`](crate::Workspace::loss) adds `weight` times
    /// its loss to that of the logits.
    ///
    /// # Panics
    ///
    /// If `value` is the network's input, or `weight` is not finite.
    pub fn auxiliary(&mut self, value: Value, weight: f64) {
        assert!(weight.is_finite(), "an auxiliary output of weight {weight}");
        let Source::Node(node) = value.source else { panic!("the input as an auxiliary output") };
        self.auxiliary.push(Head { node, weight });
    }

    /// The network whose logits are the output of the last node.
    ///
    /// # Panics
    ///
    /// If there are no nodes, the output of another node is not used, or an auxiliary output is used or
    /// has not the size of the logits.
    pub fn build(mut self, name: String) -> Graph<T, D> {
        let last = self.nodes.len().checked_sub(1).expect("a network has a node");
        let mut used = vec![false; self.nodes.len()];
        let heads: Vec<usize> = self.auxiliary.iter().map(|head| head.node).collect();
        for &head in &heads {
            let values = [head, last].map(|n| self.nodes[n].shape.values());
            assert!(values[0] == values[1] && head != last, "auxiliary output {head} of {name}");
        }
        for n in (0..self.nodes.len()).rev() {
            let ends = n == last || heads.contains(&n);
            let what = "must be used by another node, unless it is the logits or auxiliary";
            assert!(used[n] != ends, "the output of node {n} of {name} {what}");
            let mut first = |source: &Source| match *source {
                Source::Node(p) if core::mem::replace(&mut used[p], true) => Output::Add,
                _ => Output::Overwrite,
            };
            self.nodes[n].outputs = self.nodes[n].sources.iter().map(&mut first).collect();
        }
        let Self { input, layout, statistics, nodes, auxiliary } = self;
        Graph { name, input, layout, statistics, nodes, auxiliary }
    }
}

/// Appends the tensors of layer `name`; returns the ranges of their indices and of their coordinates.
fn append(
    layout: &mut Layout,
    name: &str,
    tensors: Vec<LayerTensor>,
) -> Result<(Range<usize>, Range<usize>), GraphError> {
    let (first, start) = (layout.tensors().len(), layout.parameters());
    for LayerTensor { name: of, shape, positions, initial } in tensors {
        let name_of_tensor = format!("{name}.{of}");
        if !layout.push(TensorSpec { name: name_of_tensor, shape, positions, initial, range: 0..0 })
        {
            return Err(GraphError::TooMany(name.to_owned()));
        }
    }
    Ok((first..layout.tensors().len(), start..layout.parameters()))
}

impl<T: Element, D: Device<T>> fmt::Debug for Builder<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}
