//! Factors captured from candle's autograd against our own backward pass.

use crate::common::Case;
use candle_core::{Device, Tensor, Var};
use coherence_nn::tap::Tap;

/// Runs the network of `case` in candle, with every layer tapped, including its backward pass.
fn tapped(case: &Case<f32>, tap: &Tap) -> candle_core::Result<()> {
    let device = Device::Cpu;
    let tensors = case.model.layout().tensors();
    let mut h = Tensor::from_slice(&case.x, (case.m, case.model.inputs()), &device)?;
    for (l, layer) in tensors.chunks(2).enumerate() {
        let [w, b] = [0, 1].map(|t| {
            let values = &case.model.parameters()[layer[t].range.clone()];
            Var::from_tensor(&Tensor::from_slice(values, layer[t].shape.clone(), &device)?)
        });
        let z = h.matmul(&w?.t()?)?.broadcast_add(b?.as_tensor())?;
        let z = tap.linear(&format!("fc{}", l + 1), &h, &z)?;
        h = if 2 * (l + 1) < tensors.len() { z.relu()? } else { z };
    }
    let labels = Tensor::from_slice(&case.labels, case.m, &device)?;
    (candle_nn::loss::cross_entropy(&h, &labels)? * case.m as f64)?.backward()?;
    Ok(())
}

#[test]
fn tapped_factors_equal_those_of_our_backward_pass() {
    for m in [1, 2, 3, 5, 8, 100] {
        let case = Case::<f32>::new(&[30, 24, 17, 10], m, 6).with_biases(6);
        let tap = Tap::new();
        tapped(&case, &tap).unwrap();
        let layers = tap.take().unwrap();
        let theirs = layers.iter().flat_map(|layer| [layer.weight(), layer.bias()]);
        let mut theirs = theirs.collect::<Vec<_>>().into_iter();
        case.factors(|ours| {
            let theirs = theirs.next().unwrap();
            assert_eq!((ours.name, ours.m), (theirs.name, theirs.m));
            let [mut x, mut y] = [(); 2].map(|()| vec![0.0; ours.range.len()]);
            for e in 0..m {
                ours.per_example(e, &mut x);
                theirs.per_example(e, &mut y);
                for (x, y) in x.iter().zip(&y) {
                    assert!((x - y).abs() < 1e-6, "m = {m}, {}: {x} {y}", ours.name);
                }
            }
            let [mut x, mut y] = [(); 2].map(|()| vec![0.0; m]);
            ours.sq_norms(&mut x);
            theirs.sq_norms(&mut y);
            x.iter().zip(&y).for_each(|(x, y)| assert!((x - y).abs() < 1e-5 * (1e-3 + x)));
        });
    }
}

#[test]
fn a_layer_that_the_backward_pass_did_not_reach_is_named() {
    let tap = Tap::new();
    let x = Tensor::new(&[[1f32]], &Device::Cpu).unwrap();
    tap.linear("head", &x, &x).unwrap();
    let message = tap.take().unwrap_err().to_string();
    assert!(message.contains("tap head: no delta"), "{message}");
}

#[test]
fn rows_that_disagree_are_refused() {
    let x = Tensor::new(&[[1f32], [2.0]], &Device::Cpu).unwrap();
    let z = Tensor::new(&[[1f32]], &Device::Cpu).unwrap();
    let message = Tap::new().linear("fc1", &x, &z).unwrap_err().to_string();
    assert!(message.contains("2 rows went in, 1 came out"), "{message}");
}
