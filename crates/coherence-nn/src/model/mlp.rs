//! The multi-layer perceptron of the papers.

use crate::{
    Activation, Builder, Graph, GraphError, Initial, Shape, device::Device, layer::Linear,
};
use coherence_cpu::Element;

/// Linear layers with ReLU between them: `h_l = max(W_l h_{l−1} + b_l, 0)`; it is not applied to the
/// logits. `widths` runs from the inputs to the classes. Tensors are called `fc1.weight` [o, i],
/// `fc1.bias` \[o\], `fc2.weight` ….
///
/// The papers' initialisation: weights N(0, 1) · 2/√(i + o), biases 0. The standard deviation is √2
/// times that of Glorot's normal initialisation, √(2/(i + o)). CG20 says "Xavier" in the text; its
/// authors' code has the factor 2.
///
/// Allocates only the names, and can therefore be used to find out how large a network would be.
///
/// ```
/// use coherence_nn::{GraphError, device::Cpu, model::mlp};
/// let error = mlp::<f32, Cpu>(&[784, usize::MAX, 10]).unwrap_err();
/// assert_eq!(error, GraphError::TooMany("fc1".to_owned()));
/// ```
///
/// Source: CG20 §2.1; catalogue E.
///
/// # Errors
///
/// [`GraphError`] for fewer than two widths, a zero, or more parameters than can be addressed.
pub fn mlp<T: Element, D: Device<T>>(widths: &[usize]) -> Result<Graph<T, D>, GraphError> {
    mlp_with_activation(widths, Activation::Relu)
}

/// As [`mlp`], with another activation function of the hidden layers.
///
/// ```
/// use coherence_nn::{Activation, Keep, Model, model::mlp_with_activation};
/// let mut model = Model::<f64>::zeros(mlp_with_activation(&[1, 1, 1], Activation::Tanh)?);
/// model.parameters_mut().copy_from_slice(&[2.0, 0.0, 1.0, 0.0]); // W₁, b₁, W₂, b₂
/// let mut workspace = model.workspace(1, Keep::Logits);
/// model.forward(&[0.5], 1, &mut workspace);
/// assert_eq!(workspace.logits(), [f64::tanh(1.0)]);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// # Errors
///
/// As [`mlp`].
pub fn mlp_with_activation<T: Element, D: Device<T>>(
    widths: &[usize],
    activation: Activation,
) -> Result<Graph<T, D>, GraphError> {
    match widths {
        [inputs, outputs @ ..] => mlp_of_images(Shape::features(*inputs), outputs, activation),
        [] => Err(GraphError::TooFewWidths(0)),
    }
}

/// As [`mlp_with_activation`], over images: one layer of each of the numbers of `outputs`. PyTorch flattens images channel
/// by channel, and weights of the first layer are [loaded](crate::weights::load), saved and initialised in its order.
///
/// ```
/// use coherence_nn::{Activation, Graph, Shape, model::mlp_of_images};
/// let network: Graph<f32> = mlp_of_images(Shape::image(32, 32, 3), &[64, 10], Activation::Relu)?;
/// assert_eq!(network.name(), "mlp:3072,64,10");
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// # Errors
///
/// As [`mlp`].
pub fn mlp_of_images<T: Element, D: Device<T>>(
    input: Shape,
    outputs: &[usize],
    activation: Activation,
) -> Result<Graph<T, D>, GraphError> {
    let widths: Vec<usize> = [&[input.values()], outputs].concat();
    if widths.len() < 2 {
        return Err(GraphError::TooFewWidths(widths.len()));
    }
    let (mut net, mut value) = Builder::new(input);
    for (l, &outputs) in widths[1..].iter().enumerate() {
        let inputs = value.shape.values();
        let std = 2.0 / (inputs as f64 + outputs as f64).sqrt();
        let layer = Linear::new(value.shape, outputs)
            .with_initial(Initial::Normal { std }, Initial::Constant(0.0));
        let last = l + 2 == widths.len();
        let activation = if last { Activation::Identity } else { activation };
        value = net.push(&format!("fc{}", l + 1), layer, &[value], activation)?;
    }
    let text: Vec<String> = widths.iter().map(usize::to_string).collect();
    let name = format!("mlp:{}", text.join(","));
    Ok(net.build(match activation {
        Activation::Relu => name,
        other => format!("{name} with {other}"),
    }))
}
