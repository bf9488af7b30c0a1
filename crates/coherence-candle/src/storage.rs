//! Reading candle's storage in place.

use candle_core::{CpuStorage, DType, Device, Layout, Result, Storage, Tensor, bail};

/// Fails unless the values of `tensor`, called `name`, can be read here: `f32` on the CPU.
pub(crate) fn check(name: &str, tensor: &Tensor) -> Result<()> {
    if tensor.dtype() != DType::F32 {
        bail!(
            "{name} has elements of type {:?} (only F32 is supported: build the model with DType::F32)",
            tensor.dtype()
        );
    }
    if !matches!(tensor.device(), Device::Cpu) {
        bail!(
            "{name} is on {:?} (only the CPU is supported: build the model on Device::Cpu)",
            tensor.device().location()
        );
    }
    Ok(())
}

/// The values of a contiguous f32 tensor.
pub(crate) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("the tensor {:?} is not contiguous", layout.shape());
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Calls `f` with the values of a contiguous f32 tensor on the CPU, without a copy.
pub(crate) fn read<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(f(values(storage, layout)?)),
        _ => bail!("the tensor {:?} is not on the CPU", layout.shape()),
    }
}
