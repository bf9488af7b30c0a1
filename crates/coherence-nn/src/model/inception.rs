//! Inception-V3.

use super::{
    global_average,
    normalized::{Normalization, Normalized, normalized_convolution},
    square_pool,
};
use crate::{
    Activation::{Identity, Relu},
    Builder, Graph, GraphError, Initial, Shape, Value,
    device::Device,
    layer::{AveragePool, Concatenate, Dropout, Linear, MaxPool},
};
use coherence_cpu::{Element, convolution, pool::Pool};

/// Inception-V3: five convolutions, eleven modules of parallel branches, the mean over all positions,
/// dropout of one half and a linear layer. With `auxiliary`, a second head reads the output of the
/// eighth module; its loss counts 0.4 ([`Workspace::loss`](crate::Workspace::loss)), as in torchvision's
/// reference training.
///
/// Names, arithmetic and initialisation are those of torchvision's `inception_v3`, with
/// `aux_logits=auxiliary`. Weights are N(0, 1) · 0.1 (0.001 in the auxiliary linear layer): torchvision
/// truncates them at ±2, which is at least 20 standard deviations.
///
/// ```
/// use coherence_nn::{Graph, Shape, model::inception_v3};
/// let network: Graph<f32> = inception_v3(Shape::image(299, 299, 3), 1000, true)?;
/// assert_eq!(network.layout().parameters(), 27_161_264);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
///
/// Source: Szegedy et al. (2016), *Rethinking the Inception Architecture for Computer Vision*
/// (arXiv 1512.00567).
///
/// # Errors
///
/// [`GraphError`] if there are no classes or the image is smaller than 75², with an auxiliary head
/// 299².
pub fn inception_v3<T: Element, D: Device<T>>(
    input: Shape,
    classes: usize,
    auxiliary: bool,
) -> Result<Graph<T, D>, GraphError> {
    let [height, width] = input.size();
    if auxiliary && height.min(width) < LEAST_WITH_HEAD {
        return Err(GraphError::Auxiliary(height, width));
    }
    let (mut net, x) = Builder::new(input);
    let mut stem = Module { net: &mut net, prefix: String::new() };
    let x = stem.chain(
        x,
        &[
            ("Conv2d_1a_3x3", 32, [3, 3], Places::EverySecond),
            ("Conv2d_2a_3x3", 32, [3, 3], Places::Inner),
            ("Conv2d_2b_3x3", 64, [3, 3], Places::All),
        ],
    )?;
    let x = stem.maxima("maxpool1", x)?;
    let x = stem.chain(
        x,
        &[
            ("Conv2d_3b_1x1", 80, [1, 1], Places::All),
            ("Conv2d_4a_3x3", 192, [3, 3], Places::Inner),
        ],
    )?;
    let mut x = stem.maxima("maxpool2", x)?;
    for (name, pooled) in [("5b", 32), ("5c", 64), ("5d", 64)] {
        x = Module::new(&mut net, name).a(x, pooled)?;
    }
    x = Module::new(&mut net, "6a").b(x)?;
    for (name, width) in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)] {
        x = Module::new(&mut net, name).c(x, width)?;
    }
    if auxiliary {
        let head = auxiliary_head(&mut net, x, classes)?;
        net.auxiliary(head, AUXILIARY_WEIGHT);
    }
    x = Module::new(&mut net, "7a").d(x)?;
    for name in ["7b", "7c"] {
        x = Module::new(&mut net, name).e(x)?;
    }
    let x = global_average(&mut net, "avgpool", x)?;
    let x = net.push("dropout", Dropout::new(x.shape, 0.5), &[x], Identity)?;
    linear(&mut net, "fc", x, classes, STD)?;
    let suffix = if auxiliary { "" } else { " without auxiliary head" };
    Ok(net.build(format!("inception_v3{suffix} {input} to {classes}")))
}

/// The least height and width of images for which the kernels of the auxiliary head fit its input.
const LEAST_WITH_HEAD: usize = 299;

/// What the loss of the auxiliary head counts.
const AUXILIARY_WEIGHT: f64 = 0.4;

/// The second head: `InceptionAux`.
fn auxiliary_head<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    x: Value,
    classes: usize,
) -> Result<Value, GraphError> {
    let pool = AveragePool::new(square_pool(x.shape, 5, 3))?;
    let x = net.push("AuxLogits.means", pool, &[x], Identity)?;
    let mut head = Module { net, prefix: "AuxLogits.".to_owned() };
    let x = head
        .chain(x, &[("conv0", 128, [1, 1], Places::All), ("conv1", 768, [5, 5], Places::Inner)])?;
    let x = global_average(net, "AuxLogits.avgpool", x)?;
    linear(net, "AuxLogits.fc", x, classes, 0.001)
}

fn linear<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    name: &str,
    x: Value,
    classes: usize,
    std: f64,
) -> Result<Value, GraphError> {
    let bound = 1.0 / (x.shape.values() as f64).sqrt();
    let layer = Linear::new(x.shape, classes)
        .with_initial(Initial::Normal { std }, Initial::Uniform { bound });
    net.push(name, layer, &[x], Identity)
}

/// The standard deviation of the initial weights.
const STD: f64 = 0.1;

/// The centres of a convolution's kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    /// All positions of the input; the padding keeps height and width.
    All,
    /// All positions whose kernels are within the input.
    Inner,
    /// Every second one of these.
    EverySecond,
}

/// A convolution: its name, outputs, kernel and places.
type Step<'a> = (&'a str, usize, [usize; 2], Places);

/// A module of parallel branches under construction.
struct Module<'a, T: Element, D: Device<T>> {
    net: &'a mut Builder<T, D>,
    prefix: String,
}

impl<'a, T: Element, D: Device<T>> Module<'a, T, D> {
    fn new(net: &'a mut Builder<T, D>, name: &str) -> Self {
        Self { net, prefix: format!("Mixed_{name}.") }
    }

    /// Convolutions one after the other, each with batch normalisation and ReLU.
    fn chain(&mut self, mut x: Value, steps: &[Step]) -> Result<Value, GraphError> {
        for &(name, outputs, kernel, places) in steps {
            let stride = if places == Places::EverySecond { 2 } else { 1 };
            let padding = kernel.map(|k| if places == Places::All { k / 2 } else { 0 });
            let of = convolution::Convolution {
                stride: [stride, stride],
                padding,
                ..convolution::Convolution::new(x.shape.size(), x.shape.channels, outputs, kernel)
            };
            let [conv, norm] = ["conv", "bn"].map(|part| format!("{}{name}.{part}", self.prefix));
            let convolution = Normalized {
                names: [&conv, &norm],
                of,
                std: STD,
                normalization: Normalization::Batch { epsilon: 0.001 },
                activation: Relu,
            };
            x = normalized_convolution(self.net, x, convolution)?;
        }
        Ok(x)
    }

    /// The maxima of 3 × 3 with stride 2.
    fn maxima(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        let pool = MaxPool::new(square_pool(x.shape, 3, 2))?;
        self.net.push(&format!("{}{name}", self.prefix), pool, &[x], Identity)
    }

    /// The means of 3 × 3, zeros of the padding counted, then a 1 × 1 convolution.
    fn pooled(&mut self, x: Value, outputs: usize) -> Result<Value, GraphError> {
        let pool = Pool { padding: [1, 1], ..square_pool(x.shape, 3, 1) };
        let name = format!("{}avgpool", self.prefix);
        let means = self.net.push(&name, AveragePool::new(pool)?, &[x], Identity)?;
        self.chain(means, &[("branch_pool", outputs, [1, 1], Places::All)])
    }

    fn join(&mut self, branches: &[Value]) -> Result<Value, GraphError> {
        let shapes: Vec<Shape> = branches.iter().map(|branch| branch.shape).collect();
        let name = format!("{}concatenate", self.prefix);
        self.net.push(&name, Concatenate::new(&shapes), branches, Identity)
    }

    /// Figure 5 of the paper, with a 5 × 5 convolution: `InceptionA`.
    fn a(&mut self, x: Value, pooled: usize) -> Result<Value, GraphError> {
        use Places::All;
        let one = self.chain(x, &[("branch1x1", 64, [1, 1], All)])?;
        let five =
            self.chain(x, &[("branch5x5_1", 48, [1, 1], All), ("branch5x5_2", 64, [5, 5], All)])?;
        let double = self.chain(
            x,
            &[
                ("branch3x3dbl_1", 64, [1, 1], All),
                ("branch3x3dbl_2", 96, [3, 3], All),
                ("branch3x3dbl_3", 96, [3, 3], All),
            ],
        )?;
        let pool = self.pooled(x, pooled)?;
        self.join(&[one, five, double, pool])
    }

    /// Figure 10, which halves height and width: `InceptionB`.
    fn b(&mut self, x: Value) -> Result<Value, GraphError> {
        use Places::{All, EverySecond};
        let three = self.chain(x, &[("branch3x3", 384, [3, 3], EverySecond)])?;
        let double = self.chain(
            x,
            &[
                ("branch3x3dbl_1", 64, [1, 1], All),
                ("branch3x3dbl_2", 96, [3, 3], All),
                ("branch3x3dbl_3", 96, [3, 3], EverySecond),
            ],
        )?;
        let pool = self.maxima("maxpool", x)?;
        self.join(&[three, double, pool])
    }

    /// Figure 6 with n = 7 and `width` channels within the branches: `InceptionC`.
    fn c(&mut self, x: Value, width: usize) -> Result<Value, GraphError> {
        use Places::All;
        let one = self.chain(x, &[("branch1x1", 192, [1, 1], All)])?;
        let seven = self.chain(
            x,
            &[
                ("branch7x7_1", width, [1, 1], All),
                ("branch7x7_2", width, [1, 7], All),
                ("branch7x7_3", 192, [7, 1], All),
            ],
        )?;
        let double = self.chain(
            x,
            &[
                ("branch7x7dbl_1", width, [1, 1], All),
                ("branch7x7dbl_2", width, [7, 1], All),
                ("branch7x7dbl_3", width, [1, 7], All),
                ("branch7x7dbl_4", width, [7, 1], All),
                ("branch7x7dbl_5", 192, [1, 7], All),
            ],
        )?;
        let pool = self.pooled(x, 192)?;
        self.join(&[one, seven, double, pool])
    }

    /// The second module that halves height and width: `InceptionD`.
    fn d(&mut self, x: Value) -> Result<Value, GraphError> {
        use Places::{All, EverySecond};
        let three = self.chain(
            x,
            &[("branch3x3_1", 192, [1, 1], All), ("branch3x3_2", 320, [3, 3], EverySecond)],
        )?;
        let seven = self.chain(
            x,
            &[
                ("branch7x7x3_1", 192, [1, 1], All),
                ("branch7x7x3_2", 192, [1, 7], All),
                ("branch7x7x3_3", 192, [7, 1], All),
                ("branch7x7x3_4", 192, [3, 3], EverySecond),
            ],
        )?;
        let pool = self.maxima("maxpool", x)?;
        self.join(&[three, seven, pool])
    }

    /// Figure 7, whose branches split once more: `InceptionE`.
    fn e(&mut self, x: Value) -> Result<Value, GraphError> {
        use Places::All;
        let one = self.chain(x, &[("branch1x1", 320, [1, 1], All)])?;
        let three = self.chain(x, &[("branch3x3_1", 384, [1, 1], All)])?;
        let double = self.chain(
            x,
            &[("branch3x3dbl_1", 448, [1, 1], All), ("branch3x3dbl_2", 384, [3, 3], All)],
        )?;
        let three = [
            self.chain(three, &[("branch3x3_2a", 384, [1, 3], All)])?,
            self.chain(three, &[("branch3x3_2b", 384, [3, 1], All)])?,
        ];
        let double = [
            self.chain(double, &[("branch3x3dbl_3a", 384, [1, 3], All)])?,
            self.chain(double, &[("branch3x3dbl_3b", 384, [3, 1], All)])?,
        ];
        let pool = self.pooled(x, 192)?;
        self.join(&[one, three[0], three[1], double[0], double[1], pool])
    }
}
