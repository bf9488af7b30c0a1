//! Parameters that are used several times: the norm of the sum of the parts, against batches of one, which
//! candle's autograd sums itself.

use crate::common::{Variables, equals_batches_of_one, indices, random, recorded, sum_loss};
use candle_core::{D, Result, Tensor};
use candle_nn::{Conv2dConfig, Module};
use coherence_candle::{
    Conv2d, Linear, Tap, conv2d, embedding, layer_norm, linear, linear_no_bias,
};

#[test]
fn a_linear_layer_used_twice() {
    let variables = Variables::new();
    let layer = linear(4, 4, variables.builder().pp("fc")).unwrap();
    let variables = variables.randomize();
    for dims in [&[5, 4][..], &[5, 3, 4]] {
        let model = |x: &Tensor| layer.forward(&layer.forward(x)?.tanh()?);
        equals_batches_of_one(&variables, &random(dims, 1), &model);
    }
}

#[test]
fn two_layers_of_one_weight_and_two_biases() {
    let variables = Variables::new();
    let vb = variables.builder();
    let first = linear(4, 4, vb.pp("first")).unwrap();
    let bias = vb.get(4, "second.bias").unwrap();
    let second = Linear::new("second", first.weight().clone(), Some(bias));
    let variables = variables.randomize();
    let model = |x: &Tensor| second.forward(&first.forward(x)?.tanh()?);
    equals_batches_of_one(&variables, &random(&[5, 4], 2), &model);
}

#[test]
fn a_convolution_used_at_two_sizes_and_strides() {
    let variables = Variables::new();
    let config = Conv2dConfig { padding: 1, ..Default::default() };
    let first = conv2d(3, 3, 3, config, variables.builder().pp("conv")).unwrap();
    let variables = variables.randomize();
    let strided = Conv2dConfig { stride: 2, ..config };
    let second = Conv2d::new("conv", first.weight().clone(), first.bias().cloned(), strided);
    let model = |x: &Tensor| second.forward(&first.forward(x)?.tanh()?);
    equals_batches_of_one(&variables, &random(&[3, 3, 7, 5], 3), &model);
}

#[test]
fn an_embedding_tied_to_the_head() {
    let variables = Variables::new();
    let table = embedding(5, 4, variables.builder().pp("table")).unwrap();
    let head = Linear::new("head", table.embeddings().clone(), None);
    let variables = variables.randomize();
    let model = |ids: &Tensor| head.forward(&table.forward(ids)?.tanh()?);
    equals_batches_of_one(&variables, &indices(&[4, 6], 5, 4), &model);
}

/// A transformer block of one head, whose normalisation is used twice.
#[test]
fn a_transformer_block() {
    let variables = Variables::new();
    let vb = variables.builder();
    let (token, norm) =
        (embedding(5, 4, vb.pp("token")).unwrap(), layer_norm(4, 1e-5, vb.pp("norm")).unwrap());
    let qkv = ["q", "k", "v"].map(|name| linear_no_bias(4, 4, vb.pp(name)).unwrap());
    let (mlp, head) = (linear(4, 4, vb.pp("mlp")).unwrap(), linear(4, 3, vb.pp("head")).unwrap());
    let variables = variables.randomize();
    let model = |ids: &Tensor| {
        let x = token.forward(ids)?;
        let normalized = norm.forward(&x)?;
        let [q, k, v] = [0, 1, 2].map(|n| qkv[n].forward(&normalized));
        let weights = candle_nn::ops::softmax(&q?.matmul(&k?.t()?)?, D::Minus1)?;
        let x = (x + weights.matmul(&v?)?)?;
        let x = (&x + mlp.forward(&norm.forward(&x)?)?.gelu()?)?;
        head.forward(&x.mean(1)?)
    };
    equals_batches_of_one(&variables, &indices(&[3, 6], 5, 5), &model);
}

#[test]
fn two_recordings_before_one_backward_pass_are_taken_together() {
    let variables = Variables::new();
    let layer = linear(2, 2, variables.builder().pp("fc")).unwrap();
    let variables = variables.randomize();
    let (x, tap) = (random(&[3, 2], 1), Tap::new());
    let two = |forward: &dyn Fn(&Tensor) -> Result<Tensor>| forward(&x)? + forward(&(&x * 2.0)?)?;
    let y = two(&|x| tap.record(|| layer.forward(x))).unwrap();
    sum_loss(&y).unwrap().backward().unwrap();
    let model = |_: &Tensor| two(&|x| layer.forward(x));
    let expected = recorded(&x, &model).0.measure().unwrap();
    let found = tap.measure().unwrap();
    assert_eq!(found.sq_norms(), expected.sq_norms());
    equals_batches_of_one(&variables, &x, &|x| layer.forward(x)? + layer.forward(&(x * 2.0)?)?);
}

#[test]
fn an_inner_recording_belongs_to_the_inner_tap() {
    let variables = Variables::new();
    let vb = variables.builder();
    let (fc1, fc2) = (linear(2, 2, vb.pp("fc1")).unwrap(), linear(2, 2, vb.pp("fc2")).unwrap());
    let [outer, inner] = [(); 2].map(|()| Tap::new());
    let y = outer.record(|| {
        let x = inner.record(|| fc1.forward(&random(&[3, 2], 1))).unwrap();
        fc2.forward(&x).unwrap()
    });
    y.sum_all().unwrap().backward().unwrap();
    let names = |tap: &Tap| tap.take().unwrap().names().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        (names(&outer), names(&inner)),
        (
            vec!["fc2.weight".to_owned(), "fc2.bias".to_owned()],
            vec!["fc1.weight".to_owned(), "fc1.bias".to_owned()]
        )
    );
}
