//! A network with an auxiliary output is trained on the loss of both outputs.

use crate::blobs::{Blobs, CLASSES, FEATURES, config, examples, go};
use coherence_data::{Dataset, random};
use coherence_nn::{
    Activation::{Identity, Relu},
    Builder, Keep, Model, Shape,
    layer::Linear,
    loss::{Loss, Targets},
};
use coherence_tests::naive;
use coherence_train::{Aggregation, Config, Trainer};

const TRAIN: Blobs = Blobs { n: 60, seed: 1 };

fn network() -> Model<f32> {
    let (mut net, x) = Builder::new(Shape::features(FEATURES));
    let h = net.push("fc1", Linear::new(x.shape, 5), &[x], Relu).unwrap();
    let head = net.push("head", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    net.auxiliary(head, 0.4);
    net.push("fc2", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    let graph = net.build("two heads".to_owned());
    Model::initialized(graph, &mut random::stream(5, "initialisation"))
}

/// Each example's gradient [d] of the loss of both outputs.
fn one_by_one(model: &Model<f32>) -> Vec<Vec<f64>> {
    let mut workspace = model.workspace(1, Keep::Activations);
    let (mut x, mut gradient) = ([0.0; FEATURES], vec![0.0; model.parameters().len()]);
    let gradients = (0..TRAIN.n).map(|i| {
        let label = TRAIN.get(i, &mut x).unwrap().label;
        model.forward(&x, 1, &mut workspace);
        workspace.loss(Loss::default(), Targets::Labels(&[label][..]), &mut [0.0]);
        model.gradient(&x, &mut workspace, &mut gradient);
        gradient.iter().map(|&g| f64::from(g)).collect()
    });
    gradients.collect()
}

/// What a rule makes of one coordinate of all gradients.
type Rule = fn(&[f64]) -> f64;

#[test]
fn a_step_follows_the_loss_of_both_outputs() {
    let rules: [(Aggregation, Rule); 3] = [
        (Aggregation::Mean, naive::aggregate::mean),
        (Aggregation::Winsorized { clip: 3 }, |column| naive::aggregate::winsorized(column, 3)),
        // the median of as many groups as examples does not depend on the order of the mini-batch
        (Aggregation::MedianOfMeans { groups: TRAIN.n }, naive::aggregate::median),
    ];
    for (rule, expected) in rules {
        let of = Config { batch: TRAIN.n, rate: 1.0, ..config(rule) };
        let mut trainer = Trainer::new(of, network(), examples(&TRAIN), examples(&TRAIN)).unwrap();
        let gradients = one_by_one(trainer.model());
        let before = trainer.model().parameters().to_vec();
        go(&mut trainer, 1);
        let head = trainer.model().layout().tensors().iter().find(|t| t.name == "head.weight");
        let head = head.expect("the auxiliary output has weights").range.clone();
        assert_ne!(trainer.model().parameters()[head.clone()], before[head], "{rule}");
        for (j, (after, before)) in trainer.model().parameters().iter().zip(before).enumerate() {
            let column: Vec<f64> = gradients.iter().map(|gradient| gradient[j]).collect();
            let expected = f64::from(before) - expected(&column);
            assert!((f64::from(*after) - expected).abs() < 1e-6, "{rule} at {j}");
        }
    }
}
