//! A forward pass of a network, and its backward passes: an operation of candle's autograd.
//!
//! Legend: m: examples, d: parameters, k: classes, t: tensors.

use crate::{
    TensorDevice,
    tap::{Slot, lock, store},
};
use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, Layout, Result, Shape, Storage, Tensor, bail,
};
use coherence_cpu::product::Output;
use coherence_nn::{Factors, Model, Workspace};
use std::sync::{Arc, Mutex};

/// What a pass over a batch needs.
pub(super) struct Buffers<D: TensorDevice> {
    pub(super) model: Model<f32, D>,
    pub(super) workspace: Workspace<f32, D>,
}

/// S \[d\] and the squared norms [t, m] of a backward pass.
pub(super) struct Sums<D: TensorDevice> {
    pub(super) sum: Tensor,
    pub(super) sq_norms: D::Buffer<f64>,
}

/// One forward pass and its backward passes.
pub(super) struct Pass<D: TensorDevice> {
    /// A tensor of the network.
    pub(super) name: String,
    /// There until the pass is dropped.
    buffers: Mutex<Option<Buffers<D>>>,
    /// Where the buffers go then.
    idle: Arc<Mutex<Vec<Buffers<D>>>>,
    pub(super) measured: Option<Slot<Sums<D>>>,
}

impl<D: TensorDevice> Pass<D> {
    /// A pass of the network that has a tensor called `name`; its buffers go to `idle` in the end.
    pub(super) fn new(
        name: String,
        buffers: Buffers<D>,
        idle: Arc<Mutex<Vec<Buffers<D>>>>,
        measures: bool,
    ) -> Self {
        let measured = measures.then(Slot::default);
        Self { name, buffers: Mutex::new(Some(buffers)), idle, measured }
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Buffers<D>) -> R) -> R {
        f(lock(&self.buffers).as_mut().expect("the buffers stay until the pass is dropped"))
    }

    /// The logits [m, k] of x [m, inputs] and parameters \[d\], both contiguous.
    pub(super) fn forward(&self, x: &Tensor, parameters: &Tensor) -> Result<(Storage, Shape)> {
        self.with(|Buffers { model, workspace }| {
            let (device, m) = (model.device().clone(), x.dim(0)?);
            device.with_values(parameters, |values| device.copy(values, model.parameters_mut()))?;
            device.with_values(x, |x| model.forward(x, m, workspace))?;
            let shape = Shape::from((m, model.classes()));
            let logits = device.new_storage(x.device(), shape.elem_count(), |out| {
                device.copy(workspace.logits(), out);
                Ok(())
            })?;
            Ok((logits, shape))
        })
    }

    /// The gradients with respect to `x`, if it is wanted, and to the parameters.
    fn backward(&self, x: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.with(|Buffers { model, workspace }| {
            let (device, candle, m) = (model.device().clone(), x.device(), x.dim(0)?);
            let norms =
                if self.measured.is_some() { model.layout().tensors().len() * m } else { 0 };
            let mut sq_norms = device.zeros(norms);
            device.with_values(&grad.contiguous()?, |grad| {
                device.copy(grad, workspace.logits_and_delta().1);
            })?;
            let mut of_x = None;
            let sum = device.new_tensor(candle, model.layout().parameters(), |mut sum| {
                let visit = |factors: &Factors<'_, f32, D>| {
                    let sum = D::part_mut(D::reborrow(&mut sum), factors.range.clone());
                    if norms == 0 {
                        return factors.sum(Output::Overwrite, sum);
                    }
                    let of_tensor = factors.tensor * m..(factors.tensor + 1) * m;
                    let sq_norms = D::part_mut(D::view_mut(&mut sq_norms), of_tensor);
                    factors.sum_and_sq_norms(Output::Overwrite, sum, sq_norms);
                };
                if !x.track_op() {
                    return device.with_values(x, |x| model.backward(x, workspace, visit));
                }
                of_x = Some(device.new_tensor(candle, x.shape(), |out| {
                    device.with_values(x, |x| model.backward_to_input(x, workspace, out, visit))
                })?);
                Ok(())
            })?;
            if let Some(measured) = &self.measured {
                store(&self.name, measured, Sums { sum: sum.clone(), sq_norms })?;
            }
            Ok((of_x, Some(sum)))
        })
    }
}

impl<D: TensorDevice> Drop for Pass<D> {
    fn drop(&mut self) {
        lock(&self.idle).extend(lock(&self.buffers).take());
    }
}

/// A pass as an operation of candle's: the logits of x [m, inputs] and parameters \[d\].
pub(super) struct Operation<D: TensorDevice> {
    pass: Arc<Pass<D>>,
    /// The logits, until candle asks for them.
    logits: Mutex<Option<(Storage, Shape)>>,
}

impl<D: TensorDevice> Operation<D> {
    /// The operation whose result `pass` has computed.
    pub(super) fn new(pass: Arc<Pass<D>>, logits: (Storage, Shape)) -> Self {
        Self { pass, logits: Mutex::new(Some(logits)) }
    }
}

impl<D: TensorDevice> CustomOp2 for Operation<D> {
    fn name(&self) -> &'static str {
        "network"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        match lock(&self.logits).take() {
            Some((Storage::Cpu(logits), shape)) => Ok((logits, shape)),
            _ => bail!("no logits on the CPU for {}", self.pass.name),
        }
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        match lock(&self.logits).take() {
            Some((Storage::Cuda(logits), shape)) => Ok((logits, shape)),
            _ => bail!("no logits on a GPU for {}", self.pass.name),
        }
    }

    fn bwd(
        &self,
        x: &Tensor,
        _parameters: &Tensor,
        _logits: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.pass.backward(x, grad)
    }
}
