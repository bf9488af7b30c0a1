//! Vectors as arrays: the fallback of every machine, and the path of `f64`.

use super::Simd;
use crate::Element;

/// Plain Rust; the compiler vectorises what it can.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// One register of 128 bits of f32, which every 64-bit processor has; two of f64.
const LANES: usize = 4;

#[inline(always)]
fn zip<A: Copy, B>(a: [A; LANES], b: [A; LANES], f: impl Fn(A, A) -> B) -> [B; LANES] {
    core::array::from_fn(|l| f(a[l], b[l]))
}

impl<T: Element> Simd<T> for Portable {
    type V = [T; LANES];
    type Wide = [f64; LANES];
    const LANES: usize = LANES;
    const PRODUCT_TILE: [usize; 2] = [4, 2];

    #[inline(always)]
    fn splat(self, x: T) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(self, from: *const T) -> Self::V {
        // SAFETY: the caller's promise: LANES values are readable; arrays of T align like T.
        unsafe { *from.cast() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T, v: Self::V) {
        // SAFETY: the caller's promise: LANES values are writable; arrays of T align like T.
        unsafe { *to.cast() = v }
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        core::array::from_fn(|l| a[l] * b[l] + c[l])
    }
    #[inline(always)]
    fn all_equal(self, a: Self::V, b: Self::V) -> bool {
        a == b
    }
    #[inline(always)]
    fn nonzeros(self, v: Self::V) -> u32 {
        v.iter().enumerate().fold(0, |bits, (l, x)| bits | u32::from(*x != T::zero()) << l)
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> Self::Wide {
        [x; LANES]
    }
    #[inline(always)]
    fn widen(self, v: Self::V) -> Self::Wide {
        v.map(Element::widen)
    }
    #[inline(always)]
    fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn wide_mul(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn wide_div(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn narrow(self, w: Self::Wide) -> Self::V {
        w.map(T::narrow)
    }
    #[inline(always)]
    unsafe fn wide_load(self, from: *const f64) -> Self::Wide {
        // SAFETY: the caller's promise: LANES values are readable; arrays of f64 align like f64.
        unsafe { *from.cast() }
    }
    #[inline(always)]
    unsafe fn wide_store(self, to: *mut f64, w: Self::Wide) {
        // SAFETY: the caller's promise: LANES values are writable; arrays of f64 align like f64.
        unsafe { *to.cast() = w }
    }
    #[inline(always)]
    fn wide_sum(self, w: Self::Wide) -> f64 {
        w.iter().sum()
    }
}
