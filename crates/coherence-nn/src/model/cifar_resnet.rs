//! Residual networks for CIFAR: ResNet-20, -32, -56.

use super::{
    global_average,
    normalized::{BATCH, Norm, Normalization, Normalized, normalized_convolution},
    square,
};
use crate::{
    Activation::{self, Identity, Relu},
    Builder, Graph, GraphError, Initial, Shape, Value,
    device::Device,
    layer::{Linear, Subsample},
};
use coherence_cpu::{Element, convolution};

/// The residual network of 6n + 2 = `depth` layers for images of 32²: a 3 × 3 convolution to 16 channels,
/// n blocks each of 16, 32 and 64 channels, the mean over all positions and a linear layer. A block is
/// two 3 × 3 convolutions; the first of a stage halves height and width. The shortcuts have no
/// parameters ([`Subsample`], the paper's option A, as in its experiments on CIFAR).
///
/// [`Norm::Group`] normalises groups of 16 channels each: 1, 2 and 4 groups.
///
/// Names and initialisation are those of the widely used `resnet32` in
/// akamaster/pytorch_resnet_cifar10, whose shortcut is a `LambdaLayer` without parameters: weights
/// N(0, 1) · √(2/i) with i inputs of an output, as in the paper.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::{Norm, cifar_resnet}};
/// let network: Graph<f32> = cifar_resnet(32, Shape::image(32, 32, 3), 10, Norm::Batch)?;
/// assert_eq!(network.layout().parameters(), 464_154);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// Source: He, Zhang, Ren, Sun (2016), *Deep Residual Learning for Image Recognition*
/// (arXiv 1512.03385), §4.2.
///
/// # Errors
///
/// [`GraphError`] if `depth` is not 6n + 2 with n ≥ 1, there are no classes or the image is empty.
pub fn cifar_resnet<T: Element, D: Device<T>>(
    depth: usize,
    input: Shape,
    classes: usize,
    norm: Norm,
) -> Result<Graph<T, D>, GraphError> {
    if depth < 8 || depth % 6 != 2 {
        return Err(GraphError::Depth(depth));
    }
    let (mut net, x) = Builder::new(input);
    let mut x = convolve(&mut net, ["conv1", "bn1"], x, [16, 1], norm, Relu)?;
    for (stage, width) in [16, 32, 64].into_iter().enumerate() {
        for at in 0..depth / 6 {
            let stride = if stage > 0 && at == 0 { 2 } else { 1 };
            let name = |part: &str| format!("layer{}.{at}.{part}", stage + 1);
            let names = [name("conv1"), name("bn1"), name("conv2"), name("bn2")];
            let h = convolve(&mut net, [&names[0], &names[1]], x, [width, stride], norm, Relu)?;
            let h = convolve(&mut net, [&names[2], &names[3]], h, [width, 1], norm, Identity)?;
            let shortcut = if x.shape == h.shape {
                x
            } else {
                let layer = Subsample::new(x.shape, stride, width);
                net.push(&name("shortcut"), layer, &[x], Identity)?
            };
            x = net.add(&name("add"), &[h, shortcut], Relu)?;
        }
    }
    let x = global_average(&mut net, "avgpool", x)?;
    let inputs = x.shape.values() as f64;
    let linear = Linear::new(x.shape, classes).with_initial(
        Initial::Normal { std: (2.0 / inputs).sqrt() },
        Initial::Uniform { bound: 1.0 / inputs.sqrt() },
    );
    net.push("linear", linear, &[x], Identity)?;
    let suffix = if norm == Norm::Group { " with group normalisation" } else { "" };
    Ok(net.build(format!("resnet{depth}{suffix} {input} to {classes}")))
}

/// A 3 × 3 convolution with its normalisation.
fn convolve<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    names: [&str; 2],
    x: Value,
    [outputs, stride]: [usize; 2],
    norm: Norm,
    activation: Activation,
) -> Result<Value, GraphError> {
    let of = convolution::Convolution {
        stride: [stride, stride],
        padding: [1, 1],
        ..square(x.shape, outputs, 3)
    };
    let normalization = match norm {
        Norm::Batch => BATCH,
        Norm::Group => Normalization::Group { groups: outputs / 16 },
    };
    let std = (2.0 / of.patch() as f64).sqrt();
    normalized_convolution(net, x, Normalized { names, of, std, normalization, activation })
}
