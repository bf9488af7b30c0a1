//! The processor: memory is the host's, operations are calls of `coherence_cpu`.

mod activation;
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
use coherence_cpu::{Isa, normalize::Standardization};
use core::ops::Range;

/// The processor and its instruction set. The default is [`Cpu::detect`].
///
/// ```
/// use coherence_cpu::Isa;
/// use coherence_nn::{Model, device::Cpu, model::mlp};
/// let network = mlp(&[2, 3, 2])?;
/// let model = Model::<f32>::zeros_on(Cpu::with_isa(Isa::Portable), network);
/// assert_eq!(model.device().isa(), Isa::Portable);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    isa: Isa,
}

impl Cpu {
    /// The processor with the widest instruction set that it has.
    pub fn detect() -> Self {
        Self::with_isa(Isa::detect())
    }

    /// The processor with this instruction set, which every kernel of `coherence_cpu` then runs on.
    pub fn with_isa(isa: Isa) -> Self {
        Self { isa }
    }

    /// The instruction set.
    pub fn isa(self) -> Isa {
        self.isa
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::detect()
    }
}

impl Memory for Cpu {
    type Buffer<V: Number> = Vec<V>;
    type Slice<'a, V: Number> = &'a [V];
    type SliceMut<'a, V: Number> = &'a mut [V];
    type Standardization = Standardization;

    fn name(&self) -> Option<&str> {
        None
    }

    fn with_own_queue(&self) -> Self {
        *self
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }

    fn zeros<V: Number>(&self, len: usize) -> Vec<V> {
        vec![V::zero(); len]
    }

    fn buffer_from<V: Number>(&self, values: Vec<V>) -> Vec<V> {
        values
    }

    fn upload<V: Number>(&self, from: &[V], to: &mut [V]) {
        to.copy_from_slice(from);
    }

    fn download<V: Number>(&self, from: &[V], to: &mut [V]) {
        to.copy_from_slice(from);
    }

    fn stage<'a, V: Number>(&self, values: &'a [V], _: &'a mut Vec<V>) -> &'a [V] {
        values
    }

    fn with_host<V: Number, R>(&self, values: &[V], read: impl FnOnce(&[V]) -> R) -> R {
        read(values)
    }

    fn with_host_mut<V: Number, R>(
        &self,
        values: &mut [V],
        write: impl FnOnce(&mut [V]) -> R,
    ) -> R {
        write(values)
    }

    fn copy<V: Number>(&self, from: &[V], to: &mut [V]) {
        coherence_cpu::elementwise::copy(from, to);
    }

    fn fill<V: Number>(&self, value: V, to: &mut [V]) {
        to.fill(value);
    }

    fn len<V: Number>(slice: &[V]) -> usize {
        slice.len()
    }

    fn view<V: Number>(buffer: &Vec<V>) -> &[V] {
        buffer
    }

    fn view_mut<V: Number>(buffer: &mut Vec<V>) -> &mut [V] {
        buffer
    }

    fn part<V: Number>(slice: Self::Slice<'_, V>, range: Range<usize>) -> Self::Slice<'_, V> {
        &slice[range]
    }

    fn part_mut<V: Number>(
        slice: Self::SliceMut<'_, V>,
        range: Range<usize>,
    ) -> Self::SliceMut<'_, V> {
        &mut slice[range]
    }

    fn shorten<'s, V: Number>(slice: &'s &[V]) -> &'s [V] {
        slice
    }

    fn reborrow<'s, V: Number>(slice: &'s mut &mut [V]) -> &'s mut [V] {
        slice
    }

    fn read<'s, V: Number>(slice: &'s &mut [V]) -> &'s [V] {
        slice
    }
}
