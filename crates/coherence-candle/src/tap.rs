//! Recording of forward passes, and the capture of deltas in candle's backward pass.
//!
//! candle drops the gradients of intermediate tensors, so that a layer's delta is not available after
//! the backward pass. While a [`Tap`] records, every tapped layer keeps its input and appends an identity
//! operation to its output. The backward pass of the identity receives the delta, keeps it and passes
//! it on.

use crate::{
    PerExampleGradients, TapMeasurement, device,
    uses::{Parameter, Use},
};
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use core::fmt;
use std::{
    cell::RefCell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

thread_local! {
    /// The tap that records the forward passes of this thread.
    static RECORDING: RefCell<Option<Tap>> = const { RefCell::new(None) };
}

/// Captures the factors of the per-example gradients of one forward and backward pass.
///
/// 1. [`record`](Tap::record) the forward pass;
/// 2. run `backward` on the SUM of the examples' losses;
/// 3. [`measure`](Tap::measure), or [`take`](Tap::take) the gradients, before the variables are
///    updated: an activation may share its storage with a variable.
///
/// The first axis of every tapped layer's input is the example, [m, …].
///
/// # Example
///
/// ```
/// use candle_core::{Device, Tensor, Var};
/// use candle_nn::Module;
/// use coherence_candle::{Linear, Tap};
///
/// let device = Device::Cpu;
/// let w = Var::new(&[[2f32, 3.0]], &device)?;
/// let layer = Linear::new("fc1", w.as_tensor().clone(), None);
/// let x = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &device)?;
///
/// let tap = Tap::new();
/// let z = tap.record(|| layer.forward(&x))?;
/// (z.sqr()? * 0.5)?.sum_all()?.backward()?; // δ = z = (8, 18)
/// let measured = tap.measure()?;
/// assert_eq!(measured.tensors()[0].sq_norms, [5.0 * 64.0, 25.0 * 324.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Tap {
    pending: Arc<Mutex<Vec<Pending>>>,
}

/// Makes the uses of a layer's parameters from what its backward pass has stored.
type Pending = Box<dyn FnOnce() -> Result<Vec<Use>> + Send>;

impl Tap {
    /// A tap that has recorded nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `forward` and records the tapped layers that this thread calls in it. Outside of a recording
    /// a tapped layer costs what candle's layer costs. Several recordings before one backward pass are
    /// taken together. In a recording within another recording only the inner tap records.
    pub fn record<R>(&self, forward: impl FnOnce() -> R) -> R {
        let _scope = Scope { outer: RECORDING.replace(Some(self.clone())) };
        forward()
    }

    /// Takes the per-example gradients, in the order of the forward pass; the tap is empty afterwards.
    ///
    /// # Errors
    ///
    /// If the backward pass did not reach a layer, or layers disagree in the number of examples.
    pub fn take(&self) -> Result<PerExampleGradients> {
        let pending = core::mem::take(&mut *lock(&self.pending));
        let uses = pending.into_iter().map(|finish| finish()).collect::<Result<Vec<_>>>()?;
        PerExampleGradients::new(uses.into_iter().flatten())
    }

    /// [`take`](Tap::take)s the per-example gradients and measures them.
    ///
    /// # Errors
    ///
    /// As [`take`](Tap::take) and [`PerExampleGradients::measure`].
    pub fn measure(&self) -> Result<TapMeasurement> {
        self.take()?.measure()
    }

    /// Records what `finish` will make of a layer after the backward pass.
    pub(crate) fn push(&self, finish: impl FnOnce() -> Result<Vec<Use>> + Send + 'static) {
        lock(&self.pending).push(Box::new(finish));
    }
}

/// Prints the number of layers only.
impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("layers", &lock(&self.pending).len()).finish()
    }
}

/// Restores the outer recording, also when the forward pass panics.
struct Scope {
    outer: Option<Tap>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        RECORDING.set(self.outer.take());
    }
}

/// The tap that records on this thread.
pub(crate) fn recording() -> Option<Tap> {
    RECORDING.with_borrow(Clone::clone)
}

/// Returns the output `z` of a layer with these parameters. If a tap records, the backward pass stores
/// the delta of `z`, and `uses` makes the uses of the parameters from it.
pub(crate) fn tapped(
    parameters: &[&Parameter],
    z: Tensor,
    uses: impl FnOnce(Tensor) -> Result<Vec<Use>> + Send + 'static,
) -> Result<Tensor> {
    let (Some(tap), Some(first)) = (recording(), parameters.first()) else {
        return Ok(z);
    };
    parameters.iter().try_for_each(|parameter| parameter.check())?;
    let (name, delta) = (first.name.clone(), Slot::default());
    let tapped = z.apply_op1(Identity { name: name.clone(), delta: delta.clone() })?;
    tap.push(move || uses(take(&name, &delta)?));
    Ok(tapped)
}

/// The place where a backward pass stores its result.
pub(crate) type Slot<T> = Arc<Mutex<Option<T>>>;

/// Stores what a backward pass has computed; `name` is a tensor of the layer.
pub(crate) fn store<T>(name: &str, slot: &Slot<T>, value: T) -> Result<()> {
    if lock(slot).replace(value).is_some() {
        bail!(
            "{name}: a second backward pass through one recording (record the forward pass again, or \
             measure before)"
        );
    }
    Ok(())
}

/// Takes what a backward pass has stored; `name` is a tensor of the layer.
pub(crate) fn take<T>(name: &str, slot: &Slot<T>) -> Result<T> {
    let Some(value) = lock(slot).take() else {
        bail!(
            "{name}: no delta (run `backward` on a loss that depends on this layer; its parameters or \
             its input must be variables, such as those of a VarMap)"
        );
    };
    Ok(value)
}

/// Locks a mutex whose data are valid even after a panic, because they are replaced as a whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// y = z; the gradient with respect to y is kept and passed on.
struct Identity {
    /// A tensor of the layer.
    name: String,
    delta: Slot<Tensor>,
}

impl CustomOp1 for Identity {
    fn name(&self) -> &'static str {
        "tap"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((device::copy(storage, layout)?, layout.shape().clone()))
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        Ok((device::copy(storage, layout)?, layout.shape().clone()))
    }

    fn bwd(&self, _z: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        store(&self.name, &self.delta, grad.detach().contiguous()?)?;
        Ok(Some(grad.clone()))
    }
}
