//! Memory of a device: buffers, and views of contiguous parts of them.

use crate::{
    argument::{Arguments, blocks_for},
    engine::Engine,
};
use core::{
    any::{Any, TypeId, type_name},
    fmt,
    marker::PhantomData,
    ops::Range,
};

/// Owned numbers on a device: `f32`, `f64`, `u32` or `u64`. A clone is a copy of the numbers.
pub struct Buffer<V, E: Engine> {
    engine: E,
    address: u64,
    len: usize,
    of: PhantomData<V>,
}

/// A view to read.
pub struct View<'a, V> {
    engine: u64,
    address: u64,
    len: usize,
    of: PhantomData<&'a V>,
}

/// A view to read and write.
pub struct ViewMut<'a, V> {
    engine: u64,
    address: u64,
    len: usize,
    of: PhantomData<&'a mut V>,
}

/// Whether kernels know the type. For each of these types every bit pattern is a value, so that any memory
/// holds values of it.
fn is_number<V: 'static>() -> bool {
    let known =
        [TypeId::of::<f32>(), TypeId::of::<f64>(), TypeId::of::<u32>(), TypeId::of::<u64>()];
    known.contains(&TypeId::of::<V>())
}

impl<V: Copy + 'static, E: Engine> Buffer<V, E> {
    /// `len` zeros.
    ///
    /// # Panics
    ///
    /// If `V` is none of the types of a buffer, or the device has not enough memory.
    pub fn zeros(engine: &E, len: usize) -> Self {
        let buffer = Self::unspecified(engine, len);
        if len > 0 {
            // SAFETY: the buffer's memory has as many bytes.
            unsafe { engine.clear(buffer.address, len * size_of::<V>()) }
        }
        buffer
    }

    /// `len` numbers of any value, to be written before they are read.
    pub(crate) fn unspecified(engine: &E, len: usize) -> Self {
        assert!(
            is_number::<V>(),
            "a buffer of {} (it holds f32, f64, u32 or u64)",
            type_name::<V>()
        );
        let bytes = len.checked_mul(size_of::<V>()).expect("a buffer that memory can hold");
        let address = if bytes == 0 { 0 } else { engine.allocate(bytes) };
        Self { engine: engine.clone(), address, len, of: PhantomData }
    }

    /// A buffer with these values.
    pub fn from_host(engine: &E, values: &[V]) -> Self {
        let mut buffer = Self::unspecified(engine, values.len());
        buffer.view_mut().upload(engine, values);
        buffer
    }

    /// A buffer with these values, which are copied while work that was queued before still runs.
    pub fn staged(engine: &E, values: &[V]) -> Self {
        let mut buffer = Self::unspecified(engine, 0);
        if !values.is_empty() {
            // SAFETY: the values are valid for their bytes.
            buffer.address = unsafe { engine.stage(values.as_ptr().cast(), size_of_val(values)) };
            buffer.len = values.len();
        }
        buffer
    }

    /// All of it.
    pub fn view(&self) -> View<'_, V> {
        View { engine: self.engine.id(), address: self.address, len: self.len, of: PhantomData }
    }

    /// All of it, to write.
    pub fn view_mut(&mut self) -> ViewMut<'_, V> {
        ViewMut { engine: self.engine.id(), address: self.address, len: self.len, of: PhantomData }
    }
}

impl<V: Copy + 'static, E: Engine> Clone for Buffer<V, E> {
    fn clone(&self) -> Self {
        let mut copy = Self::unspecified(&self.engine, self.len);
        copy.view_mut().copy_from(&self.engine, self.view());
        copy
    }
}

impl<V, E: Engine> Drop for Buffer<V, E> {
    fn drop(&mut self) {
        let bytes = self.len * size_of::<V>();
        if bytes > 0 {
            // SAFETY: `allocate` returned the address to `unspecified`, or `stage` to `staged`, for as many bytes;
            // views have ended with the borrow.
            unsafe { self.engine.free(self.address, bytes) }
        }
    }
}

impl<V, E: Engine> fmt::Debug for Buffer<V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers on {:?}", self.len, self.engine)
    }
}

impl<V> Clone for View<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for View<'_, V> {}

macro_rules! both {
    ($view:ident) => {
        impl<'a, V> $view<'a, V> {
            /// The number of values.
            pub fn len(&self) -> usize {
                self.len
            }

            /// Whether there are none.
            pub fn is_empty(&self) -> bool {
                self.len == 0
            }

            /// The values `range`.
            ///
            /// # Panics
            ///
            /// If they are not all in the view.
            #[must_use]
            pub fn part(self, range: Range<usize>) -> Self {
                let Range { start, end } = range;
                assert!(start <= end && end <= self.len, "{start}..{end} of {} values", self.len);
                let address = self.address + (start * size_of::<V>()) as u64;
                Self { address, len: end - start, ..self }
            }

            /// A view of numbers that are in no buffer.
            ///
            /// # Safety
            ///
            /// The `len` numbers at `address` on this engine live for `'a`. What is queued in this time by others
            /// does not write them, and does not read them if this view can write.
            pub(crate) unsafe fn from_address(
                engine: &impl Engine,
                address: u64,
                len: usize,
            ) -> Self {
                Self { engine: engine.id(), address, len, of: PhantomData }
            }

            pub(crate) fn address(&self) -> u64 {
                self.address
            }

            /// Panics if the view is not of this engine or has not `len` values.
            pub(crate) fn check(&self, engine: &impl Engine, len: usize) {
                assert_eq!(self.engine, engine.id(), "a view of another device");
                assert_eq!(self.len, len, "the number of values");
            }
        }

        impl<V> fmt::Debug for $view<'_, V> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} numbers on a device", self.len)
            }
        }
    };
}

both!(View);
both!(ViewMut);

impl<V: Copy> View<'_, V> {
    /// Copies the values to the host, once all that writes to them has ended.
    pub fn download<E: Engine>(self, engine: &E, to: &mut [V]) {
        self.check(engine, to.len());
        if !to.is_empty() {
            // SAFETY: both ranges have the same length, and the view is of this engine's memory.
            unsafe { engine.download(self.address, to.as_mut_ptr().cast(), size_of_val(to)) }
        }
    }
}

impl<V: Copy> ViewMut<'_, V> {
    /// Copies values from the host.
    pub fn upload<E: Engine>(self, engine: &E, from: &[V]) {
        self.check(engine, from.len());
        if !from.is_empty() {
            // SAFETY: both ranges have the same length, and the view is of this engine's memory.
            unsafe { engine.upload(from.as_ptr().cast(), self.address, size_of_val(from)) }
        }
    }

    /// Copies values within the device.
    pub fn copy_from<E: Engine>(self, engine: &E, from: View<'_, V>) {
        self.check(engine, from.len);
        from.check(engine, self.len);
        if self.len > 0 {
            // SAFETY: both ranges have the same length on this engine; a view to write overlaps no other.
            unsafe { engine.copy(from.address, self.address, self.len * size_of::<V>()) }
        }
    }

    /// Sets every number to `value`.
    pub fn fill<E: Engine>(self, engine: &E, value: V)
    where
        V: 'static,
    {
        self.check(engine, self.len);
        let (n, any): (_, &dyn Any) = (self.len, &value);
        let short = any.downcast_ref::<f32>().map(|x| x.to_bits());
        let long = any.downcast_ref::<f64>().map(|x| x.to_bits());
        // SAFETY: the view has n numbers of the size of the bits on this engine.
        unsafe {
            if let Some(bits) = short.or(any.downcast_ref().copied()) {
                (bits, self.into_bits::<u32>(), n).launch::<f32>(engine, "fill_u32", blocks_for(n));
            } else if let Some(bits) = long.or(any.downcast_ref().copied()) {
                (bits, self.into_bits::<u64>(), n).launch::<f32>(engine, "fill_u64", blocks_for(n));
            }
        }
    }

    /// The view as one of numbers of the same size.
    fn into_bits<B>(self) -> ViewMut<'static, B> {
        debug_assert_eq!(size_of::<V>(), size_of::<B>(), "numbers of one size");
        ViewMut { engine: self.engine, address: self.address, len: self.len, of: PhantomData }
    }

    /// The same view to read, for as long as it is not written.
    pub fn read(&self) -> View<'_, V> {
        View { engine: self.engine, address: self.address, len: self.len, of: PhantomData }
    }

    /// The same view for a shorter time.
    pub fn reborrow(&mut self) -> ViewMut<'_, V> {
        ViewMut { engine: self.engine, address: self.address, len: self.len, of: PhantomData }
    }
}
