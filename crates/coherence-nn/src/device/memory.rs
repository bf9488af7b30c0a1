//! Memory of a device, and the way of numbers from and to the host.

use core::{
    fmt,
    ops::{Range, RangeInclusive},
};
use num_traits::Zero;

/// A number that a device holds: an element of a network, an `f64` sum, or a `u32` index or label.
pub trait Number: Copy + Zero + fmt::Debug + Send + Sync + 'static {}

impl<V: Copy + Zero + fmt::Debug + Send + Sync + 'static> Number for V {}

/// Memory: buffers, and views of contiguous parts of them.
///
/// A view may be opaque: only the device's operations read it. Views are `&[V]` and `&mut [V]` on
/// [`Cpu`](super::Cpu).
///
/// ```
/// use coherence_nn::device::{Cpu, Memory};
/// fn double<D: Memory>(device: &D, values: &[f32]) -> Vec<f32> {
///     let mut buffer = device.zeros(2 * values.len());
///     let mut view = D::view_mut(&mut buffer);
///     device.upload(values, D::part_mut(D::reborrow(&mut view), 0..values.len()));
///     device.upload(values, D::part_mut(view, values.len()..2 * values.len()));
///     device.to_host(D::view(&buffer))
/// }
/// assert_eq!(double(&Cpu::default(), &[1.0, 2.0]), [1.0, 2.0, 1.0, 2.0]);
/// ```
pub trait Memory: Clone + fmt::Debug + Send + Sync + 'static {
    /// Owned numbers. A clone is a copy of the numbers.
    type Buffer<V: Number>: Clone + fmt::Debug + Send + Sync;

    /// A view to read.
    type Slice<'a, V: Number>: Copy + fmt::Debug + Send + Sync;

    /// A view to read and write.
    type SliceMut<'a, V: Number>: fmt::Debug + Send;

    /// The map x ↦ (x − mean) · inverse of a normalisation; the default has no statistics. It may own memory,
    /// so that it is written in place:
    /// [`Standardization`](coherence_cpu::normalize::Standardization) on [`Cpu`](super::Cpu).
    type Standardization: Clone + Default + fmt::Debug + Send + Sync;

    /// Bytes of activations and deltas of the examples that are evaluated or measured in one pass, at least and at
    /// most: 24 MiB, which the caches of most processors hold, and 256 MiB. Constants, so that results do not depend on
    /// the memory that is free.
    const PASS_BYTES: RangeInclusive<u64> = 24 << 20..=256 << 20;

    /// The name of an accelerator, for example "NVIDIA H100 80GB HBM3"; `None` for the processor.
    fn name(&self) -> Option<&str>;

    /// The same device with a queue of its own, so that the work of two threads runs side by side. Memory of one
    /// is not passed to operations of the other. A device without a queue returns itself.
    #[must_use]
    fn with_own_queue(&self) -> Self;

    /// Bytes of the device's memory that can be allocated; `None` if its memory is that of the host.
    fn free_bytes(&self) -> Option<u64>;

    /// A buffer of `len` zeros.
    fn zeros<V: Number>(&self, len: usize) -> Self::Buffer<V>;

    /// A buffer with these values.
    fn buffer_from<V: Number>(&self, values: Vec<V>) -> Self::Buffer<V>;

    /// Copies `from` to the device.
    fn upload<V: Number>(&self, from: &[V], to: Self::SliceMut<'_, V>);

    /// Copies `from` to the host, once all operations that write to it have ended.
    fn download<V: Number>(&self, from: Self::Slice<'_, V>, to: &mut [V]);

    /// The values of a view, [downloaded](Memory::download).
    fn to_host<V: Number>(&self, from: Self::Slice<'_, V>) -> Vec<V> {
        let mut values = vec![V::zero(); Self::len(from)];
        self.download(from, &mut values);
        values
    }

    /// Values of the host as a view: their own memory if the device reads it, else `buffer`, which they are
    /// [uploaded](Memory::upload) to and which grows to their number.
    ///
    /// ```
    /// use coherence_nn::device::{Cpu, Memory};
    /// let (cpu, values, mut buffer) = (Cpu::default(), [1.0, 2.0], Vec::new());
    /// assert_eq!(cpu.stage(&values, &mut buffer), values);
    /// assert!(buffer.is_empty()); // the processor reads the values where they are
    /// ```
    fn stage<'a, V: Number>(
        &self,
        values: &'a [V],
        buffer: &'a mut Self::Buffer<V>,
    ) -> Self::Slice<'a, V> {
        self.reserve(buffer, values.len());
        self.upload(values, Self::part_mut(Self::view_mut(buffer), 0..values.len()));
        Self::part(Self::view(buffer), 0..values.len())
    }

    /// Calls `read` with the values on the host: in place if the device's memory is the host's, else
    /// [downloaded](Memory::download).
    fn with_host<V: Number, R>(
        &self,
        values: Self::Slice<'_, V>,
        read: impl FnOnce(&[V]) -> R,
    ) -> R {
        read(&self.to_host(values))
    }

    /// Calls `write` with the values on the host, which may change them: in place if the device's memory is the
    /// host's, else downloaded before and uploaded after.
    fn with_host_mut<V: Number, R>(
        &self,
        values: Self::SliceMut<'_, V>,
        write: impl FnOnce(&mut [V]) -> R,
    ) -> R {
        let mut host = self.to_host(Self::read(&values));
        let result = write(&mut host);
        self.upload(&host, values);
        result
    }

    /// Gives `buffer` room for `len` numbers: if it has fewer, a new one of zeros takes its place.
    fn reserve<V: Number>(&self, buffer: &mut Self::Buffer<V>, len: usize) {
        if Self::len(Self::view(buffer)) < len {
            *buffer = self.zeros(len);
        }
    }

    /// Copies `from` to `to` within the device.
    fn copy<V: Number>(&self, from: Self::Slice<'_, V>, to: Self::SliceMut<'_, V>);

    /// Sets every number to `value`.
    fn fill<V: Number>(&self, value: V, to: Self::SliceMut<'_, V>);

    /// The number of values of a view.
    fn len<V: Number>(slice: Self::Slice<'_, V>) -> usize;

    /// All of a buffer.
    fn view<V: Number>(buffer: &Self::Buffer<V>) -> Self::Slice<'_, V>;

    /// All of a buffer, to write.
    fn view_mut<V: Number>(buffer: &mut Self::Buffer<V>) -> Self::SliceMut<'_, V>;

    /// The values `range` of a view.
    fn part<V: Number>(slice: Self::Slice<'_, V>, range: Range<usize>) -> Self::Slice<'_, V>;

    /// The values `range` of a view to write.
    fn part_mut<V: Number>(
        slice: Self::SliceMut<'_, V>,
        range: Range<usize>,
    ) -> Self::SliceMut<'_, V>;

    /// The same view for a shorter time. The compiler shortens `&[V]` by itself, but not a type that it
    /// does not know.
    fn shorten<'s, V: Number>(slice: &'s Self::Slice<'_, V>) -> Self::Slice<'s, V>;

    /// The same view for a shorter time, after which it can be used again.
    fn reborrow<'s, V: Number>(slice: &'s mut Self::SliceMut<'_, V>) -> Self::SliceMut<'s, V>;

    /// A view to read what can be written.
    fn read<'s, V: Number>(slice: &'s Self::SliceMut<'_, V>) -> Self::Slice<'s, V>;
}
