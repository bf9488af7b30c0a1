//! LeNet-5.

use super::{square, square_pool};
use crate::{
    Activation::{Identity, Relu},
    Builder, Graph, GraphError, Shape,
    device::Device,
    layer::{Convolution, Linear, MaxPool},
};
use coherence_cpu::{Element, convolution};

/// LeNet-5 in its modern form: two 5 × 5 convolutions to 6 and 16 channels, each followed by ReLU and
/// the maxima of 2 × 2, then linear layers to 120, 84 and the classes. The first convolution has a
/// padding of 2, so that images of 28² become the 32² of the original.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::lenet5};
/// let network: Graph<f32> = lenet5(Shape::image(28, 28, 1), 10)?;
/// assert_eq!(network.layout().parameters(), 156 + 2416 + 48_120 + 10_164 + 850);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// Source: LeCun, Bottou, Bengio, Haffner (1998), *Gradient-Based Learning Applied to Document
/// Recognition*, §II.B, with ReLU, maxima and fully connected channels instead of tanh, means and a
/// table of connections.
///
/// # Errors
///
/// [`GraphError`] if there are no classes or the image is smaller than 12².
pub fn lenet5<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
) -> Result<Graph<T, D>, GraphError> {
    let (mut net, mut x) = Builder::new(input);
    for (l, (outputs, padding)) in [(6, 2), (16, 0)].into_iter().enumerate() {
        let of = convolution::Convolution { padding: [padding; 2], ..square(x.shape, outputs, 5) };
        x = net.push(&format!("conv{}", l + 1), Convolution::new(of)?, &[x], Relu)?;
        let pool = square_pool(x.shape, 2, 2);
        x = net.push(&format!("pool{}", l + 1), MaxPool::new(pool)?, &[x], Identity)?;
    }
    for (l, outputs) in [120, 84, classes].into_iter().enumerate() {
        let activation = if l < 2 { Relu } else { Identity };
        x = net.push(&format!("fc{}", l + 1), Linear::new(x.shape, outputs), &[x], activation)?;
    }
    Ok(net.build(format!("lenet5 {input} to {classes}")))
}
