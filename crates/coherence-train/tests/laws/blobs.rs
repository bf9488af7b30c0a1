//! A data set small enough for naive loops: three noisy clusters of six numbers, some labels corrupt.

use coherence_cpu::{convolution::Convolution as Sizes, pool::Pool};
use coherence_data::{Dataset, Designation, ReadError, Shape, Target, random};
use coherence_nn::{
    Activation::{Identity, Relu, Silu},
    Builder, Keep, Model, Value,
    device::Device,
    layer::{Convolution, GroupNorm, Linear, MaxPool},
    loss::{Loss, Targets, argmax},
    model::mlp,
};
use coherence_train::{Aggregation, Config, Examples, Trainer};

pub(crate) const FEATURES: usize = 6;
pub(crate) const CLASSES: usize = 3;
pub(crate) const WIDTHS: [usize; 4] = [FEATURES, 8, 7, CLASSES];

/// `n` examples; every fifth is corrupt.
#[derive(Clone, Copy)]
pub(crate) struct Blobs {
    pub(crate) n: usize,
    pub(crate) seed: u64,
}

impl Dataset for Blobs {
    fn len(&self) -> usize {
        self.n
    }

    fn shape(&self) -> Shape {
        Shape { channels: 1, height: 1, width: FEATURES }
    }

    fn classes(&self) -> usize {
        CLASSES
    }

    fn target(&self, i: usize) -> Target {
        assert!(i < self.n);
        if i % 5 == 4 {
            Target { label: (i / 5 % CLASSES) as u32, designation: Designation::Corrupt }
        } else {
            Target { label: (i % CLASSES) as u32, designation: Designation::Pristine }
        }
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let mut rng = random::stream(self.seed, &format!("blob {i}"));
        for (j, x) in input.iter_mut().enumerate() {
            let centre = if j % CLASSES == i % CLASSES { 1.0 } else { 0.0 };
            *x = (centre + 0.3 * random::normal(&mut rng)) as f32;
        }
        Ok(self.target(i))
    }
}

pub(crate) fn network() -> Model<f32> {
    Model::initialized(mlp(&WIDTHS).unwrap(), &mut random::stream(5, "initialisation"))
}

/// The beginning of a network over a row of six pixels: a convolution of 1 × 3, what `normalize` makes of it, and the
/// maxima of pairs.
pub(crate) fn beginning<D: Device<f32>>(
    normalize: impl FnOnce(&mut Builder<f32, D>, Value) -> Value,
) -> (Builder<f32, D>, Value) {
    let (mut net, x) = Builder::new(coherence_nn::Shape::image(1, FEATURES, 1));
    let sizes = Sizes { padding: [0, 1], ..Sizes::new([1, FEATURES], 1, 4, [1, 3]) };
    let z = net.push("conv1", Convolution::new(sizes).unwrap(), &[x], Identity).unwrap();
    let h = normalize(&mut net, z);
    let pool = Pool {
        input: h.shape.size(),
        channels: 4,
        kernel: [1, 2],
        stride: [1, 2],
        padding: [0, 0],
        ceil: false,
    };
    let h = net.push("pool", MaxPool::new(pool).unwrap(), &[h], Identity).unwrap();
    (net, h)
}

/// Group normalisation at the [`beginning`], then a depthwise convolution beside its input, and a linear layer, so
/// that there are factors of every kind.
fn convolutional() -> Model<f32> {
    let (mut net, h) = beginning(|net, z| {
        net.push("norm", GroupNorm::new(z.shape, 2).unwrap(), &[z], Relu).unwrap()
    });
    let sizes = Sizes { padding: [0, 1], groups: 4, ..Sizes::new(h.shape.size(), 4, 4, [1, 3]) };
    let z = net.push("conv2", Convolution::new(sizes).unwrap(), &[h], Silu).unwrap();
    let h = net.add("add", &[z, h], Identity).unwrap();
    net.push("fc", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    let graph = net.build("a convolutional network".to_owned());
    Model::initialized(graph, &mut random::stream(5, "initialisation"))
}

/// The networks that the laws of training and measuring hold for: perceptrons and networks of convolutions.
pub(crate) fn models() -> [Model<f32>; 2] {
    [network(), convolutional()]
}

/// Thirty steps in mini-batches of 20.
pub(crate) fn config(aggregation: Aggregation) -> Config {
    Config {
        batch: 20,
        steps: 30,
        aggregation,
        seed: 3,
        probe: 60,
        checkpoint_every: 7,
        ..Config::default()
    }
}

pub(crate) fn examples(data: &dyn Dataset) -> Examples {
    Examples::decode(data).unwrap()
}

pub(crate) fn trainer_of(model: &Model<f32>, config: Config) -> Trainer {
    let (train, test) = (Blobs { n: 110, seed: 1 }, Blobs { n: 40, seed: 2 });
    Trainer::new(config, model.clone(), examples(&train), examples(&test)).unwrap()
}

/// Processes `steps` mini-batches.
pub(crate) fn go(trainer: &mut Trainer, steps: usize) {
    for _ in 0..steps {
        trainer.advance().unwrap();
    }
}

/// Each example's gradient [d] from a batch of one, in f64, its loss, and whether it is correct.
pub(crate) fn one_by_one(model: &Model<f32>, data: &dyn Dataset) -> Vec<(Vec<f64>, f64, bool)> {
    let mut workspace = model.workspace(1, Keep::Activations);
    let mut x = vec![0.0; FEATURES];
    let mut gradient = vec![0.0; model.parameters().len()];
    (0..data.len())
        .map(|i| {
            let label = data.get(i, &mut x).unwrap().label;
            model.forward(&x, 1, &mut workspace);
            let right = argmax(workspace.logits()) == label as usize;
            let loss = workspace.loss(Loss::default(), Targets::Labels(&[label][..]), &mut [0.0]);
            model.gradient(&x, &mut workspace, &mut gradient);
            (gradient.iter().map(|&g| f64::from(g)).collect(), loss, right)
        })
        .collect()
}

#[test]
fn decoding_keeps_labels_and_designations() {
    let data = Blobs { n: 7, seed: 1 };
    let examples = Examples::decode(&data).unwrap();
    for i in 0..7 {
        let target = data.target(i);
        assert_eq!(
            (examples.labels()[i], examples.designations()[i]),
            (target.label, target.designation)
        );
    }
}
