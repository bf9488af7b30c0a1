//! The CUDA kernels, run on the processor, for tests: candle's tensors are on the CPU, and their values go to the
//! engine's own memory and back.

use super::TensorDevice;
use candle_core::{Device, Result, Storage, Tensor};
use coherence_cuda::{Host, View, ViewMut};
use coherence_nn::device::{Cpu, Cuda, Memory};

impl TensorDevice for Cuda<Host> {
    fn from_candle(device: &Device) -> Result<Self> {
        Cpu::from_candle(device).map(|_| Self::new(Host))
    }

    fn holds(&self, device: &Device) -> bool {
        device.is_cpu()
    }

    fn with_values<R>(&self, tensor: &Tensor, read: impl FnOnce(View<'_, f32>) -> R) -> Result<R> {
        let values =
            Cpu::detect().with_values(tensor, |values| self.buffer_from(values.to_vec()))?;
        Ok(read(values.view()))
    }

    fn new_storage(
        &self,
        device: &Device,
        len: usize,
        write: impl FnOnce(ViewMut<'_, f32>) -> Result<()>,
    ) -> Result<Storage> {
        let mut values = self.zeros(len);
        write(values.view_mut())?;
        Cpu::detect().new_storage(device, len, |out| {
            self.download(values.view(), out);
            Ok(())
        })
    }
}
