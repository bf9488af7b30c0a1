//! Element types of files and of the buffers that values are read into.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};
use serde::Deserialize;

/// The type of the values in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Dtype {
    /// IEEE half precision, 2 bytes.
    F16,
    /// The upper half of an `f32`, 2 bytes.
    BF16,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

impl Dtype {
    /// Bytes of one value.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// The order of the bytes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

impl Endian {
    /// The byte order of this machine.
    pub(super) const NATIVE: Self =
        if cfg!(target_endian = "little") { Self::Little } else { Self::Big };
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The element types of buffers that matrices are read into and results are written from: `f32` and
/// `f64`.
pub trait Value:
    sealed::Sealed + bytemuck::Pod + Default + PartialEq + Send + Sync + 'static
{
    /// The same type in a file.
    const DTYPE: Dtype;
    /// Converts exactly.
    fn from_f32(x: f32) -> Self;
    /// Converts, rounding to nearest.
    fn from_f64(x: f64) -> Self;
    /// The value with its bytes in reverse order.
    #[must_use]
    fn swap_bytes(self) -> Self;
}

impl Value for f32 {
    const DTYPE: Dtype = Dtype::F32;
    fn from_f32(x: f32) -> Self {
        x
    }
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    fn swap_bytes(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
}

impl Value for f64 {
    const DTYPE: Dtype = Dtype::F64;
    fn from_f32(x: f32) -> Self {
        x.into()
    }
    fn from_f64(x: f64) -> Self {
        x
    }
    fn swap_bytes(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
}

/// Decodes the values in `bytes` to `out`. `bytes` must be aligned for every element type; their order
/// may be changed.
pub(super) fn decode<T: Value>(dtype: Dtype, endian: Endian, bytes: &mut [u8], out: &mut [T]) {
    debug_assert_eq!(bytes.len(), out.len() * dtype.size());
    if endian != Endian::NATIVE {
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
    match dtype {
        Dtype::F16 => halves(bytemuck::cast_slice::<u8, u16>(bytes).reinterpret_cast::<f16>(), out),
        Dtype::BF16 => {
            halves(bytemuck::cast_slice::<u8, u16>(bytes).reinterpret_cast::<bf16>(), out);
        }
        Dtype::F32 => convert(bytemuck::cast_slice(bytes), T::from_f32, out),
        Dtype::F64 => convert(bytemuck::cast_slice(bytes), T::from_f64, out),
    }
}

/// Converts half-precision values, a chunk at a time, with the processor's conversion instructions.
fn halves<H, T: Value>(values: &[H], out: &mut [T])
where
    [H]: HalfFloatSliceExt,
{
    const CHUNK: usize = 64;
    let mut singles = [0.0; CHUNK];
    for (values, out) in values.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
        let singles = &mut singles[..values.len()];
        values.convert_to_f32_slice(singles);
        convert(singles, T::from_f32, out);
    }
}

fn convert<A: Copy, B>(values: &[A], one: impl Fn(A) -> B, out: &mut [B]) {
    out.iter_mut().zip(values).for_each(|(slot, &value)| *slot = one(value));
}
