//! One small network for each layer and kind of setting.

use coherence_cpu::{Element, convolution::Convolution as Sizes, pool::Pool};
use coherence_nn::{
    Activation::{Identity, Relu6, Sigmoid, Silu, Tanh},
    Builder, Graph, GraphError, Shape, Value,
    device::Device,
    layer::{
        AveragePool, BatchNorm, Concatenate, Convolution, Dropout, GroupNorm, Linear, MaxPool,
        Scale, StochasticDepth, Subsample,
    },
};

pub(crate) const CLASSES: usize = 3;
pub(crate) const IMAGE: Shape = Shape::image(5, 4, 2);

/// A layer behind a convolution, so that the gradient with respect to its input matters, and before a
/// linear layer.
fn around<T: Element, D: Device<T>>(
    image: Shape,
    name: &str,
    layer: impl FnOnce(&mut Builder<T, D>, Value) -> Result<Value, GraphError>,
) -> Result<Graph<T, D>, GraphError> {
    let (mut net, x) = Builder::new(image);
    let sizes = Sizes { padding: [1, 1], ..Sizes::new(image.size(), image.channels, 4, [3, 3]) };
    let h = net.push("first", Convolution::new(sizes).unwrap(), &[x], Tanh).unwrap();
    let h = layer(&mut net, h)?;
    net.push("last", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    Ok(net.build(name.to_owned()))
}

fn pool(x: Value, kernel: [usize; 2], stride: [usize; 2], ceil: bool) -> Pool {
    let padding = [1, 0];
    Pool { input: x.shape.size(), channels: x.shape.channels, kernel, stride, padding, ceil }
}

/// One network for each layer and kind of setting.
pub(crate) fn networks<T: Element, D: Device<T>>() -> Vec<Graph<T, D>> {
    networks_for(IMAGE).into_iter().map(|graph| graph.expect("the image is large enough")).collect()
}

/// Those for images of a shape; an error for settings that do not fit it.
pub(crate) fn networks_for<T: Element, D: Device<T>>(
    image: Shape,
) -> Vec<Result<Graph<T, D>, GraphError>> {
    let sizes =
        |x: Value, outputs, kernel| Sizes::new(x.shape.size(), x.shape.channels, outputs, kernel);
    let convolve = move |name: &'static str, change: fn(Sizes) -> Sizes| {
        around(image, name, move |net, x| {
            let of = change(sizes(x, 6, [2, 3]));
            net.push("layer", Convolution::new(of)?, &[x], Silu)
        })
    };
    vec![
        convolve("convolution", |of| of),
        convolve("strided", |of| Sizes { stride: [2, 1], padding: [1, 2], ..of }),
        convolve("dilated", |of| Sizes { dilation: [2, 1], ..of }),
        convolve("grouped", |of| Sizes { groups: 2, ..of }),
        convolve("depthwise", |of| Sizes { outputs: 4, groups: 4, padding: [1, 1], ..of }),
        around(image, "without biases", |net, x| {
            let of = Convolution::new(sizes(x, 3, [1, 1]))?.without_bias();
            let h = net.push("layer", of, &[x], Relu6)?;
            net.push("linear", Linear::new(h.shape, 5).without_bias(), &[h], Tanh)
        }),
        around(image, "maxima", |net, x| {
            net.push("layer", MaxPool::new(pool(x, [3, 2], [2, 1], true))?, &[x], Identity)
        }),
        around(image, "means", |net, x| {
            net.push("layer", AveragePool::new(pool(x, [2, 3], [1, 2], false))?, &[x], Tanh)
        }),
        around(image, "means that count the padding", |net, x| {
            let padded = Pool { padding: [1, 1], ..pool(x, [3, 3], [1, 1], false) };
            net.push("layer", AveragePool::new(padded)?, &[x], Identity)
        }),
        around(image, "adaptive means", |net, x| {
            net.push("layer", AveragePool::adaptive(x.shape, [3, 3])?, &[x], Identity)
        }),
        around(image, "adaptive maxima", |net, x| {
            net.push("layer", MaxPool::adaptive(x.shape, [2, 3])?, &[x], Tanh)
        }),
        around(image, "batch normalisation", |net, x| {
            net.push("layer", BatchNorm::new(x.shape), &[x], Tanh)
        }),
        around(image, "group normalisation", |net, x| {
            net.push("layer", GroupNorm::new(x.shape, 2)?, &[x], Silu)
        }),
        around(image, "layer normalisation of positions", |net, x| {
            net.push("layer", GroupNorm::layer(x.shape)?, &[x], Silu)
        }),
        around(image, "layer normalisation of features", |net, x| {
            let h = net.push("features", Linear::new(x.shape, 6), &[x], Tanh)?;
            net.push("layer", GroupNorm::layer(h.shape)?.with_epsilon(0.1), &[h], Identity)
        }),
        around(image, "residual", |net, x| net.add("layer", &[x, x], Tanh)),
        around(image, "shortcut without parameters", |net, x| {
            let h = net.push("layer", Subsample::new(x.shape, 2, 7), &[x], Identity)?;
            net.push("again", Subsample::new(h.shape, 1, 7), &[h], Tanh)
        }),
        around(image, "auxiliary output", |net, x| {
            let head = net.push("auxiliary", Linear::new(x.shape, CLASSES), &[x], Identity)?;
            net.auxiliary(head, 0.4);
            net.push("layer", Linear::new(x.shape, 5), &[x], Silu)
        }),
        around(image, "stochastic depth", |net, x| {
            let branch = net.push("layer", StochasticDepth::new(x.shape, 0.5), &[x], Identity)?;
            net.add("sum", &[branch, x], Tanh)
        }),
        around(image, "dropout", |net, x| {
            net.push("layer", Dropout::new(x.shape, 0.3), &[x], Identity)
        }),
        around(image, "branches", |net, x| {
            let of = Sizes { padding: [0, 1], ..sizes(x, 3, [1, 3]) };
            let branch = net.push("branch", Convolution::new(of)?, &[x], Tanh)?;
            let both = Concatenate::new(&[x.shape, branch.shape]);
            net.push("layer", both, &[x, branch], Identity)
        }),
        around(image, "squeeze and excitation", |net, x| {
            let x = net.push("norm", BatchNorm::new(x.shape), &[x], Silu)?;
            let mean = net.push("mean", AveragePool::adaptive(x.shape, [1, 1])?, &[x], Identity)?;
            let fc1 = Convolution::new(sizes(mean, 2, [1, 1]))?;
            let h = net.push("fc1", fc1, &[mean], Silu)?;
            let fc2 = Convolution::new(sizes(h, x.shape.channels, [1, 1]))?;
            let factors = net.push("fc2", fc2, &[h], Sigmoid)?;
            net.push("layer", Scale::new(x.shape), &[x, factors], Identity)
        }),
    ]
}

/// Images of every height and every number of channels from 1 to 9, and the square ones.
pub(crate) fn images() -> impl Iterator<Item = Shape> {
    (1..10).flat_map(|n| [Shape::image(n, 10 - n, n), Shape::image(n, n, 10 - n)])
}
