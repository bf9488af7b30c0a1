//! AlexNet.

use super::{square, square_pool};
use crate::{
    Activation::{Identity, Relu},
    Builder, Graph, GraphError, Shape,
    device::Device,
    layer::{AveragePool, Convolution, Dropout, Linear, MaxPool},
};
use coherence_cpu::{Element, convolution};

/// AlexNet: convolutions of 11 × 11, of 5 × 5 and three of 3 × 3, maxima of 3 × 3 with stride 2 after the
/// first, the second and the last, the means over 6 × 6 parts, and linear layers to 4096, 4096 and the
/// classes with dropout of one half.
///
/// Names, arithmetic and initialisation are those of torchvision's `alexnet`.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::alexnet};
/// let network: Graph<f32> = alexnet(Shape::image(224, 224, 3), 1000)?;
/// assert_eq!(network.layout().parameters(), 61_100_840);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// Source: Krizhevsky (2014), *One weird trick for parallelizing convolutional neural networks*
/// (arXiv 1404.5997).
///
/// # Errors
///
/// [`GraphError`] if there are no classes or the image is smaller than 63².
pub fn alexnet<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
) -> Result<Graph<T, D>, GraphError> {
    let (mut net, mut x) = Builder::new(input);
    // The index among torchvision's layers, outputs, kernel, stride, padding, and whether maxima follow.
    let plan = [
        (0, 64, 11, 4, 2, true),
        (3, 192, 5, 1, 2, true),
        (6, 384, 3, 1, 1, false),
        (8, 256, 3, 1, 1, false),
        (10, 256, 3, 1, 1, true),
    ];
    for (at, outputs, kernel, stride, padding, pooled) in plan {
        let of = convolution::Convolution {
            stride: [stride, stride],
            padding: [padding, padding],
            ..square(x.shape, outputs, kernel)
        };
        x = net.push(&format!("features.{at}"), Convolution::new(of)?, &[x], Relu)?;
        if pooled {
            let pool = MaxPool::new(square_pool(x.shape, 3, 2))?;
            x = net.push(&format!("features.{}", at + 2), pool, &[x], Identity)?;
        }
    }
    x = net.push("avgpool", AveragePool::adaptive(x.shape, [6, 6])?, &[x], Identity)?;
    for (at, outputs) in [(1, 4096), (4, 4096), (6, classes)] {
        let hidden = at < 6;
        if hidden {
            let name = format!("classifier.{}", at - 1);
            x = net.push(&name, Dropout::new(x.shape, 0.5), &[x], Identity)?;
        }
        let activation = if hidden { Relu } else { Identity };
        let layer = Linear::new(x.shape, outputs);
        x = net.push(&format!("classifier.{at}"), layer, &[x], activation)?;
    }
    Ok(net.build(format!("alexnet {input} to {classes}")))
}
