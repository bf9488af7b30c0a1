//! One use of a parameter in a forward pass, and its part of the per-example gradients.
//!
//! Legend: m: examples, i: inputs, o: outputs, t: positions (of a sequence), d: values of the parameter.
//! Everything is of the SUM loss, with channels last.

use crate::{lookups::Lookups, storage};
use candle_core::{Device, Result, Tensor, bail};
use coherence_cpu::{
    convolution::Convolution,
    product::{Dims, Output},
};
use coherence_nn::{Factors, PerExample, device::Cpu};

/// A tensor that a layer holds, under its name in the `VarBuilder`.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) tensor: Tensor,
}

impl Parameter {
    /// Fails unless the tensor is f32 on the CPU and not computed from other tensors.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { name, tensor } = self;
        if tensor.track_op() && !tensor.is_variable() {
            bail!(
                "{name} is computed from other variables, so that its gradient is not that of a \
                 parameter (give the layer the variable itself)"
            );
        }
        storage::check(name, tensor)
    }

    /// The values of a gradient \[d\] as a tensor of the parameter's shape: kernels have their channels
    /// last here, [o, kh, kw, i], and first in candle, [o, i, kh, kw].
    pub(crate) fn shaped(&self, values: Vec<f32>) -> Result<Tensor> {
        match *self.tensor.dims() {
            [o, i, kh, kw] => Tensor::from_vec(values, (o, kh, kw, i), &Device::Cpu)?
                .permute((0, 3, 1, 2))?
                .contiguous(),
            ref dims => Tensor::from_vec(values, dims, &Device::Cpu),
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
    pub(crate) part: Part,
}

/// The m per-example gradients of a parameter by one of its uses. Tensors are contiguous and detached.
#[derive(Debug)]
pub(crate) enum Part {
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
    pub(crate) fn measure(&self) -> Result<(Tensor, Vec<f64>)> {
        let (mut sum, mut sq_norms) = (vec![0.0; self.parameter.values()], vec![0.0; self.m]);
        match &self.part {
            Part::Measured { sum, sq_norms } => return Ok((sum.clone(), sq_norms.clone())),
            Part::Embedding(lookups) => lookups.sum_and_sq_norms(&mut sum, &mut sq_norms)?,
            _ => self.factors(|factors| {
                factors.sum_and_sq_norms(Output::Overwrite, &mut sum, &mut sq_norms);
            })?,
        }
        Ok((self.parameter.shaped(sum)?, sq_norms))
    }

    /// Adds this use's part of the gradient of example `e` to `gradient` \[d\].
    pub(crate) fn add_example(&self, e: usize, gradient: &mut [f32]) -> Result<()> {
        match &self.part {
            Part::Measured { .. } => bail!(
                "{}: a network keeps sums and norms, but no gradient of an example; if it is used twice, \
                 run both inputs as one batch or record them separately",
                self.parameter.name
            ),
            Part::Embedding(lookups) => lookups.add_example(e, gradient),
            _ => {
                let mut part = vec![0.0; gradient.len()];
                self.factors(|factors| factors.per_example(e, &mut part))?;
                gradient.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
                Ok(())
            }
        }
    }

    /// Calls `visit` with the factors of a use that has them.
    fn factors(&self, visit: impl FnOnce(&Factors<'_, f32>)) -> Result<()> {
        let (m, d, name) = (self.m, self.parameter.values(), &self.parameter.name);
        let visit = |gradients: PerExample<'_, f32>| {
            visit(&Factors::separate(Cpu::detect(), name, [m, d], &gradients));
        };
        match &self.part {
            Part::Outer { a, delta } => {
                let dims = Dims { m, i: a.dim(1)?, o: delta.dim(1)? };
                storage::read(a, |a| {
                    storage::read(delta, |delta| visit(PerExample::Outer { dims, a, delta }))
                })?
            }
            Part::Convolution { of, x, delta } => storage::read(x, |x| {
                storage::read(delta, |delta| {
                    visit(PerExample::Convolution { sizes: *of, x, delta })
                })
            })?,
            Part::Rows(rows) => storage::read(rows, |rows| visit(PerExample::Rows(rows))),
            Part::Embedding(_) | Part::Measured { .. } => unreachable!("these have no factors"),
        }
    }
}
