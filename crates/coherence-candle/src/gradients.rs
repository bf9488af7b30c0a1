//! The per-example gradients of all parameters of a recorded pass.
//!
//! Legend: m: examples, d: values of a parameter, S = Σ_e g_e, Q = Σ_e ‖g_e‖².

use crate::{
    TapMeasurement, TensorDevice, TensorMeasurement,
    device::on_device,
    uses::{Parameter, Use},
};
use candle_core::{Result, Tensor, bail};
use coherence_core::Coherence;
use coherence_cpu::product::Output;

/// The per-example gradients of the SUM loss, parameter by parameter, as factors.
///
/// A parameter that is used several times has one entry: its gradient is the sum over the uses. Two
/// uses are of one parameter if the layers hold the same variable.
#[derive(Debug)]
pub struct PerExampleGradients {
    m: usize,
    /// The uses of each parameter.
    parameters: Vec<Vec<Use>>,
}

impl PerExampleGradients {
    /// Sorts uses by parameter, in the order of the first use.
    pub(crate) fn new(uses: impl Iterator<Item = Use>) -> Result<Self> {
        let mut parameters: Vec<Vec<Use>> = Vec::new();
        for next in uses {
            let (Parameter { name, tensor }, first) = (&next.parameter, parameters.first());
            if let Some(first) = first.map(|uses| &uses[0]).filter(|first| first.m != next.m) {
                bail!(
                    "{} had {} examples, {name} {} (the first axis of every layer's input must be the \
                     example: broadcast what all examples share)",
                    first.parameter.name,
                    first.m,
                    next.m
                );
            }
            let same = |uses: &&mut Vec<Use>| uses[0].parameter.tensor.id() == tensor.id();
            if let Some(uses) = parameters.iter_mut().find(same) {
                uses.push(next);
            } else if parameters.iter().any(|uses| uses[0].parameter.name == *name) {
                bail!(
                    "two tensors are called {name} (give each layer a prefix: vb.pp(\"name\"); to use a \
                     layer twice, clone it)"
                );
            } else {
                parameters.push(vec![next]);
            }
        }
        Ok(Self { m: parameters.first().map_or(0, |uses| uses[0].m), parameters })
    }

    /// The number of examples m.
    pub fn examples(&self) -> usize {
        self.m
    }

    /// The names of the parameters, in the order of their first use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|uses| &uses[0].parameter.name[..])
    }

    /// The gradients of example `e`, one tensor for each parameter, of its shape. For all examples this
    /// takes m times the memory of the model.
    ///
    /// # Errors
    ///
    /// If `e` is not below m, or the parameter is one of a [`Network`](crate::Network), whose
    /// backward pass keeps sums and norms only.
    pub fn example(&self, e: usize) -> Result<Vec<Tensor>> {
        if e >= self.m {
            bail!("example {e} of {} (count from 0)", self.m);
        }
        let gradient = |uses: &Vec<Use>| {
            let Parameter { tensor, .. } = &uses[0].parameter;
            let gradient = on_device!(tensor.device(), device => example(&device, uses, e))?;
            uses[0].parameter.shaped(&gradient)
        };
        self.parameters.iter().map(gradient).collect()
    }

    /// S, the squared norm of each example's gradient, and α of every parameter.
    ///
    /// # Errors
    ///
    /// If a parameter of a [`Network`](crate::Network) is used more than once.
    pub fn measure(&self) -> Result<TapMeasurement> {
        let tensors = self.parameters.iter().map(|uses| {
            let Parameter { tensor, .. } = &uses[0].parameter;
            on_device!(tensor.device(), device => measure(&device, uses, self.m))
        });
        Ok(TapMeasurement::new(self.m, tensors.collect::<Result<_>>()?))
    }
}

/// The gradient of example `e` \[d\] of a parameter with these uses.
pub(crate) fn example<D: TensorDevice>(device: &D, uses: &[Use], e: usize) -> Result<Tensor> {
    let (first, others) = uses.split_first().expect("a parameter has a use");
    let first = first.example(device, e)?;
    others.iter().try_fold(first, |sum, other| sum + other.example(device, e)?)
}

/// What is measured of a parameter with these uses.
pub(crate) fn measure<D: TensorDevice>(
    device: &D,
    uses: &[Use],
    m: usize,
) -> Result<TensorMeasurement> {
    let (sum, sq_norms) = match uses {
        [once] => once.measure(device)?,
        _ => measure_all(device, uses, m)?,
    };
    let coherence = Coherence {
        m: m as u64,
        sq_norm_of_sum: device.with_values(&sum, |sum| device.dot(sum, sum))?,
        sum_sq_norms: sq_norms.iter().sum(),
    };
    let Parameter { name, tensor } = uses[0].parameter.clone();
    Ok(TensorMeasurement { name, sum, sq_norms, coherence, id: tensor.id() })
}

/// S and the squared norms ‖g_e‖² \[m\] of a parameter with these uses.
///
/// The norm of a sum has products between the uses, which the factors of one use do not know: the
/// gradients of the examples are formed one after the other, in memory for d numbers.
fn measure_all<D: TensorDevice>(device: &D, uses: &[Use], m: usize) -> Result<(Tensor, Vec<f64>)> {
    let parameter = &uses[0].parameter;
    let d = parameter.values();
    let (mut total, mut sq_norms) = (device.zeros(d), device.zeros(m));
    for e in 0..m {
        device.with_values(&example(device, uses, e)?, |gradient| {
            let sq_norm = D::part_mut(D::view_mut(&mut sq_norms), e..e + 1);
            device.rows_add_sq_norms(gradient, d, sq_norm);
            device.accumulate(gradient, Output::Add, D::view_mut(&mut total));
        })?;
    }
    let sum = device.new_tensor(parameter.tensor.device(), d, |sum| {
        device.narrow(D::view(&total), sum);
        Ok(())
    })?;
    Ok((parameter.shaped(&sum)?, device.to_host(D::view(&sq_norms))))
}
