//! candle's tensors on NVIDIA GPUs.

use super::{TensorDevice, contiguous};
use crate::tap::lock;
use candle_core::{
    CudaDevice, CudaStorage, Device, Error, Result, Storage, Tensor, bail, cuda::DeviceId,
};
use coherence_cuda::{Driver, View, ViewMut};
use coherence_nn::device::Cuda;
use std::sync::Mutex;

/// The devices so far. They stay, since to make one takes about a second.
static DEVICES: Mutex<Vec<(DeviceId, Cuda<Driver>)>> = Mutex::new(Vec::new());

impl TensorDevice for Cuda<Driver> {
    fn from_candle(device: &Device) -> Result<Self> {
        let cuda = cuda(device)?;
        let mut devices = lock(&DEVICES);
        if let Some((_, device)) = devices.iter().find(|(id, _)| *id == cuda.id()) {
            return Ok(device.clone());
        }
        let driver = Driver::from_stream(cuda.cuda_stream()).map_err(Error::wrap)?;
        devices.push((cuda.id(), Self::new(driver.clone())));
        Ok(Self::new(driver))
    }

    fn holds(&self, device: &Device) -> bool {
        cuda(device).is_ok_and(|cuda| self.engine().is_on(&cuda.cuda_stream()))
    }

    fn with_values<R>(&self, tensor: &Tensor, read: impl FnOnce(View<'_, f32>) -> R) -> Result<R> {
        let (storage, layout) = tensor.storage_and_layout();
        let (start, end) = contiguous(layout)?;
        match &*storage {
            Storage::Cuda(storage) if self.holds(tensor.device()) => {
                Ok(self.engine().read(&storage.as_cuda_slice::<f32>()?.slice(start..end), read))
            }
            _ => bail!("the tensor {:?} is not on {:?}", layout.shape(), self.engine()),
        }
    }

    fn new_storage(
        &self,
        device: &Device,
        len: usize,
        write: impl FnOnce(ViewMut<'_, f32>) -> Result<()>,
    ) -> Result<Storage> {
        let cuda = cuda(device)?;
        if !self.holds(device) {
            bail!("{:?} is not {:?} with its queue", device.location(), self.engine());
        }
        let mut values = cuda.alloc_zeros::<f32>(len.max(1))?; // there is no memory of no bytes
        self.engine().write(&mut values.slice_mut(0..len), write)?;
        Ok(Storage::Cuda(CudaStorage::wrap_cuda_slice(values, cuda.clone())))
    }
}

fn cuda(device: &Device) -> Result<&CudaDevice> {
    match device {
        Device::Cuda(cuda) => Ok(cuda),
        other => bail!("{:?} is not an NVIDIA GPU", other.location()),
    }
}
