//! Taps: the factors of any candle model, captured from candle's own autograd.
//!
//! Legend: m: examples, i: inputs of a layer, o: outputs.
//!
//! candle drops the gradients of intermediate tensors, so that a layer's delta is not available after
//! the backward pass. A [`Tap`] inserts an identity operation after a linear layer; its backward pass
//! receives the delta, keeps a copy and passes it on. Call [`Tap::linear`] on the layer's output
//! *before* its activation function, run `backward` on the SUM of the examples' losses (candle's
//! `cross_entropy` is a MEAN: multiply it by m), and take the factors.
//!
//! # Example
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use coherence_nn::tap::Tap;
//!
//! let device = Device::Cpu;
//! let w = Var::new(&[[2f32, 3.0]], &device)?;
//! let x = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &device)?;
//! let tap = Tap::new();
//! let z = tap.linear("fc1", &x, &x.matmul(&w.t()?)?)?;
//! (z.sqr()? * 0.5)?.sum_all()?.backward()?; // δ = z = (8, 18)
//!
//! let layers = tap.take()?;
//! let mut norms = [0.0; 2];
//! layers[0].weight().sq_norms(&mut norms);
//! assert_eq!(norms, [5.0 * 64.0, 25.0 * 324.0]);
//! # Ok::<(), candle_core::Error>(())
//! ```

use crate::Factors;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use std::sync::{Arc, Mutex, PoisonError};

/// Captures the factors of one forward and backward pass of a candle model.
#[derive(Debug, Default)]
pub struct Tap {
    layers: Mutex<Vec<Pending>>,
}

/// A layer whose backward pass may not have run yet.
#[derive(Debug)]
struct Pending {
    name: String,
    a: Tensor,
    delta: DeltaSlot,
}

/// The place where the backward pass stores a delta.
type DeltaSlot = Arc<Mutex<Option<Tensor>>>;

/// The activations and deltas of one layer's passes, on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedLayer {
    weight: String,
    bias: String,
    sizes: [usize; 3],
    a: Vec<f32>,
    delta: Vec<f32>,
}

impl Tap {
    /// A tap that has captured nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns `z` [m, o], the output of a linear layer called `name` for the input `a` [m, i],
    /// such that the backward pass through it is captured.
    ///
    /// # Errors
    ///
    /// If the tensors are not matrices with the same number of rows.
    pub fn linear(&self, name: &str, a: &Tensor, z: &Tensor) -> Result<Tensor> {
        let ((m, _), (rows, _)) = (a.dims2()?, z.dims2()?);
        if m != rows {
            bail!("tap {name}: {m} rows went in, {rows} came out (tap matrices [m, i], [m, o])");
        }
        let delta = DeltaSlot::default();
        let tapped = z.contiguous()?.apply_op1(Identity { delta: delta.clone() })?;
        let pending = Pending { name: name.to_owned(), a: a.detach(), delta };
        self.layers.lock().unwrap_or_else(PoisonError::into_inner).push(pending);
        Ok(tapped)
    }

    /// Takes the captured layers, in the order of the forward pass; the tap is empty afterwards.
    ///
    /// # Errors
    ///
    /// If the backward pass did not reach a layer.
    pub fn take(&self) -> Result<Vec<CapturedLayer>> {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.drain(..).map(Pending::into_captured).collect()
    }
}

impl Pending {
    fn into_captured(self) -> Result<CapturedLayer> {
        let Self { name, a, delta } = self;
        let Some(delta) = delta.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            bail!("tap {name}: no delta (run `backward` on a loss that depends on this layer)");
        };
        let ((m, i), o) = (a.dims2()?, delta.dim(1)?);
        let host = |tensor: Tensor| -> Result<Vec<f32>> {
            tensor.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1()
        };
        Ok(CapturedLayer {
            weight: format!("{name}.weight"),
            bias: format!("{name}.bias"),
            sizes: [m, i, o],
            a: host(a)?,
            delta: host(delta)?,
        })
    }
}

impl CapturedLayer {
    /// The factors of the layer's weight [o, i], called `<name>.weight`.
    pub fn weight(&self) -> Factors<'_, f32> {
        Factors::weight(&self.weight, self.sizes, &self.a, &self.delta)
    }

    /// The factors of the layer's bias \[o\], called `<name>.bias`.
    pub fn bias(&self) -> Factors<'_, f32> {
        let [m, _, o] = self.sizes;
        Factors::bias(&self.bias, [m, o], &self.delta)
    }
}

/// y = z; the gradient with respect to y is kept and passed on.
struct Identity {
    delta: DeltaSlot,
}

impl CustomOp1 for Identity {
    fn name(&self) -> &'static str {
        "tap"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("tap: the layer's output is not contiguous");
        };
        let copy = match storage {
            CpuStorage::F32(z) => CpuStorage::F32(z[start..end].to_vec()),
            CpuStorage::F64(z) => CpuStorage::F64(z[start..end].to_vec()),
            _ => bail!("tap: the layer's output is neither f32 nor f64"),
        };
        Ok((copy, layout.shape().clone()))
    }

    fn bwd(&self, _z: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut slot = self.delta.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(grad.detach());
        Ok(Some(grad.clone()))
    }
}
