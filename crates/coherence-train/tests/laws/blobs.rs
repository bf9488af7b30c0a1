//! A data set small enough for naive loops: three noisy clusters of six numbers, some labels corrupt.

use coherence_data::{Dataset, Designation, ReadError, Shape, Target, random};
use coherence_nn::{
    Keep, Model,
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

pub(crate) fn trainer(config: Config) -> Trainer {
    let (train, test) = (Blobs { n: 110, seed: 1 }, Blobs { n: 40, seed: 2 });
    Trainer::new(config, network(), examples(&train), examples(&test)).unwrap()
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
