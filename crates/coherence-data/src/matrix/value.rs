//! Element types: how values lie in a file, and what they are read into.

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
    /// That of this machine.
    pub(super) const NATIVE: Self =
        if cfg!(target_endian = "little") { Self::Little } else { Self::Big };
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// What matrices are read into and results are written from: `f32` and `f64`.
pub trait Value: sealed::Sealed + Copy + Default + Send + Sync + 'static {
    /// The type's name in files.
    const DTYPE: Dtype;
    /// Exact.
    fn from_f32(x: f32) -> Self;
    /// Rounded to nearest.
    fn from_f64(x: f64) -> Self;
    /// Appends the little-endian bytes.
    fn append_to(self, bytes: &mut Vec<u8>);
}

impl Value for f32 {
    const DTYPE: Dtype = Dtype::F32;
    fn from_f32(x: f32) -> Self {
        x
    }
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    fn append_to(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
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
    fn append_to(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

/// Calls `put` with every value of `bytes`, whose length is a multiple of the value's size.
pub(super) fn decode<T: Value>(
    dtype: Dtype,
    endian: Endian,
    bytes: &[u8],
    put: &mut impl FnMut(T),
) {
    match dtype {
        Dtype::F16 => each(bytes, endian, |b| T::from_f32(f16::from_le_bytes(b).to_f32()), put),
        Dtype::BF16 => each(bytes, endian, |b| T::from_f32(bf16::from_le_bytes(b).to_f32()), put),
        Dtype::F32 => each(bytes, endian, |b| T::from_f32(f32::from_le_bytes(b)), put),
        Dtype::F64 => each(bytes, endian, |b| T::from_f64(f64::from_le_bytes(b)), put),
    }
}

fn each<T, const SIZE: usize>(
    bytes: &[u8],
    endian: Endian,
    value: impl Fn([u8; SIZE]) -> T,
    put: &mut impl FnMut(T),
) {
    let (values, rest) = bytes.as_chunks::<SIZE>();
    debug_assert!(rest.is_empty(), "a piece holds whole values");
    for &(mut one) in values {
        if endian == Endian::Big {
            one.reverse();
        }
        put(value(one));
    }
}
