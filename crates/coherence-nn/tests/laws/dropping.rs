//! Stochastic depth: whole examples are dropped, from a seeded stream.

use coherence_nn::{
    Activation::Identity, Builder, Keep, Model, Shape, layer::Mode, layer::StochasticDepth,
};

const P: f64 = 0.3;

/// The output for inputs of ones [m, 2, 3, 4].
fn output(m: usize, dropout: Option<u64>) -> Vec<f64> {
    let (mut net, x) = Builder::<f64>::new(Shape::image(2, 3, 4));
    net.push("depth", StochasticDepth::new(x.shape, P), &[x], Identity).unwrap();
    let model = Model::zeros(net.build("depth".to_owned()));
    let mut workspace = model.workspace(m, Keep::Logits);
    workspace.set_mode(Mode { batch_statistics: false, dropout });
    model.forward(&vec![1.0; m * 24], m, &mut workspace);
    workspace.logits().to_vec()
}

#[test]
fn stochastic_depth_is_the_identity_in_use() {
    assert_eq!(output(5, None), vec![1.0; 5 * 24]);
}

/// An example is dropped with probability p: of 4,000 the share is within 5 standard errors, except once
/// in a million seeds; the seed is fixed.
#[test]
fn stochastic_depth_drops_whole_examples_and_keeps_the_mean() {
    const M: usize = 4000;
    let output = output(M, Some(7));
    let kept = 1.0 / (1.0 - P);
    let dropped = output
        .chunks(24)
        .filter(|example| {
            assert!(example.iter().all(|&z| z == example[0]), "{example:?}");
            assert!(example[0] == 0.0 || (example[0] - kept).abs() < 1e-15, "{example:?}");
            example[0] == 0.0
        })
        .count();
    let share = dropped as f64 / M as f64;
    assert!((share - P).abs() < 5.0 * (P * (1.0 - P) / M as f64).sqrt(), "{share}");
}

#[test]
fn what_is_dropped_is_a_function_of_the_seed() {
    assert_eq!(output(64, Some(1)), output(64, Some(1)));
    assert_ne!(output(64, Some(1)), output(64, Some(2)));
    assert_eq!(output(64, Some(1))[..8 * 24], output(8, Some(1))[..]);
}
