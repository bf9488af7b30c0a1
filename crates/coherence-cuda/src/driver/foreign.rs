//! Views of memory that another library owns, on a queue that both share.
//!
//! With the per-thread default stream the owner synchronises its own operations on several threads.

use super::Driver;
use crate::{View, ViewMut};
use cudarc::driver::{CudaStream, CudaView, CudaViewMut, DevicePtr, DevicePtrMut, DeviceSlice};

impl Driver {
    /// Whether `stream` is this engine's queue.
    pub fn is_on(&self, stream: &CudaStream) -> bool {
        *self.0.stream == *stream
    }

    /// Calls `read` with a view of numbers that another library owns, without a copy.
    ///
    /// # Panics
    ///
    /// If they belong to another queue.
    pub fn read<R>(&self, numbers: &CudaView<'_, f32>, read: impl FnOnce(View<'_, f32>) -> R) -> R {
        assert!(self.is_on(numbers.stream()), "numbers of another queue than {self:?}'s");
        let (address, _until_read) = numbers.device_ptr(&self.0.stream);
        // SAFETY: the numbers are on this device and borrowed until `read` returns. What it queues runs before
        // what the owner queues later.
        read(unsafe { View::from_address(self, address, numbers.len()) })
    }

    /// As [`read`](Driver::read), and `write` may change the numbers.
    ///
    /// # Panics
    ///
    /// If they belong to another queue.
    pub fn write<R>(
        &self,
        numbers: &mut CudaViewMut<'_, f32>,
        write: impl FnOnce(ViewMut<'_, f32>) -> R,
    ) -> R {
        assert!(self.is_on(numbers.stream()), "numbers of another queue than {self:?}'s");
        let len = numbers.len();
        let (address, _until_written) = numbers.device_ptr_mut(&self.0.stream);
        // SAFETY: as in `read`; the borrow is exclusive.
        write(unsafe { ViewMut::from_address(self, address, len) })
    }
}
