//! A network, some digits, and the digits' gradients one by one.

use coherence_data::{Dataset, digits, noise::LabelNoise, random, select};
use coherence_nn::{
    Keep, Model,
    loss::{Loss, Targets},
    model::mlp,
};

/// `n` training digits, a quarter of them with permuted labels.
pub(crate) fn noisy(n: usize) -> impl Dataset {
    let (digits, _) = select::split(digits::train(), n).unwrap();
    LabelNoise::permute(digits, 0.25, 1).unwrap()
}

/// A network like the papers', but narrower, with its initial weights.
pub(crate) fn network() -> Model<f32> {
    let network = mlp(&[784, 16, 12, 10]).unwrap();
    Model::initialized(network, &mut random::stream(1, "initialisation"))
}

/// The gradients [n][d] of the examples `indices`, materialised from batches of one.
pub(crate) fn gradients(
    model: &Model<f32>,
    data: &dyn Dataset,
    indices: &[usize],
) -> Vec<Vec<f32>> {
    let (mut workspace, mut x) = (model.workspace(1, Keep::Activations), vec![0.0; 784]);
    let one = |&i: &usize| {
        let label = data.get(i, &mut x).unwrap().label;
        model.forward(&x, 1, &mut workspace);
        workspace.loss(Loss::default(), Targets::Labels(&[label][..]), &mut [0.0]);
        let mut gradient = vec![0.0; model.parameters().len()];
        model.gradient(&x, &mut workspace, &mut gradient);
        gradient
    };
    indices.iter().map(one).collect()
}
