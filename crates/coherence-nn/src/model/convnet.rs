//! A small convolutional network without normalisation.

use super::{global_average, square};
use crate::{
    Activation::{Identity, Relu},
    Builder, Graph, GraphError, Shape,
    device::Device,
    layer::{Convolution, Linear},
};
use coherence_cpu::{Element, convolution};

/// Three 3 × 3 convolutions with ReLU to 32, 64 and 128 channels, the second and the third with stride
/// 2, then the mean over all positions and a linear layer. Tensors are called `conv1.weight`
/// [32, channels, 3, 3] … `fc.bias`; the initialisation is PyTorch's.
///
/// Nothing couples the examples of a batch: every example has a gradient of its own.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::convnet};
/// let network: Graph<f32> = convnet(Shape::image(28, 28, 1), 10)?;
/// assert_eq!(network.layout().parameters(), 320 + 18_496 + 73_856 + 1290);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// # Errors
///
/// [`GraphError`] if there are no classes or the image is empty.
pub fn convnet<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
) -> Result<Graph<T, D>, GraphError> {
    let (mut net, mut x) = Builder::new(input);
    for (l, (outputs, stride)) in [(32, 1), (64, 2), (128, 2)].into_iter().enumerate() {
        let of = convolution::Convolution {
            stride: [stride, stride],
            padding: [1, 1],
            ..square(x.shape, outputs, 3)
        };
        x = net.push(&format!("conv{}", l + 1), Convolution::new(of)?, &[x], Relu)?;
    }
    let x = global_average(&mut net, "avgpool", x)?;
    net.push("fc", Linear::new(x.shape, classes), &[x], Identity)?;
    Ok(net.build(format!("convnet {input} to {classes}")))
}
