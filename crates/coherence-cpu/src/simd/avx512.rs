//! 16 lanes of `f32` in AVX-512 registers.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::{Kernel, Simd, TILE};

/// The proof that this machine has AVX-512 F, VL, DQ and BW; only [`Avx512::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// A proof, where the machine has the features.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("fma");
        found.then_some(Self(()))
    }

    /// Compiles and runs `kernel` with these features.
    pub(crate) fn enter<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,fma")]
        fn entry<K: Kernel<f32>>(simd: Avx512, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` proves that the machine has the features.
        unsafe { entry(self, kernel) }
    }
}

/// An intrinsic without memory access, on the strength of the proof `self`.
macro_rules! op {
    ($call:expr) => {
        // SAFETY: `self` proves that the machine has the intrinsic's features; it touches no memory.
        unsafe { $call }
    };
}

impl Simd<f32> for Avx512 {
    type V = __m512;
    type Wide = [__m512d; 2];
    const LANES: usize = 16;
    const PRODUCT_TILE: [usize; 2] = [8, 3];

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        op!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: 16 values are readable by the caller's promise; `self` proves the features.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: __m512) {
        // SAFETY: 16 values are writable by the caller's promise; `self` proves the features.
        unsafe { _mm512_storeu_ps(to, v) }
    }
    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        // SAFETY: a prefetch of any address is allowed; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        op!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn all_equal(self, a: __m512, b: __m512) -> bool {
        op!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b)) == u16::MAX
    }
    #[inline(always)]
    fn nonzeros(self, v: __m512) -> u32 {
        op!(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(v, _mm512_setzero_ps())).into()
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> Self::Wide {
        op!([_mm512_set1_pd(x); 2])
    }
    #[inline(always)]
    fn widen(self, v: __m512) -> Self::Wide {
        op!([
            _mm512_cvtps_pd(_mm512_castps512_ps256(v)),
            _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(v)),
        ])
    }
    #[inline(always)]
    fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        op!([_mm512_add_pd(a[0], b[0]), _mm512_add_pd(a[1], b[1])])
    }
    #[inline(always)]
    fn wide_mul(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        op!([_mm512_mul_pd(a[0], b[0]), _mm512_mul_pd(a[1], b[1])])
    }
    #[inline(always)]
    fn wide_div(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        op!([_mm512_div_pd(a[0], b[0]), _mm512_div_pd(a[1], b[1])])
    }
    #[inline(always)]
    fn narrow(self, w: Self::Wide) -> __m512 {
        op!(_mm512_insertf32x8::<1>(
            _mm512_castps256_ps512(_mm512_cvtpd_ps(w[0])),
            _mm512_cvtpd_ps(w[1]),
        ))
    }
    #[inline(always)]
    unsafe fn wide_load(self, from: *const f64) -> Self::Wide {
        // SAFETY: 16 values are readable by the caller's promise; `self` proves the features.
        unsafe { [_mm512_loadu_pd(from), _mm512_loadu_pd(from.add(8))] }
    }
    #[inline(always)]
    unsafe fn wide_store(self, to: *mut f64, w: Self::Wide) {
        // SAFETY: 16 values are writable by the caller's promise; `self` proves the features.
        unsafe {
            _mm512_storeu_pd(to, w[0]);
            _mm512_storeu_pd(to.add(8), w[1]);
        }
    }
    #[inline(always)]
    fn wide_sum(self, w: Self::Wide) -> f64 {
        op!(_mm512_reduce_add_pd(_mm512_add_pd(w[0], w[1])))
    }

    /// Four rounds, each of which folds two vectors into one: within parts of 128 bits, then parts.
    #[inline(always)]
    fn lane_sums(self, mut v: [__m512; TILE]) -> [f64; TILE] {
        for n in 0..8 {
            let (x, y) = (v[2 * n], v[2 * n + 1]);
            v[n] = op!(_mm512_add_ps(_mm512_unpacklo_ps(x, y), _mm512_unpackhi_ps(x, y)));
        }
        for n in 0..4 {
            let (x, y) = op!((_mm512_castps_pd(v[2 * n]), _mm512_castps_pd(v[2 * n + 1])));
            let (low, high) = op!((_mm512_unpacklo_pd(x, y), _mm512_unpackhi_pd(x, y)));
            v[n] = op!(_mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high)));
        }
        // v[n] now holds sums of vectors 4 n .. 4 n + 4, one from each part.
        for n in [0, 1, 0] {
            let (x, y) = (v[2 * n], v[2 * n + 1]);
            let (even, odd) =
                op!((_mm512_shuffle_f32x4::<0x88>(x, y), _mm512_shuffle_f32x4::<0xdd>(x, y)));
            v[n] = self.add(even, odd);
        }
        let mut sums = [0.0; TILE];
        // SAFETY: `sums` holds LANES values.
        unsafe { self.wide_store(sums.as_mut_ptr(), self.widen(v[0])) };
        sums
    }

    /// Four rounds of interleaving, at distances 1, 2, 4 and 8.
    #[inline(always)]
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        let mut rows = [self.splat(0.0); 16];
        for (r, row) in rows.iter_mut().enumerate() {
            // SAFETY: rows r < 16 are readable for 16 values by the caller's promise.
            *row = unsafe { self.load(from.add(r * from_stride)) };
        }
        for (c, column) in self.transposed(rows).into_iter().enumerate() {
            // SAFETY: columns c < 16 are writable for 16 values by the caller's promise.
            unsafe { self.store(to.add(c * to_stride), column) }
        }
    }
}

impl Avx512 {
    #[inline(always)]
    fn transposed(self, rows: [__m512; 16]) -> [__m512; 16] {
        let mut pairs = [op!(_mm512_setzero_pd()); 16];
        for n in 0..8 {
            let (x, y) = (rows[2 * n], rows[2 * n + 1]);
            pairs[2 * n] = op!(_mm512_castps_pd(_mm512_unpacklo_ps(x, y)));
            pairs[2 * n + 1] = op!(_mm512_castps_pd(_mm512_unpackhi_ps(x, y)));
        }
        // quads[4 g + q]: column 4 l + q of rows 4 g .. 4 g + 4 in 128-bit part l
        let mut quads = [self.splat(0.0); 16];
        for n in 0..8 {
            let first = n / 2 * 4 + n % 2;
            let (x, y) = (pairs[first], pairs[first + 2]);
            quads[2 * n] = op!(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)));
            quads[2 * n + 1] = op!(_mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
        }
        // halves[8 h + 2 q + p]: of row groups 2 h and 2 h + 1, parts p and p + 2 of quad q
        let mut halves = [self.splat(0.0); 16];
        for n in 0..8 {
            let first = n / 4 * 8 + n % 4;
            let (x, y) = (quads[first], quads[first + 4]);
            halves[2 * n] = op!(_mm512_shuffle_f32x4::<0x88>(x, y));
            halves[2 * n + 1] = op!(_mm512_shuffle_f32x4::<0xdd>(x, y));
        }
        let mut columns = [self.splat(0.0); 16];
        for n in 0..8 {
            let (part, q) = (n / 4, n % 4);
            let (x, y) = (halves[2 * q + part], halves[8 + 2 * q + part]);
            columns[n] = op!(_mm512_shuffle_f32x4::<0x88>(x, y));
            columns[8 + n] = op!(_mm512_shuffle_f32x4::<0xdd>(x, y));
        }
        columns
    }
}
