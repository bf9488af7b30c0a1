//! Every tapped layer: its forward pass is candle_nn's, and its per-example quantities are those of the
//! loop over batches of one through candle's autograd.

use crate::common::{Variables, close, equals_batches_of_one, indices, random, recorded};
use candle_core::{DType, IndexOp, Tensor};
use candle_nn::{BatchNormConfig, Conv2dConfig, LayerNormConfig, Module, ModuleT};
use coherence_candle::{
    batch_norm, conv2d, conv2d_no_bias, embedding, group_norm, layer_norm, linear, linear_no_bias,
};

/// Builds a layer, sets its parameters to random values, and holds it against batches of one over `x` and
/// against the layer of candle_nn with the same parameters.
macro_rules! check {
    ($layer:ident, ($($argument:expr),*), $x:expr) => {{
        let (variables, x): (_, Tensor) = (Variables::new(), $x);
        let vb = variables.builder().pp("layer");
        let layer = $layer($($argument,)* vb.clone()).unwrap();
        let theirs = candle_nn::$layer($($argument,)* vb).unwrap();
        let variables = variables.randomize();
        let model = |x: &Tensor| layer.forward_t(x, false);
        close(stringify!($layer), &model(&x).unwrap(), &theirs.forward_t(&x, false).unwrap());
        equals_batches_of_one(&variables, &x, &model);
    }};
}

#[test]
fn linear_layers_at_one_position_and_in_sequences() {
    for dims in [&[5, 4][..], &[1, 4], &[5, 1, 4], &[5, 3, 4], &[2, 3, 2, 4]] {
        check!(linear, (4, 3), random(dims, 1));
        check!(linear_no_bias, (4, 3), random(dims, 2));
    }
}

/// candle_nn's own layer is wrong here: its product takes the rows of a transposed batch for those of one
/// matrix.
#[test]
fn a_sequence_that_is_not_contiguous() {
    let variables = Variables::new();
    let layer = linear(4, 3, variables.builder().pp("layer")).unwrap();
    let (variables, x) = (variables.randomize(), random(&[5, 4, 6], 3).transpose(1, 2).unwrap());
    let model = |x: &Tensor| layer.forward(x);
    close("layer", &model(&x).unwrap(), &model(&x.contiguous().unwrap()).unwrap());
    equals_batches_of_one(&variables, &x, &model);
}

#[test]
fn convolutions_of_all_settings() {
    let plain = Conv2dConfig::default();
    let x = || random(&[4, 4, 7, 5], 4);
    check!(conv2d, (4, 6, 3, plain), x());
    check!(conv2d_no_bias, (4, 6, 1, plain), x());
    check!(conv2d, (4, 6, 3, Conv2dConfig { stride: 2, padding: 1, ..plain }), x());
    check!(conv2d, (4, 2, 2, Conv2dConfig { dilation: 2, ..plain }), x());
    check!(conv2d, (4, 6, 3, Conv2dConfig { groups: 2, padding: 2, ..plain }), x());
    check!(conv2d, (4, 4, 3, Conv2dConfig { groups: 4, ..plain }), x());
    check!(conv2d, (4, 5, 6, plain), random(&[4, 4, 6, 6], 5)); // one position
}

#[test]
fn batch_normalisation_in_evaluation_mode() {
    for dims in [&[5, 3][..], &[5, 3, 4], &[4, 3, 2, 5]] {
        check!(batch_norm, (3, 1e-5), random(dims, 6));
    }
    check!(
        batch_norm,
        (3, BatchNormConfig { remove_mean: true, eps: 0.1, ..Default::default() }),
        random(&[4, 3, 2, 5], 7)
    );
}

#[test]
fn group_normalisation() {
    for groups in [1, 2, 4] {
        check!(group_norm, (groups, 4, 1e-5), random(&[5, 4, 3, 2], 8));
    }
    check!(group_norm, (2, 4, 1e-3), random(&[5, 4, 3], 9));
}

#[test]
fn layer_normalisation() {
    let affine = LayerNormConfig::default();
    for config in [
        affine,
        LayerNormConfig { affine: false, ..affine },
        LayerNormConfig { remove_mean: false, affine: false, eps: 1e-3 },
    ] {
        for dims in [&[5, 6][..], &[5, 3, 6], &[4, 2, 3, 6]] {
            check!(layer_norm, (6, config), random(dims, 10));
        }
    }
}

#[test]
fn embeddings_with_repeated_indices() {
    for dims in [&[6][..], &[5, 8], &[3, 2, 4]] {
        check!(embedding, (4, 3), indices(dims, 4, 11));
        check!(embedding, (4, 3), indices(dims, 4, 12).to_dtype(DType::I64).unwrap());
        check!(embedding, (4, 3), indices(dims, 4, 13).to_dtype(DType::U8).unwrap());
    }
}

/// Two equal tokens with deltas 1 and 2 have the gradient 3, whose square is not 1 + 4.
#[test]
fn a_token_that_is_repeated_is_summed_before_the_norm() {
    let variables = Variables::new();
    let table = embedding(2, 1, variables.builder().pp("table")).unwrap();
    let variables = variables.randomize();
    let ids = Tensor::new(&[[1u32, 1], [0, 1]], table.embeddings().device()).unwrap();
    let weights = Tensor::new(&[[[1f32], [2.0]], [[3.0], [4.0]]], ids.device()).unwrap();
    // The loss has δ = w (y + 1) with y = w · row; a row of −1 + 1/w makes δ = w.
    variables
        .get("table.weight")
        .set(&Tensor::new(&[[0f32], [0.0]], ids.device()).unwrap())
        .unwrap();
    let (per_example, _) = recorded(&ids, &|ids| table.forward(ids)? * &weights);
    let measured = per_example.measure().unwrap();
    assert_eq!(measured.tensors()[0].sq_norms, [9.0, 25.0]);
    assert_eq!(
        measured.tensors()[0].sum.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
        [3.0, 7.0]
    );
}

/// candle returns zeros for the largest index of the type, which then has no gradient.
#[test]
fn the_largest_index_is_no_row() {
    let variables = Variables::new();
    let table = embedding(4, 3, variables.builder().pp("table")).unwrap();
    let variables = variables.randomize();
    let ids = Tensor::new(&[[1u32, u32::MAX], [3, 1]], table.embeddings().device()).unwrap();
    assert_eq!(table.forward(&ids).unwrap().i((0, 1, 0)).unwrap().to_scalar::<f32>().unwrap(), 0.0);
    equals_batches_of_one(&variables, &ids, &|ids| table.forward(ids));
}

#[test]
fn layers_that_are_not_recorded_leave_no_trace() {
    let variables = Variables::new();
    let layer = linear(4, 3, variables.builder()).unwrap();
    let (per_example, _) = recorded(&random(&[2, 4], 1), &|x| layer.forward(x));
    assert_eq!(per_example.names().collect::<Vec<_>>(), ["weight", "bias"]);
    let tap = coherence_candle::Tap::new();
    layer.forward(&random(&[2, 4], 1)).unwrap();
    let measured = tap.measure().unwrap();
    assert!(measured.tensors().is_empty() && measured.network().alpha().is_nan());
}

#[test]
fn parameters_of_one_layer_are_measured_together() {
    let variables = Variables::new();
    let vb = variables.builder();
    let (fc1, fc2) =
        (linear(4, 3, vb.pp("a").pp("fc1")).unwrap(), linear(3, 2, vb.pp("fc2")).unwrap());
    let model = |x: &Tensor| fc2.forward(&fc1.forward(x)?.tanh()?);
    let measured = recorded(&random(&[3, 4], 1), &model).0.measure().unwrap();
    let layers = measured.layers();
    assert_eq!(layers.iter().map(|l| l.0).collect::<Vec<_>>(), ["a.fc1", "fc2"]);
    let tensors = measured.tensors();
    let q = tensors[0].coherence.sum_sq_norms + tensors[1].coherence.sum_sq_norms;
    assert_eq!(layers[0].1.sum_sq_norms, q);
    let norms: f64 = measured.sq_norms().iter().sum();
    assert!((measured.network().sum_sq_norms - norms).abs() < 1e-9 * norms);
}
