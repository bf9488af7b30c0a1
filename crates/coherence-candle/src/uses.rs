//! One use of a parameter in a forward pass, and its share of the per-example gradients.
//!
//! Legend: m: examples, i: inputs, o: outputs, t: positions (of a sequence), d: values of the parameter.
//! Everything is of the SUM loss, with channels last.

use crate::{TensorDevice, device, lookups::Lookups};
use candle_core::{Result, Tensor, bail};
use coherence_cpu::{
    convolution::Convolution,
    product::{Dims, Output},
};
use coherence_nn::{Factors, PerExample};

/// A tensor that a layer holds, under its name in the `VarBuilder`.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) tensor: Tensor,
}

impl Parameter {
    /// Fails unless the tensor is f32 on a supported device and not computed from other tensors.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { name, tensor } = self;
        if tensor.track_op() && !tensor.is_variable() {
            bail!(
                "{name} is computed from other variables, so that its gradient is not that of a \
                 parameter (give the layer the variable itself)"
            );
        }
        device::check(name, tensor)
    }

    /// The values of a gradient \[d\] as a tensor of the parameter's shape: kernels have their channels
    /// last here, [o, kh, kw, i], and first in candle, [o, i, kh, kw].
    pub(crate) fn shaped(&self, values: &Tensor) -> Result<Tensor> {
        match *self.tensor.dims() {
            [o, i, kh, kw] => values.reshape((o, kh, kw, i))?.permute((0, 3, 1, 2))?.contiguous(),
            ref dims => values.reshape(dims),
        }
    }

    /// The number of values d.
    pub(crate) fn values(&self) -> usize {
        self.tensor.elem_count()
    }
}

/// A parameter and its gradients by one use.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) parameter: Parameter,
    /// The number of examples m.
    pub(crate) m: usize,
    pub(crate) gradients: UseGradients,
}

/// The m per-example gradients of a parameter by one of its uses. Tensors are contiguous and detached.
#[derive(Debug)]
pub(crate) enum UseGradients {
    /// A linear weight [o, i] of one position: a [m, i], delta [m, o].
    Outer { a: Tensor, delta: Tensor },
    /// A kernel, stored as [o, kh, kw, i/groups]; a linear weight of t positions is a 1 × 1 kernel.
    /// x [m, h, w, i], delta [m, oh, ow, o].
    Convolution { of: Convolution, x: Tensor, delta: Tensor },
    /// The gradients themselves [m, d], of a bias or another small tensor.
    Rows(Tensor),
    /// A table [rows, width] of vectors.
    Embedding(Lookups),
    /// What the backward pass of a [`Network`](crate::Network) has computed: S, of the parameter's
    /// shape, and ‖g_e‖² \[m\].
    Measured { sum: Tensor, sq_norms: Vec<f64> },
}

impl Use {
    /// S = Σ_e g_e, of the parameter's shape, and the squared norms ‖g_e‖² \[m\] of this use alone.
    pub(crate) fn measure<D: TensorDevice>(&self, device: &D) -> Result<(Tensor, Vec<f64>)> {
        let Self { parameter, m, gradients } = self;
        match gradients {
            UseGradients::Measured { sum, sq_norms } => Ok((sum.clone(), sq_norms.clone())),
            UseGradients::Embedding(lookups) => Ok((lookups.sum()?, lookups.sq_norms(*m)?)),
            _ => {
                let mut sq_norms = device.zeros(*m);
                let to_norms = D::view_mut(&mut sq_norms);
                let sum =
                    device.new_tensor(parameter.tensor.device(), parameter.values(), |sum| {
                        self.factors(device, |factors| {
                            factors.sum_and_sq_norms(Output::Overwrite, sum, to_norms);
                        })
                    })?;
                Ok((parameter.shaped(&sum)?, device.to_host(D::view(&sq_norms))))
            }
        }
    }

    /// This use's share of the gradient of example `e` \[d\].
    pub(crate) fn example<D: TensorDevice>(&self, device: &D, e: usize) -> Result<Tensor> {
        let parameter = &self.parameter;
        match &self.gradients {
            UseGradients::Measured { .. } => bail!(
                "{}: a network keeps sums and norms, but no gradient of an example; if it is used twice, \
                 run both inputs as one batch or record them separately",
                parameter.name
            ),
            UseGradients::Embedding(lookups) => lookups.example(e)?.flatten_all(),
            _ => device.new_tensor(parameter.tensor.device(), parameter.values(), |out| {
                self.factors(device, |factors| factors.per_example(e, out))
            }),
        }
    }

    /// Calls `visit` with the factors of a use that has them.
    fn factors<D: TensorDevice>(
        &self,
        device: &D,
        visit: impl FnOnce(&Factors<'_, f32, D>),
    ) -> Result<()> {
        let (m, d, name) = (self.m, self.parameter.values(), &self.parameter.name);
        let visit = |gradients: PerExample<'_, f32, D>| {
            visit(&Factors::separate(device.clone(), name, [m, d], &gradients));
        };
        match &self.gradients {
            UseGradients::Outer { a, delta } => {
                let dims = Dims { m, i: a.dim(1)?, o: delta.dim(1)? };
                device.with_values(a, |a| {
                    device.with_values(delta, |delta| {
                        let (a, delta) = (D::shorten(&a), D::shorten(&delta));
                        visit(PerExample::Outer { dims, a, delta });
                    })
                })?
            }
            UseGradients::Convolution { of, x, delta } => device.with_values(x, |x| {
                device.with_values(delta, |delta| {
                    let (x, delta) = (D::shorten(&x), D::shorten(&delta));
                    visit(PerExample::Convolution { sizes: *of, x, delta });
                })
            })?,
            UseGradients::Rows(rows) => {
                device.with_values(rows, |rows| visit(PerExample::Rows(rows)))
            }
            UseGradients::Embedding(_) | UseGradients::Measured { .. } => {
                unreachable!("these have no factors")
            }
        }
    }
}
