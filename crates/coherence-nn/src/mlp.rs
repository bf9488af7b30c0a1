//! The multi-layer perceptron: forward and backward passes on plain slices.
//!
//! Legend: m: examples, i: inputs of a layer, o: outputs, k: classes, d: parameters,
//! a: activations [m, i], δ: gradient of the SUM loss with respect to a layer's
//! pre-activations [m, o].

use crate::{Activation, Factors, Layout, WidthsError, Workspace, activation::Kept};
use coherence_cpu::{
    Element,
    elementwise::{add_bias, column_sums},
    product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn},
};
use core::{fmt, ops::Range};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// Linear layers with an [`Activation`] between them: `h_l = φ(W_l h_{l−1} + b_l)`; it is not
/// applied to the logits.
///
/// The activation is ReLU unless [`with_activation`](Mlp::with_activation) changes it. All parameters
/// are in one flat vector \[d\], see [`Layout`].
///
/// # Example
///
/// ```
/// use coherence_nn::{Mlp, loss::softmax_cross_entropy};
/// let mut mlp = Mlp::<f64>::zeros(&[2, 3, 2])?;
/// let mut workspace = mlp.workspace(1);
/// let x = [1.0, -1.0];
/// mlp.forward(&x, 1, &mut workspace);
/// let (logits, delta) = workspace.logits_and_delta();
/// let loss = softmax_cross_entropy(logits, &[0], delta, &mut [0.0]);
/// mlp.backward(&mut workspace);
/// let mut gradient = vec![0.0; mlp.layout().parameters()];
/// mlp.gradient(&x, &workspace, &mut gradient);
/// assert_eq!(loss, f64::ln(2.0));
/// assert_eq!(gradient[mlp.layout().get("fc2.bias").unwrap().range.clone()], [-0.5, 0.5]);
/// # Ok::<(), coherence_nn::WidthsError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Mlp<T> {
    widths: Vec<usize>,
    layout: Layout,
    activation: Activation,
    parameters: Vec<T>,
}

impl<T: Element> Mlp<T> {
    /// A network of zeros with ReLU; `widths` runs from the inputs to the classes.
    ///
    /// # Errors
    ///
    /// As [`Layout::mlp`].
    pub fn zeros(widths: &[usize]) -> Result<Self, WidthsError> {
        let layout = Layout::mlp(widths)?;
        let parameters = vec![T::zero(); layout.parameters()];
        Ok(Self { widths: widths.to_vec(), layout, activation: Activation::Relu, parameters })
    }

    /// The papers' initialisation, with ReLU: weights N(0, 1) · 2/√(i + o), biases 0.
    ///
    /// The standard deviation is √2 times that of Glorot's normal initialisation, √(2/(i + o)).
    /// CG20 says "Xavier" in the text; its authors' code has the factor 2. Deviates are drawn in
    /// f64 in the order of the flat vector, so that f32 and f64 networks of the same seed agree up
    /// to rounding.
    ///
    /// Source: CG20 §2.1; catalogue E.
    ///
    /// # Errors
    ///
    /// As [`Mlp::zeros`].
    pub fn xavier(widths: &[usize], rng: &mut impl Rng) -> Result<Self, WidthsError> {
        let mut mlp = Self::zeros(widths)?;
        for tensor in mlp.layout.tensors().iter().filter(|tensor| tensor.shape.len() == 2) {
            let std = 2.0 / ((tensor.shape[0] + tensor.shape[1]) as f64).sqrt();
            for parameter in &mut mlp.parameters[tensor.range.clone()] {
                let deviate: f64 = StandardNormal.sample(rng);
                *parameter = T::narrow(deviate * std);
            }
        }
        Ok(mlp)
    }

    /// The same network with another activation.
    ///
    /// ```
    /// use coherence_nn::{Activation, Mlp};
    /// let mut mlp = Mlp::<f64>::zeros(&[1, 1, 1])?.with_activation(Activation::Tanh);
    /// mlp.parameters_mut().copy_from_slice(&[2.0, 0.0, 1.0, 0.0]); // W₁, b₁, W₂, b₂
    /// let mut workspace = mlp.workspace(1);
    /// mlp.forward(&[0.5], 1, &mut workspace);
    /// assert_eq!(workspace.logits(), [f64::tanh(1.0)]);
    /// # Ok::<(), coherence_nn::WidthsError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the slope of a leaky ReLU is negative or not finite.
    pub fn with_activation(self, activation: Activation) -> Self {
        if let Activation::LeakyRelu { slope } = activation {
            assert!(slope.is_finite() && slope >= 0.0, "a leaky ReLU of slope {slope}");
        }
        Self { activation, ..self }
    }

    /// The activation of the hidden layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The widths, from the inputs to the classes.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The number of input features.
    pub fn inputs(&self) -> usize {
        self.widths[0]
    }

    /// The number of classes k.
    pub fn classes(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// The positions of the tensors in the flat vector.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All parameters \[d\].
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// All parameters \[d\], mutably.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// Buffers for passes over batches of up to `capacity` examples.
    pub fn workspace(&self, capacity: usize) -> Workspace<T> {
        Workspace::new(&self.widths[1..], capacity, self.activation.needs_pre_activations())
    }

    /// Layer `l`'s (weight [o, i], bias \[o\]).
    fn layer(&self, l: usize) -> (&[T], &[T]) {
        let [weight, bias] = self.ranges(l);
        (&self.parameters[weight], &self.parameters[bias])
    }

    /// The ranges of layer `l`'s weight and bias.
    fn ranges(&self, l: usize) -> [Range<usize>; 2] {
        [2 * l, 2 * l + 1].map(|t| self.layout.tensors()[t].range.clone())
    }

    fn dims(&self, l: usize, m: usize) -> Dims {
        Dims { m, i: self.widths[l], o: self.widths[l + 1] }
    }

    fn layers(&self) -> usize {
        self.widths.len() - 1
    }

    /// Computes the logits of `x` [m, features] into the workspace.
    ///
    /// # Panics
    ///
    /// If `x` is not [m, features], or m exceeds the workspace's capacity.
    pub fn forward(&self, x: &[T], m: usize, workspace: &mut Workspace<T>) {
        workspace.begin(m);
        for l in 0..self.layers() {
            let (weight, bias) = self.layer(l);
            let dims = self.dims(l, m);
            let (before, rest) = workspace.outputs.split_at_mut(l);
            let a = before.last().map_or(x, |a| &a[..m * dims.i]);
            let out = &mut rest[0][..m * dims.o];
            matmul_nt(dims, a, weight, Output::Overwrite, out);
            if l + 1 < self.layers() {
                self.activation.forward(
                    bias,
                    out,
                    workspace.pre_activations.layer_mut(l, out.len()),
                );
            } else {
                add_bias(bias, out);
            }
        }
    }

    /// Propagates the delta of the logits, which the loss has written, back to every layer. The
    /// gradient with respect to the input is not computed.
    pub fn backward(&self, workspace: &mut Workspace<T>) {
        let m = workspace.examples();
        for l in (1..self.layers()).rev() {
            let dims = self.dims(l, m);
            let (before, rest) = workspace.deltas.split_at_mut(l);
            let delta = &mut before[l - 1][..m * dims.i];
            matmul_nn(dims, &rest[0][..m * dims.o], self.layer(l).0, Output::Overwrite, delta);
            let kept = Kept {
                activations: &workspace.outputs[l - 1][..delta.len()],
                pre_activations: workspace.pre_activations.layer(l - 1, delta.len()),
            };
            self.activation.backward(kept, delta);
        }
    }

    /// The factors of every tensor in the order of the layout, after [`backward`](Mlp::backward)
    /// over the same `x` [m, features].
    ///
    /// # Panics
    ///
    /// If `x` is not [m, features].
    pub fn factors<'a>(
        &'a self,
        x: &'a [T],
        workspace: &'a Workspace<T>,
    ) -> impl Iterator<Item = Factors<'a, T>> {
        factors(&self.layout, x, workspace)
    }

    /// Calls `step` for every tensor with its factors and its parameters, which it updates; after
    /// [`backward`](Mlp::backward) over the same `x` [m, features].
    ///
    /// ```
    /// # use coherence_nn::{Mlp, loss::softmax_cross_entropy};
    /// let mut mlp = Mlp::<f64>::zeros(&[1, 2])?;
    /// let (x, mut workspace) = ([1.0, 1.0, 3.0], mlp.workspace(3));
    /// mlp.forward(&x, 3, &mut workspace);
    /// let (logits, delta) = workspace.logits_and_delta();
    /// softmax_cross_entropy(logits, &[0, 0, 0], delta, &mut [0.0; 3]);
    /// mlp.backward(&mut workspace);
    /// mlp.step(&x, &workspace, |factors, tensor| factors.winsorized_step(1, 0.5, tensor));
    /// assert_eq!(mlp.parameters(), [0.25, -0.25, 0.25, -0.25]); // the input of 3 is clipped to 1
    /// # Ok::<(), coherence_nn::WidthsError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `x` is not [m, features].
    pub fn step(
        &mut self,
        x: &[T],
        workspace: &Workspace<T>,
        mut step: impl FnMut(&Factors<'_, T>, &mut [T]),
    ) {
        for factors in factors(&self.layout, x, workspace) {
            step(&factors, &mut self.parameters[factors.range.clone()]);
        }
    }

    /// Adds the gradient of the SUM loss, as given by the workspace's deltas, to the parameters, in one
    /// pass over memory and without a buffer of d numbers.
    ///
    /// A backward pass is linear in the delta of the logits. If that is multiplied by −η/m before
    /// [`backward`](Mlp::backward), this is a step of gradient descent on the MEAN loss.
    ///
    /// ```
    /// # use coherence_nn::{Mlp, loss::softmax_cross_entropy};
    /// let mut mlp = Mlp::<f64>::zeros(&[1, 2])?;
    /// let mut workspace = mlp.workspace(1);
    /// mlp.forward(&[1.0], 1, &mut workspace);
    /// let (logits, delta) = workspace.logits_and_delta();
    /// softmax_cross_entropy(logits, &[0], delta, &mut [0.0]);
    /// delta.iter_mut().for_each(|d| *d *= -0.1);
    /// mlp.backward(&mut workspace);
    /// mlp.descend(&[1.0], &workspace);
    /// assert_eq!(mlp.parameters(), [0.05, -0.05, 0.05, -0.05]); // W [2, 1], then b [2]
    /// # Ok::<(), coherence_nn::WidthsError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `x` is not the input [m, features] of the passes.
    pub fn descend(&mut self, x: &[T], workspace: &Workspace<T>) {
        for l in 0..self.layers() {
            let dims = self.dims(l, workspace.examples());
            let (a, delta) = (workspace.input(l, x), workspace.delta(l));
            let [weight, bias] = self.ranges(l);
            matmul_tn(dims, delta, a, Output::Add, &mut self.parameters[weight]);
            column_sums(delta, Output::Add, &mut self.parameters[bias]);
        }
    }

    /// Writes the gradient of the batch's SUM loss to `out` \[d\], after [`backward`](Mlp::backward).
    ///
    /// # Panics
    ///
    /// If `x` is not [m, features] or `out` does not have d values.
    pub fn gradient(&self, x: &[T], workspace: &Workspace<T>, out: &mut [T]) {
        assert_eq!(out.len(), self.parameters.len(), "one value for each parameter");
        for factors in self.factors(x, workspace) {
            factors.sum(&mut out[factors.range.clone()]);
        }
    }
}

/// The factors of every tensor of `layout`: a weight [o, i], then its bias \[o\], layer by layer.
fn factors<'a, T: Element>(
    layout: &'a Layout,
    x: &'a [T],
    workspace: &'a Workspace<T>,
) -> impl Iterator<Item = Factors<'a, T>> {
    layout.tensors().iter().enumerate().map(move |(t, tensor)| {
        let (l, m, o) = (t / 2, workspace.examples(), tensor.shape[0]);
        let delta = workspace.delta(l);
        let factors = match tensor.shape[..] {
            [_, i] => Factors::weight(&tensor.name, [m, i, o], workspace.input(l, x), delta),
            _ => Factors::bias(&tensor.name, [m, o], delta),
        };
        factors.with_start(tensor.range.start)
    })
}

/// Prints the widths only: there may be millions of parameters.
impl<T> fmt::Debug for Mlp<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mlp").field("widths", &self.widths).finish_non_exhaustive()
    }
}
