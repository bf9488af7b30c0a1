//! Residual networks: ResNet-18, -34 and -50.

use super::{global_average, square, square_pool};
use crate::{
    Activation::{Identity, Relu},
    Builder, Graph, GraphError, Initial, Shape, Value,
    layer::{BatchNorm, Convolution, Linear, MaxPool},
};
use coherence_cpu::{Element, convolution, pool::Pool};

/// The first layers of a residual network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stem {
    /// A 7 × 7 convolution with stride 2, then the maxima of 3 × 3 with stride 2: for images of 224².
    #[default]
    ImageNet,
    /// A 3 × 3 convolution: for images of 32².
    Cifar,
}

/// ResNet-18: blocks of two 3 × 3 convolutions, 2 + 2 + 2 + 2 of them.
///
/// Names, arithmetic and initialisation are those of torchvision's `resnet18`; the stem for small
/// images is the usual change for CIFAR.
///
/// ```
/// use coherence_nn::{Shape, model::{Stem, resnet18}};
/// let network = resnet18::<f32>(Shape::image(224, 224, 3), 1000, Stem::ImageNet)?;
/// assert_eq!(network.layout().parameters(), 11_689_512);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// Source: He, Zhang, Ren, Sun (2016), *Deep Residual Learning for Image Recognition*
/// (arXiv 1512.03385).
///
/// # Errors
///
/// [`GraphError`] if there are no classes or the image is empty.
pub fn resnet18<T: Element>(
    input: Shape,
    classes: usize,
    stem: Stem,
) -> Result<Graph<T>, GraphError> {
    resnet("resnet18", input, classes, stem, Block::Basic, [2, 2, 2, 2])
}

/// ResNet-34: as [`resnet18`], with 3 + 4 + 6 + 3 blocks.
///
/// # Errors
///
/// As [`resnet18`].
pub fn resnet34<T: Element>(
    input: Shape,
    classes: usize,
    stem: Stem,
) -> Result<Graph<T>, GraphError> {
    resnet("resnet34", input, classes, stem, Block::Basic, [3, 4, 6, 3])
}

/// ResNet-50: 3 + 4 + 6 + 3 blocks of convolutions of 1 × 1, 3 × 3 and 1 × 1, the stride in the
/// second.
///
/// # Errors
///
/// As [`resnet18`].
pub fn resnet50<T: Element>(
    input: Shape,
    classes: usize,
    stem: Stem,
) -> Result<Graph<T>, GraphError> {
    resnet("resnet50", input, classes, stem, Block::Bottleneck, [3, 4, 6, 3])
}

#[derive(Debug, Clone, Copy)]
enum Block {
    Basic,
    Bottleneck,
}

fn resnet<T: Element>(
    name: &str,
    input: Shape,
    classes: usize,
    stem: Stem,
    block: Block,
    depths: [usize; 4],
) -> Result<Graph<T>, GraphError> {
    let (mut net, x) = Builder::new(input);
    let mut x = match stem {
        Stem::ImageNet => {
            let wide = convolution::Convolution {
                stride: [2, 2],
                padding: [3, 3],
                ..square(x.shape, 64, 7)
            };
            let h = convolve(&mut net, ["conv1", "bn1"], x, wide, Relu)?;
            let pool = Pool { padding: [1, 1], ..square_pool(h.shape, 3, 2) };
            net.push("maxpool", MaxPool::new(pool)?, &[h], Identity)?
        }
        Stem::Cifar => {
            let narrow = convolution::Convolution { padding: [1, 1], ..square(x.shape, 64, 3) };
            convolve(&mut net, ["conv1", "bn1"], x, narrow, Relu)?
        }
    };
    for (stage, depth) in depths.into_iter().enumerate() {
        for at in 0..depth {
            let stride = if stage > 0 && at == 0 { 2 } else { 1 };
            let prefix = format!("layer{}.{at}", stage + 1);
            x = residual(&mut net, &prefix, x, block, 64 << stage, stride)?;
        }
    }
    let x = global_average(&mut net, "avgpool", x)?;
    net.push("fc", Linear::new(x.shape, classes), &[x], Identity)?;
    let suffix = if stem == Stem::Cifar { " with the CIFAR stem" } else { "" };
    Ok(net.build(format!("{name}{suffix} {input} to {classes}")))
}

/// A block: the sum of its convolutions and of its input, which is convolved if the shapes differ.
fn residual<T: Element>(
    net: &mut Builder<T>,
    prefix: &str,
    x: Value,
    block: Block,
    width: usize,
    stride: usize,
) -> Result<Value, GraphError> {
    let stride = [stride, stride];
    let name = |part: &str| format!("{prefix}.{part}");
    let mut h = x;
    let plan: &[(usize, usize, [usize; 2])] = match block {
        Block::Basic => &[(width, 3, stride), (width, 3, [1, 1])],
        Block::Bottleneck => &[(width, 1, [1, 1]), (width, 3, stride), (4 * width, 1, [1, 1])],
    };
    for (at, &(outputs, kernel, stride)) in plan.iter().enumerate() {
        let padding = [kernel / 2, kernel / 2];
        let of = convolution::Convolution { stride, padding, ..square(h.shape, outputs, kernel) };
        let names = [name(&format!("conv{}", at + 1)), name(&format!("bn{}", at + 1))];
        let activation = if at + 1 < plan.len() { Relu } else { Identity };
        h = convolve(net, [&names[0], &names[1]], h, of, activation)?;
    }
    let shortcut = if x.shape == h.shape {
        x
    } else {
        let of = convolution::Convolution { stride, ..square(x.shape, h.shape.channels, 1) };
        convolve(net, [&name("downsample.0"), &name("downsample.1")], x, of, Identity)?
    };
    net.add(&name("add"), &[h, shortcut], Relu)
}

/// A convolution without a bias, then batch normalisation, then `activation`.
fn convolve<T: Element>(
    net: &mut Builder<T>,
    [name, norm]: [&str; 2],
    x: Value,
    of: convolution::Convolution,
    activation: crate::Activation,
) -> Result<Value, GraphError> {
    let [kh, kw] = of.kernel;
    // He's initialisation by the fan out: N(0, 1) · √(2 / (o · kh · kw)).
    let std = (2.0 / (of.outputs * kh * kw) as f64).sqrt();
    let layer = Convolution::new(of)?
        .without_bias()
        .with_initial(Initial::Normal { std }, Initial::Constant(0.0));
    let z = net.push(name, layer, &[x], Identity)?;
    net.push(norm, BatchNorm::new(z.shape), &[z], activation)
}
