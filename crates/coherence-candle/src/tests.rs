//! What is written over `TensorDevice` gives the processor's results with the CUDA kernels, which run on the
//! processor here.

use crate::{
    Network, Tap, TensorDevice,
    gradients::{example, measure},
    layer::scale_gradients,
    uses::{Parameter, Use, UseGradients},
};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{VarBuilder, VarMap};
use coherence_cpu::convolution::Convolution as Sizes;
use coherence_cuda::Host;
use coherence_nn::{
    Activation, Builder, Graph, Model, Shape,
    device::{self, Cpu, Cuda},
    layer::{BatchNorm, Convolution, Linear, Mode},
};

/// Values in [−1, 1] that depend on the seed alone.
fn draw(dims: &[usize], seed: f64) -> Result<Tensor> {
    let n = dims.iter().product::<usize>() as f32;
    Tensor::arange(0f32, n, &Device::Cpu)?.affine(0.7, seed)?.sin()?.reshape(dims)
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-6_f64, |most, x| most.max(x.abs()));
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-5 * largest, "{found:?}, expected {expected:?}");
    }
}

fn widened(x: &Tensor) -> Result<Vec<f64>> {
    x.flatten_all()?.to_dtype(DType::F64)?.to_vec1()
}

/// The values of S and of example 1, squared norms, and ‖S‖².
fn results<D: TensorDevice>(device: &D, uses: &[Use]) -> Result<Vec<Vec<f64>>> {
    let measured = measure(device, uses, uses[0].m)?;
    let (sum, example) = (widened(&measured.sum)?, widened(&example(device, uses, 1)?)?);
    Ok(vec![sum, example, measured.sq_norms, vec![measured.coherence.sq_norm_of_sum]])
}

#[test]
fn per_example_quantities_agree() -> Result<()> {
    let (m, kernel) = (3, Sizes { padding: [1, 1], ..Sizes::new([4, 5], 2, 3, [3, 3]) });
    let cases = [
        (vec![3, 4], UseGradients::Outer { a: draw(&[m, 4], 1.0)?, delta: draw(&[m, 3], 2.0)? }),
        (
            vec![3, 2, 3, 3],
            UseGradients::Convolution {
                of: kernel,
                x: draw(&[m, 4, 5, 2], 3.0)?,
                delta: draw(&[m, 4, 5, 3], 4.0)?,
            },
        ),
        (vec![6], UseGradients::Rows(draw(&[m, 6], 5.0)?)),
    ];
    for (dims, gradients) in cases {
        let parameter = Parameter { name: "w".to_owned(), tensor: draw(&dims, 0.0)? };
        let once = Use { parameter: parameter.clone(), m, gradients };
        let rows = UseGradients::Rows(draw(&[m, parameter.values()], 6.0)?);
        let twice = [once, Use { parameter, m, gradients: rows }];
        for uses in [&twice[..1], &twice] {
            let expected = results(&Cpu::detect(), uses)?;
            for (found, expected) in results(&Cuda::new(Host), uses)?.iter().zip(&expected) {
                close(found, expected);
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_of_scales_agree() -> Result<()> {
    let (x, delta) = (draw(&[3, 5, 4], 1.0)?, draw(&[3, 5, 4], 2.0)?);
    let expected = (&x * &delta)?.sum(1)?;
    for found in [
        scale_gradients(&Cpu::detect(), &x, &delta)?,
        scale_gradients(&Cuda::new(Host), &x, &delta)?,
    ] {
        close(&widened(&found)?, &widened(&expected)?);
    }
    Ok(())
}

/// A convolution, batch normalisation, and a linear layer.
fn graph<D: device::Device<f32>>() -> Graph<f32, D> {
    let valid = "a valid network";
    let (mut net, x) = Builder::new(Shape::image(7, 5, 3));
    let of = Sizes { stride: [2, 2], padding: [1, 1], ..Sizes::new([7, 5], 3, 4, [3, 3]) };
    let conv = Convolution::new(of).expect(valid);
    let h = net.push("conv", conv, &[x], Activation::Identity).expect(valid);
    let h = net.push("bn", BatchNorm::new(h.shape), &[h], Activation::Tanh).expect(valid);
    net.push("fc", Linear::new(h.shape, 3), &[h], Activation::Identity).expect(valid);
    net.build("small".to_owned())
}

/// Logits, the gradient for the input, sums and squared norms, and the statistics after a batch in training mode.
fn of_network<D: TensorDevice>(device: D) -> Result<Vec<Vec<f64>>> {
    let variables = VarMap::new();
    let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let network = Network::new(Model::zeros_on(device, graph()), vb)?;
    for (name, var) in variables.data().lock().expect("no panic").iter() {
        let shift = if name.ends_with("running_var") { 1.5 } else { 0.0 };
        var.set(&(draw(var.dims(), name.len() as f64)? + shift)?)?;
    }
    let (tap, x) = (Tap::new(), candle_core::Var::from_tensor(&draw(&[4, 3, 7, 5], 1.0)?)?);
    let logits = tap.record(|| network.forward_with_mode(&x, Mode::default()))?;
    let gradients = logits.sqr()?.sum_all()?.backward()?;
    let of_x = gradients.get(&x).expect("the input is a variable");
    let mut results = vec![widened(&logits)?, widened(of_x)?];
    for tensor in tap.measure()?.tensors() {
        results.extend([widened(&tensor.sum)?, tensor.sq_norms.clone()]);
    }
    network.forward_with_mode(&x, Mode { batch_statistics: true, dropout: None })?;
    let model = network.to_model()?;
    let statistics = model.device().to_host(model.statistics());
    results.push(statistics.into_iter().map(f64::from).collect());
    Ok(results)
}

#[test]
fn networks_agree() -> Result<()> {
    let (found, expected) = (of_network(Cuda::new(Host))?, of_network(Cpu::detect())?);
    assert_eq!(found.len(), expected.len());
    found.iter().zip(&expected).for_each(|(found, expected)| close(found, expected));
    Ok(())
}
