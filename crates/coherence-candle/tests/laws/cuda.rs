//! Taps and networks on a GPU: the results of the processor. With `COHERENCE_CUDA=required` all other laws of this
//! program run on the GPU, too.

use crate::{
    common::{Variables, device, gpu_is_required, indices, on, on_device, random, recorded},
    network::{graph, network},
};
use candle_core::{Device, Result, Tensor};
use candle_nn::{Conv2dConfig, Module, ModuleT};
use coherence_candle::{
    batch_norm, conv2d, embedding, group_norm, layer_norm, linear, linear_no_bias,
};
use coherence_nn::{Model, layer::Mode};

/// Results and their names.
type Results = Vec<(String, Vec<f64>)>;

fn widened(x: &Tensor) -> Vec<f64> {
    let values = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.into_iter().map(f64::from).collect()
}

/// What candle computes of a model over the batch x, and what is measured of it.
fn measured(
    variables: &Variables,
    x: &Tensor,
    model: &dyn Fn(&Tensor) -> Result<Tensor>,
) -> Results {
    let (per_example, gradients) = recorded(x, model);
    let mut results = vec![("outputs".to_owned(), widened(&model(x).unwrap()))];
    for tensor in per_example.measure().unwrap().tensors() {
        let (name, coherence) = (&tensor.name, &tensor.coherence);
        let gradient = widened(gradients.get(&variables.get(name)).unwrap());
        results.push((format!("{name}: candle's gradient"), gradient));
        results.push((format!("{name}: S"), widened(&tensor.sum)));
        results.push((format!("{name}: squared norms"), tensor.sq_norms.clone()));
        results.push((format!("{name}: alpha"), vec![coherence.alpha()]));
    }
    results
}

/// The gradients of example 1.
fn of_example(x: &Tensor, model: &dyn Fn(&Tensor) -> Result<Tensor>) -> Results {
    let per_example = recorded(x, model).0;
    let gradients = per_example.example(1).unwrap();
    let names = per_example.names().map(|name| format!("{name}: example 1"));
    names.zip(gradients.iter().map(widened)).collect()
}

/// Images through convolutions and normalisations.
fn images() -> Results {
    let variables = Variables::new();
    let vb = variables.builder();
    let config = Conv2dConfig { stride: 2, padding: 1, ..Default::default() };
    let conv = conv2d(3, 4, 3, config, vb.pp("conv")).unwrap();
    let bn = batch_norm(4, 1e-5, vb.pp("bn")).unwrap();
    let gn = group_norm(2, 4, 1e-5, vb.pp("gn")).unwrap();
    let fc = linear(48, 3, vb.pp("fc")).unwrap();
    let (variables, x) = (variables.randomize(), random(&[4, 3, 7, 5], 1));
    let model = |x: &Tensor| {
        let h = bn.forward_t(&conv.forward(x)?, false)?.tanh()?;
        fc.forward(&gn.forward(&h)?.flatten_from(1)?)
    };
    [measured(&variables, &x, &model), of_example(&x, &model)].concat()
}

/// Tokens through an embedding, a normalisation and a layer that is used twice.
fn tokens() -> Results {
    let variables = Variables::new();
    let vb = variables.builder();
    let token = embedding(5, 4, vb.pp("token")).unwrap();
    let norm = layer_norm(4, 1e-5, vb.pp("norm")).unwrap();
    let (twice, head) =
        (linear(4, 4, vb.pp("twice")).unwrap(), linear_no_bias(4, 3, vb.pp("head")).unwrap());
    let (variables, x) = (variables.randomize(), indices(&[4, 6], 5, 2));
    let model = |ids: &Tensor| {
        let h = twice.forward(&norm.forward(&token.forward(ids)?)?)?.tanh()?;
        head.forward(&twice.forward(&h)?)
    };
    [measured(&variables, &x, &model), of_example(&x, &model)].concat()
}

/// A network of our own; then the statistics of batches in training mode.
fn our_network() -> Results {
    let (variables, network) = on_device!(d => network(Model::zeros_on(d, graph())));
    let (variables, x) = (variables.randomize(), random(&[4, 3, 7, 5], 3));
    let mut results = measured(&variables, &x, &|x| network.forward(x));
    let training = Mode { batch_statistics: true, dropout: None };
    for _ in 0..2 {
        let y = network.forward_with_mode(&x, training).unwrap();
        results.push(("outputs in training".to_owned(), widened(&y)));
    }
    for name in ["bn.running_mean", "bn.running_var"] {
        results.push((name.to_owned(), widened(&variables.get(name))));
    }
    results
}

/// Relative to the largest value of the result.
#[track_caller]
fn agree(found: &Results, expected: &Results) {
    assert_eq!(found.len(), expected.len());
    for ((name, found), (of, expected)) in found.iter().zip(expected) {
        assert_eq!((name, found.len()), (of, expected.len()));
        let largest = expected.iter().fold(1e-6_f64, |most, x| most.max(x.abs()));
        for (at, (f, e)) in found.iter().zip(expected).enumerate() {
            assert!((f - e).abs() <= 1e-4 * largest, "{name}, value {at}: {f}, expected {e}");
        }
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "a law that was not tested says so")]
fn a_gpu_agrees_with_the_processor() {
    let results = || [images(), tokens(), our_network()].concat();
    let expected = on(&Device::Cpu, results);
    match Device::new_cuda(0) {
        Ok(gpu) => {
            let found = on(&gpu, || {
                assert!(device().is_cuda());
                results()
            });
            agree(&found, &expected);
            println!("{} results of cuda:0 are those of the processor", found.len());
        }
        Err(error) => {
            assert!(!gpu_is_required(), "{error}");
            println!("not run on a GPU: {error}");
        }
    }
}
