//! Devices of coherence_nn that compute on candle's tensors where they are.

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(test)]
mod host;

use candle_core::{
    CpuStorage, DType, Layout, Result, Shape, Storage, Tensor, backend::BackendDevice,
    backend::BackendStorage, bail, op::BackpropOp,
};
use coherence_nn::device::{Cpu, Device};

/// A device of coherence_nn whose memory is that of candle's tensors: [`Cpu`], and with the feature `cuda`
/// `Cuda<Driver>`, on the queue of candle's device.
///
/// ```
/// use candle_core::Tensor;
/// use coherence_candle::TensorDevice;
/// use coherence_nn::device::{Cpu, Vectors};
///
/// let x = Tensor::new(&[3f32, 4.0], &candle_core::Device::Cpu)?;
/// let device = Cpu::from_candle(x.device())?;
/// assert_eq!(device.with_values(&x, |x| device.dot(x, x))?, 25.0);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub trait TensorDevice: Device<f32> {
    /// The device that computes on the tensors on `device`. On a GPU, the first call for a device compiles the
    /// kernels.
    ///
    /// # Errors
    ///
    /// If they are on a device of another kind, or a GPU lacks what the kernels need.
    fn from_candle(device: &candle_core::Device) -> Result<Self>;

    /// Whether it computes in the memory of the tensors on `device`, in candle's queue.
    fn holds(&self, device: &candle_core::Device) -> bool;

    /// Calls `read` with the values of a tensor, without a copy.
    ///
    /// # Errors
    ///
    /// If the tensor is not contiguous, has elements other than f32, or is on another device.
    fn with_values<R>(
        &self,
        tensor: &Tensor,
        read: impl FnOnce(Self::Slice<'_, f32>) -> R,
    ) -> Result<R>;

    /// Memory of `len` values on `device`: zeros, which `write` may replace.
    ///
    /// # Errors
    ///
    /// Those of `write`; or if `device` is another one or has not enough memory.
    fn new_storage(
        &self,
        device: &candle_core::Device,
        len: usize,
        write: impl FnOnce(Self::SliceMut<'_, f32>) -> Result<()>,
    ) -> Result<Storage>;

    /// A tensor on `device`: zeros, which `write` may replace.
    ///
    /// # Errors
    ///
    /// As [`new_storage`](TensorDevice::new_storage).
    fn new_tensor(
        &self,
        device: &candle_core::Device,
        shape: impl Into<Shape>,
        write: impl FnOnce(Self::SliceMut<'_, f32>) -> Result<()>,
    ) -> Result<Tensor> {
        let shape = shape.into();
        let storage = self.new_storage(device, shape.elem_count(), write)?;
        Ok(Tensor::from_storage(storage, shape, BackpropOp::none(), false))
    }
}

impl TensorDevice for Cpu {
    fn from_candle(device: &candle_core::Device) -> Result<Self> {
        match device {
            candle_core::Device::Cpu => Ok(Self::detect()),
            other => bail!("{:?} is not the CPU", other.location()),
        }
    }

    fn holds(&self, device: &candle_core::Device) -> bool {
        device.is_cpu()
    }

    fn with_values<R>(&self, tensor: &Tensor, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
        let (storage, layout) = tensor.storage_and_layout();
        let (start, end) = contiguous(layout)?;
        match &*storage {
            Storage::Cpu(storage) => Ok(read(&storage.as_slice::<f32>()?[start..end])),
            _ => bail!("the tensor {:?} is not on the CPU", layout.shape()),
        }
    }

    fn new_storage(
        &self,
        _: &candle_core::Device,
        len: usize,
        write: impl FnOnce(&mut [f32]) -> Result<()>,
    ) -> Result<Storage> {
        let mut values = vec![0.0; len];
        write(&mut values)?;
        Ok(Storage::Cpu(CpuStorage::F32(values)))
    }
}

/// Evaluates `$body` with the device of coherence_nn for the tensors on `$candle`, a device of candle.
macro_rules! on_device {
    ($candle:expr, $device:ident => $body:expr) => {
        match $candle {
            candle @ candle_core::Device::Cpu => {
                let $device =
                    <coherence_nn::device::Cpu as $crate::TensorDevice>::from_candle(candle)?;
                $body
            }
            #[cfg(feature = "cuda")]
            candle @ candle_core::Device::Cuda(_) => {
                use coherence_nn::device::Cuda;
                let $device =
                    <Cuda<coherence_cuda::Driver> as $crate::TensorDevice>::from_candle(candle)?;
                $body
            }
            other => candle_core::bail!("{}", $crate::device::unsupported(other)),
        }
    };
}
pub(crate) use on_device;

/// Fails unless the elements of `tensor`, called `name`, are `f32` on a device that [`on_device`] knows.
pub(crate) fn check(name: &str, tensor: &Tensor) -> Result<()> {
    if tensor.dtype() != DType::F32 {
        bail!(
            "{name} has elements of type {:?} (only F32 is supported: build the model with DType::F32)",
            tensor.dtype()
        );
    }
    let is_supported = |device: &candle_core::Device| {
        device.is_cpu() || cfg!(feature = "cuda") && device.is_cuda()
    };
    if !is_supported(tensor.device()) {
        bail!("{name}: {}", unsupported(tensor.device()));
    }
    Ok(())
}

/// What is said of another device.
pub(crate) fn unsupported(device: &candle_core::Device) -> String {
    format!(
        "{:?} is not supported (build the model on the CPU, or on an NVIDIA GPU with the feature `cuda` \
         of coherence-candle)",
        device.location()
    )
}

/// Where the values of a contiguous tensor lie in its storage.
fn contiguous(layout: &Layout) -> Result<(usize, usize)> {
    let Some(range) = layout.contiguous_offsets() else {
        bail!("the tensor {:?} is not contiguous", layout.shape());
    };
    Ok(range)
}

/// A copy of the values of a tensor, contiguous.
pub(crate) fn copy<S: BackendStorage>(storage: &S, layout: &Layout) -> Result<S>
where
    S::Device: BackendDevice<Storage = S>,
{
    let mut copy = storage.device().zeros_impl(layout.shape(), storage.dtype())?;
    storage.copy_strided_src(&mut copy, 0, layout)?;
    Ok(copy)
}
