//! NVIDIA GPUs: memory and operations are those of `coherence_cuda`.

mod arrangement;
mod convolution;
mod elementwise;
mod loss;
mod normalization;
mod pool;
mod product;
mod rows;
mod vectors;

use super::{Memory, Number};
use coherence_cuda::{Buffer, Engine, View, ViewMut};
use core::ops::{Range, RangeInclusive};

/// A GPU, as the engine that holds its memory and runs its kernels: `coherence_cuda::Driver`, or in tests
/// `coherence_cuda::Host`.
///
/// Operations panic on a view of another device's memory, on a length that does not fit, and when the device
/// fails; the message says what was found and what to do.
///
/// ```no_run
/// use coherence_cuda::Driver;
/// use coherence_nn::{Model, device::Cuda, model::mlp};
/// let device = Cuda::new(Driver::new(0)?);
/// let model = Model::<f32, _>::zeros_on(device, mlp(&[784, 100, 10])?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cuda<E: Engine> {
    engine: E,
}

impl<E: Engine> Cuda<E> {
    /// The device of this engine.
    pub fn new(engine: E) -> Self {
        Self { engine }
    }

    /// The engine.
    pub fn engine(&self) -> &E {
        &self.engine
    }
}

/// The means and the inverse deviations of a normalisation, in the memory of a device.
#[derive(Debug, Clone)]
pub struct Standardization<E: Engine> {
    mean_and_inverse: Option<[Buffer<f64, E>; 2]>,
}

/// No statistics.
impl<E: Engine> Default for Standardization<E> {
    fn default() -> Self {
        Self { mean_and_inverse: None }
    }
}

impl<E: Engine> Standardization<E> {
    /// The means and the inverse deviations.
    ///
    /// # Panics
    ///
    /// If they were not computed yet.
    pub(super) fn mean_and_inverse(&self) -> [View<'_, f64>; 2] {
        let buffers = self.mean_and_inverse.as_ref();
        buffers.expect("statistics of an earlier forward pass").each_ref().map(Buffer::view)
    }

    /// Both, to write: of `len` values.
    pub(super) fn mean_and_inverse_mut(&mut self, engine: &E, len: usize) -> [ViewMut<'_, f64>; 2] {
        let buffers = self.mean_and_inverse.take().filter(|[mean, _]| mean.view().len() == len);
        let new = || [(); 2].map(|()| Buffer::zeros(engine, len));
        self.mean_and_inverse.insert(buffers.unwrap_or_else(new)).each_mut().map(Buffer::view_mut)
    }
}

impl<E: Engine> Memory for Cuda<E> {
    type Buffer<V: Number> = Buffer<V, E>;
    type Slice<'a, V: Number> = View<'a, V>;
    type SliceMut<'a, V: Number> = ViewMut<'a, V>;
    type Standardization = Standardization<E>;

    /// 16 GiB: a GPU is not busy with a few examples.
    const PASS_BYTES: RangeInclusive<u64> = 16 << 30..=16 << 30;

    fn name(&self) -> Option<&str> {
        Some(self.engine.name())
    }

    fn with_own_queue(&self) -> Self {
        Self::new(self.engine.with_own_queue())
    }

    fn free_bytes(&self) -> Option<u64> {
        self.engine.free_bytes()
    }

    fn zeros<V: Number>(&self, len: usize) -> Buffer<V, E> {
        Buffer::zeros(&self.engine, len)
    }

    fn buffer_from<V: Number>(&self, values: Vec<V>) -> Buffer<V, E> {
        Buffer::from_host(&self.engine, &values)
    }

    /// A new buffer takes the place of the last: the copy runs while the device still reads that one.
    fn stage<'a, V: Number>(&self, values: &'a [V], buffer: &'a mut Buffer<V, E>) -> View<'a, V> {
        *buffer = Buffer::staged(&self.engine, values);
        buffer.view()
    }

    fn upload<V: Number>(&self, from: &[V], to: ViewMut<'_, V>) {
        to.upload(&self.engine, from);
    }

    fn download<V: Number>(&self, from: View<'_, V>, to: &mut [V]) {
        from.download(&self.engine, to);
    }

    fn copy<V: Number>(&self, from: View<'_, V>, to: ViewMut<'_, V>) {
        to.copy_from(&self.engine, from);
    }

    fn fill<V: Number>(&self, value: V, to: ViewMut<'_, V>) {
        to.fill(&self.engine, value);
    }

    fn len<V: Number>(slice: View<'_, V>) -> usize {
        slice.len()
    }

    fn view<V: Number>(buffer: &Buffer<V, E>) -> View<'_, V> {
        buffer.view()
    }

    fn view_mut<V: Number>(buffer: &mut Buffer<V, E>) -> ViewMut<'_, V> {
        buffer.view_mut()
    }

    fn part<V: Number>(slice: Self::Slice<'_, V>, range: Range<usize>) -> Self::Slice<'_, V> {
        slice.part(range)
    }

    fn part_mut<V: Number>(
        slice: Self::SliceMut<'_, V>,
        range: Range<usize>,
    ) -> Self::SliceMut<'_, V> {
        slice.part(range)
    }

    fn shorten<'s, V: Number>(slice: &'s View<'_, V>) -> View<'s, V> {
        *slice
    }

    fn reborrow<'s, V: Number>(slice: &'s mut ViewMut<'_, V>) -> ViewMut<'s, V> {
        slice.reborrow()
    }

    fn read<'s, V: Number>(slice: &'s ViewMut<'_, V>) -> View<'s, V> {
        slice.read()
    }
}
