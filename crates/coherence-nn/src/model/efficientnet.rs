//! EfficientNet-B0.

use super::{
    global_average,
    normalized::{BATCH, Normalized, by_fan_out, normalized_convolution},
    square,
};
use crate::{
    Activation::{self, Identity, Sigmoid, Silu},
    Builder, Graph, GraphError, Initial, Shape, Value,
    device::Device,
    layer::{Convolution, Dropout, Linear, Scale, StochasticDepth},
};
use coherence_cpu::{Element, convolution};

/// The stages: expansion of the channels, kernel, stride of the first block, channels, blocks.
const STAGES: [[usize; 5]; 7] = [
    [1, 3, 1, 16, 1],
    [6, 3, 2, 24, 2],
    [6, 5, 2, 40, 2],
    [6, 3, 2, 80, 3],
    [6, 5, 1, 112, 3],
    [6, 5, 2, 192, 4],
    [6, 3, 1, 320, 1],
];

const BLOCKS: usize = 16;

/// The probability that the last residual branch would be skipped; it grows linearly from 0.
const STOCHASTIC_DEPTH: f64 = 0.2;

/// EfficientNet-B0: a 3 × 3 convolution with stride 2, 16 blocks of an expanding 1 × 1 convolution, a
/// depthwise one, squeeze-and-excitation and a 1 × 1 convolution, a 1 × 1 convolution to 1280 channels,
/// the mean over all positions, dropout of 0.2 and a linear layer. Residual branches are skipped in
/// training ([`StochasticDepth`]).
///
/// Names, arithmetic and initialisation are those of torchvision's `efficientnet_b0`.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::efficientnet_b0};
/// let network: Graph<f32> = efficientnet_b0(Shape::image(224, 224, 3), 1000)?;
/// assert_eq!(network.layout().parameters(), 5_288_548);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// Source: Tan, Le (2019), *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*
/// (arXiv 1905.11946), table 1.
///
/// # Errors
///
/// [`GraphError`] if there are no classes or the image is empty.
pub fn efficientnet_b0<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
) -> Result<Graph<T, D>, GraphError> {
    let (mut net, x) = Builder::new(input);
    let mut x = convolve(&mut net, "features.0", x, [32, 3, 2, 1], Silu)?;
    let mut before = 0;
    for (stage, [expansion, kernel, stride, outputs, blocks]) in STAGES.into_iter().enumerate() {
        for at in 0..blocks {
            let stride = if at == 0 { stride } else { 1 };
            let prefix = format!("features.{}.{at}", stage + 1);
            let h = block(&mut net, &prefix, x, [expansion, kernel, stride, outputs])?;
            x = if stride == 1 && x.shape == h.shape {
                let probability = STOCHASTIC_DEPTH * before as f64 / BLOCKS as f64;
                let depth = StochasticDepth::new(h.shape, probability);
                let name = format!("{prefix}.stochastic_depth");
                let branch = net.push(&name, depth, &[h], Identity)?;
                net.add(&format!("{prefix}.add"), &[branch, x], Identity)?
            } else {
                h
            };
            before += 1;
        }
    }
    let x = convolve(&mut net, "features.8", x, [1280, 1, 1, 1], Silu)?;
    let x = global_average(&mut net, "avgpool", x)?;
    let x = net.push("classifier.0", Dropout::new(x.shape, 0.2), &[x], Identity)?;
    let bound = 1.0 / (classes as f64).sqrt();
    let linear = Linear::new(x.shape, classes)
        .with_initial(Initial::Uniform { bound }, Initial::Constant(0.0));
    net.push("classifier.1", linear, &[x], Identity)?;
    Ok(net.build(format!("efficientnet_b0 {input} to {classes}")))
}

/// An inverted bottleneck with squeeze-and-excitation, without its shortcut.
fn block<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    prefix: &str,
    x: Value,
    [expansion, kernel, stride, outputs]: [usize; 4],
) -> Result<Value, GraphError> {
    let mut part = 0;
    let mut name = || {
        part += 1;
        format!("{prefix}.block.{}", part - 1)
    };
    let channels = x.shape.channels * expansion;
    let mut h = x;
    if expansion > 1 {
        h = convolve(net, &name(), h, [channels, 1, 1, 1], Silu)?;
    }
    h = convolve(net, &name(), h, [channels, kernel, stride, channels], Silu)?;
    h = squeeze_and_excite(net, &name(), h, (x.shape.channels / 4).max(1))?;
    convolve(net, &name(), h, [outputs, 1, 1, 1], Identity)
}

/// Multiplies each channel by a factor computed from the means of all channels.
fn squeeze_and_excite<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    prefix: &str,
    x: Value,
    squeezed: usize,
) -> Result<Value, GraphError> {
    let mut s = global_average(net, &format!("{prefix}.avgpool"), x)?;
    for (name, outputs, activation) in [("fc1", squeezed, Silu), ("fc2", x.shape.channels, Sigmoid)]
    {
        let of = square(s.shape, outputs, 1);
        let layer = Convolution::new(of)?
            .with_initial(Initial::Normal { std: by_fan_out(&of) }, Initial::Constant(0.0));
        s = net.push(&format!("{prefix}.{name}"), layer, &[s], activation)?;
    }
    net.push(&format!("{prefix}.scale"), Scale::new(x.shape), &[x, s], Identity)
}

/// A convolution of a square kernel, which keeps height and width at stride 1, with batch normalisation.
fn convolve<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    prefix: &str,
    x: Value,
    [outputs, kernel, stride, groups]: [usize; 4],
    activation: Activation,
) -> Result<Value, GraphError> {
    let of = convolution::Convolution {
        stride: [stride, stride],
        padding: [kernel / 2, kernel / 2],
        groups,
        ..square(x.shape, outputs, kernel)
    };
    let names = [&format!("{prefix}.0")[..], &format!("{prefix}.1")[..]];
    let (std, normalization) = (by_fan_out(&of), BATCH);
    normalized_convolution(net, x, Normalized { names, of, std, normalization, activation })
}
