//! VGG-13, with and without batch normalisation.

use super::{normalized::by_fan_out, square, square_pool};
use crate::{
    Activation::{Identity, Relu},
    Builder, Graph, GraphError, Initial, Shape,
    device::Device,
    layer::{AveragePool, BatchNorm, Convolution, Dropout, Linear, MaxPool},
};
use coherence_cpu::{Element, convolution};

/// VGG-13: ten 3 × 3 convolutions in five pairs, each pair followed by the maxima of 2 × 2, the means
/// over 7 × 7 parts, and linear layers to 4096, 4096 and the classes with dropout of one half;
/// `normalized` adds batch normalisation after each convolution.
///
/// Names, arithmetic and initialisation are those of torchvision's `vgg13` and `vgg13_bn`.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::vgg13};
/// let network: Graph<f32> = vgg13(Shape::image(224, 224, 3), 1000, false)?;
/// assert_eq!(network.layout().parameters(), 133_047_848);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// Source: Simonyan, Zisserman (2015), *Very Deep Convolutional Networks for Large-Scale Image
/// Recognition*, configuration B (arXiv 1409.1556).
///
/// # Errors
///
/// [`GraphError`] if there are no classes or the image is smaller than 32².
pub fn vgg13<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
    normalized: bool,
) -> Result<Graph<T, D>, GraphError> {
    let (mut net, mut x) = Builder::new(input);
    let mut at = 0;
    for outputs in [64, 128, 256, 512, 512] {
        for _ in 0..2 {
            let of = convolution::Convolution { padding: [1, 1], ..square(x.shape, outputs, 3) };
            let std = by_fan_out(&of);
            let layer =
                Convolution::new(of)?.with_initial(Initial::Normal { std }, Initial::Constant(0.0));
            let name = format!("features.{at}");
            if normalized {
                x = net.push(&name, layer, &[x], Identity)?;
                let norm = BatchNorm::new(x.shape);
                x = net.push(&format!("features.{}", at + 1), norm, &[x], Relu)?;
                at += 3;
            } else {
                x = net.push(&name, layer, &[x], Relu)?;
                at += 2;
            }
        }
        let pool = MaxPool::new(square_pool(x.shape, 2, 2))?;
        x = net.push(&format!("features.{at}"), pool, &[x], Identity)?;
        at += 1;
    }
    x = net.push("avgpool", AveragePool::adaptive(x.shape, [7, 7])?, &[x], Identity)?;
    for (l, outputs) in [4096, 4096, classes].into_iter().enumerate() {
        let layer = Linear::new(x.shape, outputs)
            .with_initial(Initial::Normal { std: 0.01 }, Initial::Constant(0.0));
        let hidden = l < 2;
        let activation = if hidden { Relu } else { Identity };
        x = net.push(&format!("classifier.{}", 3 * l), layer, &[x], activation)?;
        if hidden {
            let name = format!("classifier.{}", 3 * l + 2);
            x = net.push(&name, Dropout::new(x.shape, 0.5), &[x], Identity)?;
        }
    }
    let name = if normalized { "vgg13_bn" } else { "vgg13" };
    Ok(net.build(format!("{name} {input} to {classes}")))
}
