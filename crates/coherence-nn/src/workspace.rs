//! The buffers of one forward and backward pass, allocated once.

use crate::{
    Graph,
    device::{Cpu, Device, Memory},
    graph::{Head, Node, Source},
    layer::{Kept, Mode},
    loss::{Loss, Targets},
};
use coherence_cpu::Element;
use core::ops::Range;

/// What a [`Workspace`] still holds after the passes. Buffers of other values are shared by the nodes,
/// which saves memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The logits of a forward pass: for evaluation. There is no backward pass.
    Logits,
    /// All activations: for a backward pass that visits the factors of each node once.
    Activations,
    /// All activations and deltas: the factors can be read as often as needed.
    Deltas,
}

/// The buffers that the passes of a [`Model`](crate::Model) write to, for at most `capacity` examples.
///
/// Legend: m: examples of the current batch.
#[derive(Debug, Clone)]
pub struct Workspace<T: Element, D: Device<T> = Cpu> {
    device: D,
    keep: Keep,
    capacity: usize,
    m: usize,
    /// The activations [m, shape] of each node; those of the last are the logits.
    pub(crate) outputs: Buffers<T, D>,
    /// The input [m, shape] of each node's activation function, where its derivative needs it.
    pub(crate) pre_activations: Buffers<T, D>,
    /// The gradient [m, shape] of the SUM loss with respect to each node's output: at first after its
    /// activation function, then before it.
    pub(crate) deltas: Buffers<T, D>,
    /// What each layer's forward pass left for its backward pass.
    pub(crate) kept: Vec<Kept<D>>,
    pub(crate) mode: Mode,
    /// The auxiliary outputs.
    auxiliary: Vec<Head>,
}

impl<T: Element, D: Device<T>> Workspace<T, D> {
    pub(crate) fn new(device: &D, graph: &Graph<T, D>, capacity: usize, keep: Keep) -> Self {
        let nodes = &graph.nodes;
        let [outputs, pre_activations, deltas] =
            arrays(nodes, keep).map(|arrays| Buffers::new(device, arrays, capacity));
        Self {
            device: device.clone(),
            keep,
            capacity,
            m: 0,
            kept: nodes.iter().map(|node| node.layer.kept(device, capacity)).collect(),
            mode: Mode::default(),
            auxiliary: graph.auxiliary.clone(),
            outputs,
            pre_activations,
            deltas,
        }
    }

    /// The largest batch that fits.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of examples m of the last forward pass.
    pub fn examples(&self) -> usize {
        self.m
    }

    /// What is held after the passes.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// Sets the mode of the next passes. A new workspace is in evaluation mode.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Starts a batch of m examples; panics if it does not fit.
    pub(crate) fn begin(&mut self, m: usize) {
        assert!(m <= self.capacity, "a batch of {m} in a workspace for {}", self.capacity);
        self.m = m;
        for buffers in [&mut self.outputs, &mut self.pre_activations, &mut self.deltas] {
            buffers.m = m;
        }
    }

    /// The logits [m, k] of the last forward pass.
    pub fn logits(&self) -> D::Slice<'_, T> {
        self.outputs.get(self.outputs.last())
    }

    /// The logits [m, k], and the buffer [m, k] for the gradient of the loss with respect to them. The
    /// loss does not depend on auxiliary outputs: the gradient with respect to them is set to 0.
    ///
    /// # Panics
    ///
    /// If the workspace keeps the logits only.
    pub fn logits_and_delta(&mut self) -> (D::Slice<'_, T>, D::SliceMut<'_, T>) {
        assert!(self.keep != Keep::Logits, "a workspace that keeps the logits only has no deltas");
        for head in &self.auxiliary {
            self.device.fill(T::zero(), self.deltas.get_mut(head.node));
        }
        let last = self.outputs.last();
        (self.outputs.get(last), self.deltas.get_mut(last))
    }

    /// Writes each example's loss to `losses` \[m\] and the gradients with respect to the logits and to
    /// the auxiliary outputs, from which the backward pass starts; returns the SUM of the losses.
    ///
    /// ℓ_e is the loss of the logits and, for each auxiliary output, its loss times its weight, as in
    /// training.
    ///
    /// ```
    /// use coherence_nn::{Keep, Model, loss::{Loss, Targets}, model::mlp};
    /// let model = Model::<f64>::zeros(mlp(&[1, 2])?);
    /// let mut workspace = model.workspace(1, Keep::Activations);
    /// model.forward(&[1.0], 1, &mut workspace);
    /// let sum = workspace.loss(Loss::default(), Targets::Labels(&[0][..]), &mut [0.0]);
    /// assert_eq!(sum, f64::ln(2.0));
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`Loss::with_gradient`], and if the workspace keeps the logits only.
    pub fn loss(
        &mut self,
        loss: Loss,
        targets: Targets<'_, T, D>,
        mut losses: D::SliceMut<'_, f64>,
    ) -> f64 {
        let device = self.device.clone();
        let (logits, delta) = self.logits_and_delta();
        let of_logits = D::reborrow(&mut losses);
        let mut sum = device.loss_with_gradient(loss, logits, targets, delta, of_logits);
        for &Head { node, weight } in &self.auxiliary {
            let mut of_head = device.zeros(self.m);
            let (outputs, delta) = (self.outputs.get(node), self.deltas.get_mut(node));
            let to = D::view_mut(&mut of_head);
            sum += weight * device.loss_with_gradient(loss, outputs, targets, delta, to);
            device.scale(T::narrow(weight), self.deltas.get_mut(node));
            device.add_losses(weight, D::view(&of_head), D::reborrow(&mut losses));
        }
        sum
    }

    /// Writes the loss of each example's logits to `losses` \[m\], without a gradient and without auxiliary
    /// outputs; returns the SUM of the losses.
    ///
    /// # Panics
    ///
    /// As [`Loss::evaluate`].
    pub fn evaluate(
        &self,
        loss: Loss,
        targets: Targets<'_, T, D>,
        losses: D::SliceMut<'_, f64>,
    ) -> f64 {
        self.device.loss(loss, self.logits(), targets, losses)
    }

    /// Multiplies the gradients with respect to the logits and to the auxiliary outputs of some examples:
    /// a backward pass is linear in them, so that it gives each of these examples this weight.
    ///
    /// # Panics
    ///
    /// If there are fewer examples.
    pub fn weight(&mut self, examples: Range<usize>, factor: T) {
        let last = self.outputs.last();
        for node in self.auxiliary.iter().map(|head| head.node).chain([last]) {
            let values = self.deltas.arrays.values[node];
            let rows = examples.start * values..examples.end * values;
            self.device.scale(factor, D::part_mut(self.deltas.get_mut(node), rows));
        }
    }
}

/// One array [m, values] for each node; several nodes may share a buffer.
#[derive(Debug, Clone)]
struct Arrays {
    /// Values of an example by node.
    values: Vec<usize>,
    /// The index of the buffer by node.
    buffer: Vec<usize>,
}

impl Arrays {
    /// Values of an example that each buffer has room for.
    fn room(&self) -> Vec<usize> {
        let mut largest = vec![0; self.buffer.iter().max().map_or(0, |most| most + 1)];
        for (&b, &values) in self.buffer.iter().zip(&self.values) {
            largest[b] = values.max(largest[b]);
        }
        largest
    }
}

/// Activations, pre-activations and deltas of the nodes in a workspace.
fn arrays<T: Element, D: Device<T>>(nodes: &[Node<T, D>], keep: Keep) -> [Arrays; 3] {
    let (backward, each) = (keep != Keep::Logits, || (0..nodes.len()).collect());
    let values = |needed: &dyn Fn(&Node<T, D>) -> bool| {
        nodes.iter().map(|n| if needed(n) { n.shape.values() } else { 0 }).collect()
    };
    let of_outputs = if backward { each() } else { share(&lives_of_outputs(nodes)) };
    let of_deltas = if keep == Keep::Deltas { each() } else { share(&lives_of_deltas(nodes)) };
    [
        Arrays { values: values(&|_| true), buffer: of_outputs },
        Arrays {
            values: values(&|n| backward && n.activation.needs_pre_activations()),
            buffer: each(),
        },
        Arrays { values: values(&|_| backward), buffer: of_deltas },
    ]
}

impl<T: Element, D: Device<T>> Graph<T, D> {
    /// The number of an example's values in the buffers of a [`Workspace`] of this network, without what single layers
    /// keep.
    ///
    /// ```
    /// use coherence_nn::{Graph, Keep, model::mlp};
    /// let network: Graph<f32> = mlp(&[784, 100, 50, 10])?;
    /// let [logits, activations, deltas] =
    ///     [Keep::Logits, Keep::Activations, Keep::Deltas].map(|keep| network.workspace_values(keep));
    /// // Two nodes at a time of the forward pass and of the backward pass, else 100 + 50 + 10.
    /// assert_eq!([logits, activations, deltas], [150, 160 + 150, 160 + 160]);
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    pub fn workspace_values(&self, keep: Keep) -> usize {
        arrays(&self.nodes, keep).iter().flat_map(Arrays::room).sum()
    }
}

/// The buffers of [`Arrays`].
#[derive(Debug, Clone)]
pub(crate) struct Buffers<T: Element, D: Memory> {
    m: usize,
    arrays: Arrays,
    /// `None` while it is taken.
    buffers: Vec<Option<D::Buffer<T>>>,
}

impl<T: Element, D: Memory> Buffers<T, D> {
    fn new(device: &D, arrays: Arrays, capacity: usize) -> Self {
        let zeros = |values: usize| Some(device.zeros(capacity * values));
        let buffers = arrays.room().into_iter().map(zeros).collect();
        Self { m: 0, arrays, buffers }
    }

    fn last(&self) -> usize {
        self.arrays.values.len() - 1
    }

    /// The index of the buffer of node `n`, and the length of its array.
    fn place(&self, n: usize) -> (usize, usize) {
        (self.arrays.buffer[n], self.m * self.arrays.values[n])
    }

    /// The array of node `n`.
    pub(crate) fn get(&self, n: usize) -> D::Slice<'_, T> {
        let (buffer, len) = self.place(n);
        let buffer = self.buffers[buffer].as_ref().expect("a buffer that is not taken");
        D::part(D::view(buffer), 0..len)
    }

    fn get_mut(&mut self, n: usize) -> D::SliceMut<'_, T> {
        let (buffer, len) = self.place(n);
        let buffer = self.buffers[buffer].as_mut().expect("a buffer that is not taken");
        D::part_mut(D::view_mut(buffer), 0..len)
    }

    /// Whether node `n` has an array.
    pub(crate) fn has(&self, n: usize) -> bool {
        self.arrays.values[n] > 0
    }

    /// The buffer of node `n` is taken out, so that others can be read while it is written.
    pub(crate) fn take(&mut self, n: usize) -> Taken<T, D> {
        let (buffer, len) = self.place(n);
        let buffer = self.buffers[buffer].take().expect("a buffer that is not taken");
        Taken { buffer, len }
    }

    /// The counterpart of [`take`](Self::take).
    pub(crate) fn put_back(&mut self, n: usize, taken: Taken<T, D>) {
        self.buffers[self.arrays.buffer[n]] = Some(taken.buffer);
    }
}

/// A buffer taken out of its workspace.
pub(crate) struct Taken<T: Element, D: Memory> {
    buffer: D::Buffer<T>,
    len: usize,
}

impl<T: Element, D: Memory> Taken<T, D> {
    pub(crate) fn slice(&mut self) -> D::SliceMut<'_, T> {
        D::part_mut(D::view_mut(&mut self.buffer), 0..self.len)
    }
}

/// The interval of time in which a node's array is needed. Arrays whose intervals overlap are in
/// different buffers.
struct Life {
    values: usize,
    from: usize,
    until: usize,
}

/// Activations: node `n` is computed at time n and read by later nodes.
fn lives_of_outputs<T: Element, D: Device<T>>(nodes: &[Node<T, D>]) -> Vec<Life> {
    let until = last_readers(nodes);
    let life = |(n, node): (usize, &Node<T, D>)| Life {
        values: node.shape.values(),
        from: n,
        until: until[n].unwrap_or(nodes.len()),
    };
    nodes.iter().enumerate().map(life).collect()
}

/// Deltas: a backward pass comes to the last node first. It writes to a node's deltas when it comes to
/// the first of the nodes that read its output, and needs them until it has visited the node.
fn lives_of_deltas<T: Element, D: Device<T>>(nodes: &[Node<T, D>]) -> Vec<Life> {
    let readers = last_readers(nodes);
    let time = |n: usize| nodes.len() - 1 - n;
    let life = |(n, node): (usize, &Node<T, D>)| Life {
        values: node.shape.values(),
        from: readers[n].map_or(0, time),
        until: time(n),
    };
    nodes.iter().enumerate().map(life).collect()
}

/// The last node that reads the output of each; `None` for the logits.
fn last_readers<T: Element, D: Device<T>>(nodes: &[Node<T, D>]) -> Vec<Option<usize>> {
    let mut last = vec![None; nodes.len()];
    for (n, node) in nodes.iter().enumerate() {
        for source in &node.sources {
            if let Source::Node(p) = *source {
                last[p] = Some(n);
            }
        }
    }
    last
}

/// The index of a buffer for each array: the smallest free one that is large enough, else the largest
/// free one, which grows, else a new one.
fn share(lives: &[Life]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&n| lives[n].from);
    let mut buffer = vec![None; lives.len()];
    let mut sizes: Vec<usize> = Vec::new();
    for n in order {
        let Life { values, from, until } = lives[n];
        let meets = |other: &Life| other.from <= until && from <= other.until;
        let busy = |b: &usize| (0..lives.len()).any(|p| buffer[p] == Some(*b) && meets(&lives[p]));
        let free: Vec<usize> = (0..sizes.len()).filter(|b| !busy(b)).collect();
        let fitting = free.iter().filter(|&&b| sizes[b] >= values).min_by_key(|&&b| sizes[b]);
        let chosen = fitting.or_else(|| free.iter().max_by_key(|&&b| sizes[b])).copied();
        let chosen = chosen.unwrap_or(sizes.len());
        if chosen == sizes.len() {
            sizes.push(0);
        }
        sizes[chosen] = sizes[chosen].max(values);
        buffer[n] = Some(chosen);
    }
    buffer.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_that_are_needed_at_one_time_have_different_buffers() {
        let life = |values, from, until| Life { values, from, until };
        // A chain needs two buffers; the first value of a residual block stays until the sum.
        assert_eq!(share(&[life(4, 0, 1), life(4, 1, 2), life(4, 2, 3)]), [0, 1, 0]);
        assert_eq!(
            share(&[life(4, 0, 3), life(4, 1, 2), life(4, 2, 3), life(4, 3, 4)]),
            [0, 1, 2, 1]
        );
    }
}
