//! Residual networks: ResNet-18, -34 and -50.

use super::{
    global_average,
    normalized::{BATCH, Norm, Normalization, Normalized, by_fan_out, normalized_convolution},
    square, square_pool,
};
use crate::{
    Activation::{self, Identity, Relu},
    Builder, Graph, GraphError, Shape, Value,
    device::Device,
    layer::{Linear, MaxPool},
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

/// What may differ between residual networks of one depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResNet {
    /// The first layers.
    pub stem: Stem,
    /// The normalisation layers.
    pub norm: Norm,
    /// Channels of the first stage; the others have 2, 4 and 8 times as many.
    pub width: usize,
}

impl ResNet {
    /// The channels of the first stage in the paper.
    pub const WIDTH: usize = 64;
    /// The most channels of the first stage.
    pub const WIDEST: usize = 4096;
}

/// ResNet-18: blocks of two 3 × 3 convolutions, 2 + 2 + 2 + 2 of them.
///
/// Names, arithmetic and initialisation are those of torchvision's `resnet18`; the stem for small
/// images is the usual change for CIFAR. [`Norm::Group`] is torchvision's network with
/// `norm_layer=lambda channels: GroupNorm(32, channels)`.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::{Norm, Stem, resnet18}};
/// let image = Shape::image(224, 224, 3);
/// let network: Graph<f32> = resnet18(image, 1000, Stem::ImageNet, Norm::Batch)?;
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
pub fn resnet18<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
    stem: Stem,
    norm: Norm,
) -> Result<Graph<T, D>, GraphError> {
    resnet(18, input, classes, ResNet { stem, norm, width: ResNet::WIDTH })
}

/// ResNet-34: as [`resnet18`], with 3 + 4 + 6 + 3 blocks.
///
/// # Errors
///
/// As [`resnet18`].
pub fn resnet34<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
    stem: Stem,
    norm: Norm,
) -> Result<Graph<T, D>, GraphError> {
    resnet(34, input, classes, ResNet { stem, norm, width: ResNet::WIDTH })
}

/// ResNet-50: 3 + 4 + 6 + 3 blocks of convolutions of 1 × 1, 3 × 3 and 1 × 1, the stride in the
/// second.
///
/// # Errors
///
/// As [`resnet18`].
pub fn resnet50<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
    stem: Stem,
    norm: Norm,
) -> Result<Graph<T, D>, GraphError> {
    resnet(50, input, classes, ResNet { stem, norm, width: ResNet::WIDTH })
}

#[derive(Debug, Clone, Copy)]
enum Block {
    Basic,
    Bottleneck,
}

/// [`resnet18`], [`resnet34`] or [`resnet50`], by its depth, with another number of channels. A network of half the
/// channels has about a quarter of the parameters and multiply-adds.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::{Norm, ResNet, Stem, resnet}};
/// let narrow = ResNet { stem: Stem::ImageNet, norm: Norm::Batch, width: 8 };
/// let network: Graph<f32> = resnet(18, Shape::image(28, 28, 1), 10, narrow)?;
/// assert_eq!(network.classes(), 10);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// # Errors
///
/// As [`resnet18`]; also for another depth, for a width that is 0 or more than 4096, and, with [`Norm::Group`],
/// for one that 32 does not divide.
pub fn resnet<T: Element, D: Device<T>>(
    depth: usize,
    input: Shape,
    classes: usize,
    ResNet { stem, norm, width }: ResNet,
) -> Result<Graph<T, D>, GraphError> {
    let (block, depths) = match depth {
        18 => (Block::Basic, [2, 2, 2, 2]),
        34 => (Block::Basic, [3, 4, 6, 3]),
        50 => (Block::Bottleneck, [3, 4, 6, 3]),
        _ => return Err(GraphError::Layers(depth)),
    };
    if !(1..=ResNet::WIDEST).contains(&width) {
        return Err(GraphError::Width(width));
    }
    let (mut net, x) = Builder::new(input);
    let mut x = match stem {
        Stem::ImageNet => {
            let wide = convolution::Convolution {
                stride: [2, 2],
                padding: [3, 3],
                ..square(x.shape, width, 7)
            };
            let h = convolve(&mut net, ["conv1", "bn1"], x, wide, norm, Relu)?;
            let pool = Pool { padding: [1, 1], ..square_pool(h.shape, 3, 2) };
            net.push("maxpool", MaxPool::new(pool)?, &[h], Identity)?
        }
        Stem::Cifar => {
            let narrow = convolution::Convolution { padding: [1, 1], ..square(x.shape, width, 3) };
            convolve(&mut net, ["conv1", "bn1"], x, narrow, norm, Relu)?
        }
    };
    for (stage, depth) in depths.into_iter().enumerate() {
        for at in 0..depth {
            let stride = if stage > 0 && at == 0 { 2 } else { 1 };
            let prefix = format!("layer{}.{at}", stage + 1);
            x = residual(&mut net, &prefix, x, block, [width << stage, stride], norm)?;
        }
    }
    let x = global_average(&mut net, "avgpool", x)?;
    net.push("fc", Linear::new(x.shape, classes), &[x], Identity)?;
    let stem = if stem == Stem::Cifar { " with the CIFAR stem" } else { "" };
    let norm = if norm == Norm::Group { " with group normalisation" } else { "" };
    let width = match width {
        ResNet::WIDTH => String::new(),
        _ => format!(" of width {width}"),
    };
    Ok(net.build(format!("resnet{depth}{width}{stem}{norm} {input} to {classes}")))
}

/// A block: the sum of its convolutions and of its input, which is convolved if the shapes differ.
fn residual<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    prefix: &str,
    x: Value,
    block: Block,
    [width, stride]: [usize; 2],
    norm: Norm,
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
        h = convolve(net, [&names[0], &names[1]], h, of, norm, activation)?;
    }
    let shortcut = if x.shape == h.shape {
        x
    } else {
        let of = convolution::Convolution { stride, ..square(x.shape, h.shape.channels, 1) };
        convolve(net, [&name("downsample.0"), &name("downsample.1")], x, of, norm, Identity)?
    };
    net.add(&name("add"), &[h, shortcut], Relu)
}

/// A convolution with its normalisation.
fn convolve<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    names: [&str; 2],
    x: Value,
    of: convolution::Convolution,
    norm: Norm,
    activation: Activation,
) -> Result<Value, GraphError> {
    let normalization = match norm {
        Norm::Batch => BATCH,
        Norm::Group => Normalization::Group { groups: 32 },
    };
    let std = by_fan_out(&of);
    normalized_convolution(net, x, Normalized { names, of, std, normalization, activation })
}
