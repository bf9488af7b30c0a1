//! A network with its parameters: forward and backward passes.
//!
//! Legend: m: examples, d: parameters, k: classes, δ: gradient of the SUM loss with respect to a
//! node's output before its activation function.

use crate::{
    Activation, Factors, Graph, Initial, Keep, Layout, Workspace,
    device::{Cpu, Device},
    graph::{Node, Source},
    layer::{Backward, Forward, Inputs},
};
use coherence_cpu::{Element, product::Output};
use core::fmt;
use rand::Rng;
use std::sync::Arc;

/// A network: the [`Graph`] of its layers and its parameters, in one flat vector \[d\], see [`Layout`].
///
/// # Example
///
/// ```
/// use coherence_nn::{Keep, Model, loss::{Loss, Targets}, model::mlp};
/// let model = Model::<f64>::zeros(mlp(&[2, 3, 2])?);
/// let mut workspace = model.workspace(1, Keep::Activations);
/// let x = [1.0, -1.0];
/// model.forward(&x, 1, &mut workspace);
/// let loss = workspace.loss(Loss::default(), Targets::Labels(&[0][..]), &mut [0.0]);
/// let mut gradient = vec![0.0; model.parameters().len()];
/// model.gradient(&x, &mut workspace, &mut gradient);
/// assert_eq!(loss, f64::ln(2.0));
/// assert_eq!(gradient[model.layout().get("fc2.bias").unwrap().range.clone()], [-0.5, 0.5]);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
#[derive(Clone)]
pub struct Model<T: Element, D: Device<T> = Cpu> {
    device: D,
    graph: Arc<Graph<T, D>>,
    parameters: D::Buffer<T>,
    statistics: D::Buffer<T>,
}

/// On the processor.
impl<T: Element> Model<T> {
    /// A network of zeros, with the initial statistics that its architecture prescribes.
    pub fn zeros(graph: Graph<T>) -> Self {
        Self::zeros_on(Cpu::detect(), graph)
    }

    /// A network with the initial values that its architecture prescribes.
    ///
    /// Deviates are drawn in f64 in the order of the flat vector, so that f32 and f64 networks of the
    /// same seed agree up to rounding.
    pub fn initialized(graph: Graph<T>, rng: &mut impl Rng) -> Self {
        Self::initialized_on(Cpu::detect(), graph, rng)
    }
}

impl<T: Element, D: Device<T>> Model<T, D> {
    /// As [`zeros`](Model::zeros), on another device.
    pub fn zeros_on(device: D, graph: Graph<T, D>) -> Self {
        let parameters = device.zeros(graph.layout().parameters());
        Self::with_parameters(device, graph, parameters)
    }

    /// As [`initialized`](Model::initialized), on another device.
    pub fn initialized_on(device: D, graph: Graph<T, D>, rng: &mut impl Rng) -> Self {
        let mut values = vec![T::zero(); graph.layout().parameters()];
        for tensor in graph.layout().tensors() {
            tensor.initial.fill(rng, &mut values[tensor.range.clone()]);
        }
        let parameters = device.buffer_from(values);
        Self::with_parameters(device, graph, parameters)
    }

    fn with_parameters(device: D, graph: Graph<T, D>, parameters: D::Buffer<T>) -> Self {
        let mut statistics = vec![T::zero(); graph.statistics().parameters()];
        for tensor in graph.statistics().tensors() {
            if let Initial::Constant(value) = tensor.initial {
                statistics[tensor.range.clone()].fill(T::narrow(value));
            }
        }
        let statistics = device.buffer_from(statistics);
        Self { device, graph: Arc::new(graph), parameters, statistics }
    }

    /// Where the network is.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The structure.
    pub fn graph(&self) -> &Graph<T, D> {
        &self.graph
    }

    /// The positions of the tensors in the flat vector.
    pub fn layout(&self) -> &Layout {
        self.graph.layout()
    }

    /// The number of values of an input.
    pub fn inputs(&self) -> usize {
        self.graph.input().values()
    }

    /// The number of classes k.
    pub fn classes(&self) -> usize {
        self.graph.classes()
    }

    /// All parameters \[d\].
    pub fn parameters(&self) -> D::Slice<'_, T> {
        D::view(&self.parameters)
    }

    /// All parameters \[d\], mutably.
    pub fn parameters_mut(&mut self) -> D::SliceMut<'_, T> {
        D::view_mut(&mut self.parameters)
    }

    /// All values that are estimated from the data, such as running means, in the order of
    /// [`Graph::statistics`].
    pub fn statistics(&self) -> D::Slice<'_, T> {
        D::view(&self.statistics)
    }

    /// The same, mutably.
    pub fn statistics_mut(&mut self) -> D::SliceMut<'_, T> {
        D::view_mut(&mut self.statistics)
    }

    /// Moves the running statistics by the momentum of their layer, such as
    /// [`BatchNorm`](crate::layer::BatchNorm)'s tenth, towards those of the last forward pass, if it used the
    /// statistics of its batch.
    pub fn update_statistics(&mut self, workspace: &Workspace<T, D>) {
        self.move_statistics(workspace, None);
    }

    /// Takes the statistics of the last forward pass, which used those of its batch, into a mean over `count`
    /// batches: the running statistics become (1 − 1/count) times what they are plus 1/count times those
    /// of the batch, as with PyTorch's `momentum=None`. With count = 1, 2, …, n they are the mean over n batches.
    pub fn average_statistics(&mut self, workspace: &Workspace<T, D>, count: u64) {
        self.move_statistics(workspace, Some(1.0 / count as f64));
    }

    fn move_statistics(&mut self, workspace: &Workspace<T, D>, share: Option<f64>) {
        if !workspace.mode.batch_statistics {
            return;
        }
        for (node, kept) in self.graph.nodes.iter().zip(&workspace.kept) {
            let all = D::view_mut(&mut self.statistics);
            let statistics = D::part_mut(all, node.statistics.clone());
            node.layer.update(&self.device, workspace.examples(), kept, share, statistics);
        }
    }

    /// The nodes whose activation function is a rectifier, ReLU or ReLU6: name, channels, and outputs [m, shape]
    /// of the last forward pass.
    ///
    /// # Panics
    ///
    /// If the workspace keeps the logits only.
    pub fn rectified<'a>(
        &'a self,
        workspace: &'a Workspace<T, D>,
    ) -> impl Iterator<Item = (&'a str, usize, D::Slice<'a, T>)> {
        assert!(workspace.keep() != Keep::Logits, "the workspace does not keep the activations");
        let is_rectifier = |of| matches!(of, Activation::Relu | Activation::Relu6);
        let nodes = self.graph.nodes.iter().enumerate();
        nodes
            .filter(move |(_, node)| is_rectifier(node.activation))
            .map(|(n, node)| (&node.name[..], node.shape.channels, workspace.outputs.get(n)))
    }

    /// Buffers for passes over batches of up to `capacity` examples.
    pub fn workspace(&self, capacity: usize, keep: Keep) -> Workspace<T, D> {
        Workspace::new(&self.device, &self.graph, capacity, keep)
    }

    /// Computes the logits of `x` [m, inputs] into the workspace.
    ///
    /// # Panics
    ///
    /// If `x` is not [m, inputs], m exceeds the workspace's capacity, or
    /// [`Graph::check_batch_statistics`] fails in a mode that uses them.
    pub fn forward(&self, x: D::Slice<'_, T>, m: usize, workspace: &mut Workspace<T, D>) {
        assert_eq!(D::len(x), m * self.inputs(), "x is not [m, {}]", self.inputs());
        if workspace.mode.batch_statistics
            && let Err(error) = self.graph.check_batch_statistics(m)
        {
            panic!("{error}");
        }
        workspace.begin(m);
        for (n, node) in self.graph.nodes.iter().enumerate() {
            let mut output = workspace.outputs.take(n);
            let mut pre_activations = workspace.pre_activations.take(n);
            let keeps_pre_activations = workspace.pre_activations.has(n);
            node.layer.forward(Forward {
                device: &self.device,
                m,
                node: n,
                inputs: Inputs {
                    x: D::shorten(&x),
                    outputs: &workspace.outputs,
                    sources: &node.sources,
                },
                parameters: self.parameters_of(node),
                statistics: D::part(self.statistics(), node.statistics.clone()),
                mode: workspace.mode,
                output: output.slice(),
                kept: &mut workspace.kept[n],
                activation: node.activation,
                pre_activations: keeps_pre_activations.then(|| pre_activations.slice()),
            });
            workspace.outputs.put_back(n, output);
            workspace.pre_activations.put_back(n, pre_activations);
        }
    }

    /// Propagates the delta of the logits, which the loss has written, back to every node, last node
    /// first, and calls `visit` with the factors of each tensor as soon as they are known. The
    /// gradient with respect to the network's input is not computed;
    /// [`backward_to_input`](Model::backward_to_input) does.
    ///
    /// # Panics
    ///
    /// If `x` is not the input [m, inputs] of the forward pass, or the workspace keeps the logits
    /// only.
    pub fn backward(
        &self,
        x: D::Slice<'_, T>,
        workspace: &mut Workspace<T, D>,
        mut visit: impl FnMut(&Factors<'_, T, D>),
    ) {
        for n in (0..self.graph.nodes.len()).rev() {
            self.propagate(n, x, workspace);
            visit_factors(&self.device, &self.graph, n, x, workspace, &mut visit);
        }
    }

    /// As [`backward`](Model::backward) without factors, which [`factors`](Model::factors) gives afterwards.
    ///
    /// # Panics
    ///
    /// As [`backward`](Model::backward).
    pub fn backward_to_deltas(&self, x: D::Slice<'_, T>, workspace: &mut Workspace<T, D>) {
        (0..self.graph.nodes.len()).rev().for_each(|n| self.propagate(n, x, workspace));
    }

    /// As [`backward`](Model::backward), and writes the gradient of the SUM loss with respect to the
    /// network's input to `gradient` [m, inputs].
    ///
    /// ```
    /// # use coherence_nn::{Keep, Model, model::mlp};
    /// let mut model = Model::<f64>::zeros(mlp(&[2, 1])?);
    /// model.parameters_mut().copy_from_slice(&[3.0, 4.0, 0.0]); // W [1, 2], then b [1]
    /// let (x, mut workspace) = ([1.0, 1.0], model.workspace(1, Keep::Activations));
    /// model.forward(&x, 1, &mut workspace);
    /// workspace.logits_and_delta().1.fill(2.0);
    /// let mut gradient = [0.0; 2];
    /// model.backward_to_input(&x, &mut workspace, &mut gradient, |_| {});
    /// assert_eq!(gradient, [6.0, 8.0]); // Wᵀ δ
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`backward`](Model::backward), and if `gradient` is not [m, inputs].
    pub fn backward_to_input(
        &self,
        x: D::Slice<'_, T>,
        workspace: &mut Workspace<T, D>,
        mut gradient: D::SliceMut<'_, T>,
        mut visit: impl FnMut(&Factors<'_, T, D>),
    ) {
        let values = [D::len(D::read(&gradient)), D::len(x)];
        assert_eq!(values[0], values[1], "one value for each value of the input");
        let mut output = Output::Overwrite;
        for n in (0..self.graph.nodes.len()).rev() {
            self.propagate(n, x, workspace);
            let node = &self.graph.nodes[n];
            for k in (0..node.sources.len()).filter(|&k| node.sources[k] == Source::Input) {
                let pass = node.pass(&self.device, n, D::shorten(&x), workspace);
                let (parameters, out) = (self.parameters_of(node), D::reborrow(&mut gradient));
                node.layer.backward(&pass, parameters, k, output, out);
                output = Output::Add;
            }
            visit_factors(&self.device, &self.graph, n, x, workspace, &mut visit);
        }
    }

    /// As [`backward`](Model::backward), and `step` may update the tensor: its part of the parameters
    /// is no longer needed by the pass.
    ///
    /// ```
    /// # use coherence_nn::{Keep, Model, loss::{Loss, Targets}, model::mlp};
    /// let mut model = Model::<f64>::zeros(mlp(&[1, 2])?);
    /// let (x, mut workspace) = ([1.0, 1.0, 3.0], model.workspace(3, Keep::Activations));
    /// model.forward(&x, 3, &mut workspace);
    /// workspace.loss(Loss::default(), Targets::Labels(&[0; 3][..]), &mut [0.0; 3]);
    /// let rule = coherence_core::aggregate::Winsorized { clip: 1 };
    /// model.step(&x, &mut workspace, |factors, tensor| factors.robust_step(rule, 0.5, tensor));
    /// assert_eq!(model.parameters(), [0.25, -0.25, 0.25, -0.25]); // the input of 3 is clipped to 1
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`backward`](Model::backward).
    pub fn step(
        &mut self,
        x: D::Slice<'_, T>,
        workspace: &mut Workspace<T, D>,
        mut step: impl FnMut(&Factors<'_, T, D>, D::SliceMut<'_, T>),
    ) {
        let graph = Arc::clone(&self.graph);
        for n in (0..graph.nodes.len()).rev() {
            self.propagate(n, x, workspace);
            let parameters = &mut self.parameters;
            visit_factors(&self.device, &graph, n, x, workspace, &mut |factors| {
                let tensor = D::part_mut(D::view_mut(parameters), factors.range.clone());
                step(factors, tensor);
            });
        }
    }

    /// The factors of every tensor in the order of the layout, after [`backward`](Model::backward) or
    /// [`backward_to_deltas`](Model::backward_to_deltas) over the same `x` [m, inputs].
    ///
    /// # Panics
    ///
    /// If `x` is not [m, inputs], or the workspace does not keep the deltas.
    pub fn factors(
        &self,
        x: D::Slice<'_, T>,
        workspace: &Workspace<T, D>,
        mut visit: impl FnMut(&Factors<'_, T, D>),
    ) {
        assert!(workspace.keep() == Keep::Deltas, "the workspace does not keep the deltas");
        for n in 0..self.graph.nodes.len() {
            visit_factors(&self.device, &self.graph, n, x, workspace, &mut visit);
        }
    }

    /// Writes the gradient of the batch's SUM loss to `out` \[d\] in a [`backward`](Model::backward)
    /// pass.
    ///
    /// # Panics
    ///
    /// As [`backward`](Model::backward), and if `out` does not have d values.
    pub fn gradient(
        &self,
        x: D::Slice<'_, T>,
        workspace: &mut Workspace<T, D>,
        mut out: D::SliceMut<'_, T>,
    ) {
        let d = self.layout().parameters();
        assert_eq!(D::len(D::read(&out)), d, "one value for each parameter");
        self.backward(x, workspace, |factors| {
            let tensor = D::part_mut(D::reborrow(&mut out), factors.range.clone());
            factors.sum(Output::Overwrite, tensor);
        });
    }

    /// Adds the gradient of the SUM loss to the parameters in a [`backward`](Model::backward) pass,
    /// without a buffer of d numbers.
    ///
    /// A backward pass is linear in the delta of the logits. If that is multiplied by −η/m before, this
    /// is a step of gradient descent on the MEAN loss.
    ///
    /// ```
    /// # use coherence_nn::{Keep, Model, loss::{Loss, Targets}, model::mlp};
    /// let mut model = Model::<f64>::zeros(mlp(&[1, 2])?);
    /// let mut workspace = model.workspace(1, Keep::Activations);
    /// model.forward(&[1.0], 1, &mut workspace);
    /// workspace.loss(Loss::default(), Targets::Labels(&[0][..]), &mut [0.0]);
    /// workspace.weight(0..1, -0.1);
    /// model.descend(&[1.0], &mut workspace);
    /// assert_eq!(model.parameters(), [0.05, -0.05, 0.05, -0.05]); // W [2, 1], then b [2]
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`backward`](Model::backward).
    pub fn descend(&mut self, x: D::Slice<'_, T>, workspace: &mut Workspace<T, D>) {
        self.step(x, workspace, |factors, tensor| factors.sum(Output::Add, tensor));
    }

    /// The parameters of a node.
    fn parameters_of(&self, node: &Node<T, D>) -> D::Slice<'_, T> {
        D::part(self.parameters(), node.parameters.clone())
    }

    /// Turns the deltas of node `n` into those before its activation function, and passes them on to the
    /// nodes whose outputs it reads.
    fn propagate(&self, n: usize, x: D::Slice<'_, T>, workspace: &mut Workspace<T, D>) {
        let (device, node) = (&self.device, &self.graph.nodes[n]);
        let mut delta = workspace.deltas.take(n);
        let pre_activations = &workspace.pre_activations;
        let z = pre_activations.has(n).then(|| pre_activations.get(n));
        let h = workspace.outputs.get(n);
        device.activation_backward(node.activation, h, z, delta.slice());
        workspace.deltas.put_back(n, delta);
        let (delta, mode) = (workspace.deltas.get(n), workspace.mode);
        let (x, outputs) = (D::shorten(&x), &workspace.outputs);
        let inputs = Inputs { x, outputs, sources: &node.sources };
        node.layer.reduce(device, inputs, delta, mode, &mut workspace.kept[n]);
        for (k, source) in node.sources.iter().enumerate() {
            if let Source::Node(p) = *source {
                let mut out = workspace.deltas.take(p);
                let pass = node.pass(device, n, D::shorten(&x), workspace);
                let parameters = self.parameters_of(node);
                node.layer.backward(&pass, parameters, k, node.outputs[k], out.slice());
                workspace.deltas.put_back(p, out);
            }
        }
    }
}

/// Calls `visit` with the factors of each tensor of node `n`, whose deltas are known.
fn visit_factors<T: Element, D: Device<T>>(
    device: &D,
    graph: &Graph<T, D>,
    n: usize,
    x: D::Slice<'_, T>,
    workspace: &Workspace<T, D>,
    visit: &mut dyn FnMut(&Factors<'_, T, D>),
) {
    let node = &graph.nodes[n];
    let pass = node.pass(device, n, D::shorten(&x), workspace);
    node.layer.factors(&pass, &mut |t, gradients| {
        let tensor = node.tensors.start + t;
        let spec = &graph.layout().tensors()[tensor];
        let (name, range, m) = (&spec.name[..], spec.range.clone(), workspace.examples());
        let (device, gradients) = (device.clone(), gradients.shorten());
        visit(&Factors { device, name, tensor, range, m, gradients });
    });
}

impl<T: Element, D: Device<T>> Node<T, D> {
    /// What a backward pass gives the layer of this node, whose index is `n`.
    fn pass<'a>(
        &'a self,
        device: &'a D,
        n: usize,
        x: D::Slice<'a, T>,
        workspace: &'a Workspace<T, D>,
    ) -> Backward<'a, T, D> {
        Backward {
            device,
            m: workspace.examples(),
            node: n,
            inputs: Inputs { x, outputs: &workspace.outputs, sources: &self.sources },
            mode: workspace.mode,
            kept: &workspace.kept[n],
            delta: workspace.deltas.get(n),
        }
    }
}

/// Networks are equal if their architectures, parameters and statistics are.
impl<T: Element> PartialEq for Model<T> {
    fn eq(&self, other: &Self) -> bool {
        self.graph.name() == other.graph.name()
            && self.parameters == other.parameters
            && self.statistics == other.statistics
    }
}

/// Prints the architecture only: there may be millions of parameters.
impl<T: Element, D: Device<T>> fmt::Debug for Model<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("graph", &self.graph).finish_non_exhaustive()
    }
}
