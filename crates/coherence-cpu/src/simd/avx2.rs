//! 8 lanes of `f32` in AVX registers.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::{Kernel, Simd};

/// The proof that this machine has AVX2 and FMA; only [`Avx2::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// A proof, where the machine has the features.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        found.then_some(Self(()))
    }

    /// Compiles and runs `kernel` with these features.
    pub(crate) fn enter<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn entry<K: Kernel<f32>>(simd: Avx2, kernel: K) -> K::Output {
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

impl Simd<f32> for Avx2 {
    type V = __m256;
    type Wide = [__m256d; 2];
    const LANES: usize = 8;
    const PRODUCT_TILE: [usize; 2] = [6, 2];

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        op!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: 8 values are readable by the caller's promise; `self` proves the features.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: __m256) {
        // SAFETY: 8 values are writable by the caller's promise; `self` proves the features.
        unsafe { _mm256_storeu_ps(to, v) }
    }
    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        // SAFETY: a prefetch of any address is allowed; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        op!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn all_equal(self, a: __m256, b: __m256) -> bool {
        op!(_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b))) == 0xff
    }
    #[inline(always)]
    fn nonzeros(self, v: __m256) -> u32 {
        let found = op!(_mm256_cmp_ps::<_CMP_NEQ_UQ>(v, _mm256_setzero_ps()));
        op!(_mm256_movemask_ps(found)) as u32
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> Self::Wide {
        op!([_mm256_set1_pd(x); 2])
    }
    #[inline(always)]
    fn widen(self, v: __m256) -> Self::Wide {
        op!([
            _mm256_cvtps_pd(_mm256_castps256_ps128(v)),
            _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(v)),
        ])
    }
    #[inline(always)]
    fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        op!([_mm256_add_pd(a[0], b[0]), _mm256_add_pd(a[1], b[1])])
    }
    #[inline(always)]
    fn wide_mul(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        op!([_mm256_mul_pd(a[0], b[0]), _mm256_mul_pd(a[1], b[1])])
    }
    #[inline(always)]
    fn wide_div(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        op!([_mm256_div_pd(a[0], b[0]), _mm256_div_pd(a[1], b[1])])
    }
    #[inline(always)]
    fn narrow(self, w: Self::Wide) -> __m256 {
        op!(_mm256_set_m128(_mm256_cvtpd_ps(w[1]), _mm256_cvtpd_ps(w[0])))
    }
    #[inline(always)]
    unsafe fn wide_load(self, from: *const f64) -> Self::Wide {
        // SAFETY: 8 values are readable by the caller's promise; `self` proves the features.
        unsafe { [_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(4))] }
    }
    #[inline(always)]
    unsafe fn wide_store(self, to: *mut f64, w: Self::Wide) {
        // SAFETY: 8 values are writable by the caller's promise; `self` proves the features.
        unsafe {
            _mm256_storeu_pd(to, w[0]);
            _mm256_storeu_pd(to.add(4), w[1]);
        }
    }
    #[inline(always)]
    fn wide_sum(self, w: Self::Wide) -> f64 {
        let mut lanes = [0.0; 4];
        // SAFETY: `lanes` holds four values; `self` proves the features.
        unsafe { _mm256_storeu_pd(lanes.as_mut_ptr(), _mm256_add_pd(w[0], w[1])) };
        lanes.iter().sum()
    }

    /// Three rounds of interleaving, at distances 1, 2 and 4.
    #[inline(always)]
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        let mut rows = [self.splat(0.0); 8];
        for (r, row) in rows.iter_mut().enumerate() {
            // SAFETY: rows r < 8 are readable for 8 values by the caller's promise.
            *row = unsafe { self.load(from.add(r * from_stride)) };
        }
        for (c, column) in self.transposed(rows).into_iter().enumerate() {
            // SAFETY: columns c < 8 are writable for 8 values by the caller's promise.
            unsafe { self.store(to.add(c * to_stride), column) }
        }
    }
}

impl Avx2 {
    #[inline(always)]
    fn transposed(self, rows: [__m256; 8]) -> [__m256; 8] {
        let mut pairs = [op!(_mm256_setzero_pd()); 8];
        for n in 0..4 {
            let (x, y) = (rows[2 * n], rows[2 * n + 1]);
            pairs[2 * n] = op!(_mm256_castps_pd(_mm256_unpacklo_ps(x, y)));
            pairs[2 * n + 1] = op!(_mm256_castps_pd(_mm256_unpackhi_ps(x, y)));
        }
        // quads[4 g + q]: column 4 l + q of rows 4 g .. 4 g + 4 in 128-bit part l
        let mut quads = [self.splat(0.0); 8];
        for n in 0..4 {
            let first = n / 2 * 4 + n % 2;
            let (x, y) = (pairs[first], pairs[first + 2]);
            quads[2 * n] = op!(_mm256_castpd_ps(_mm256_unpacklo_pd(x, y)));
            quads[2 * n + 1] = op!(_mm256_castpd_ps(_mm256_unpackhi_pd(x, y)));
        }
        let mut columns = [self.splat(0.0); 8];
        for q in 0..4 {
            let (x, y) = (quads[q], quads[4 + q]);
            columns[q] = op!(_mm256_permute2f128_ps::<0x20>(x, y));
            columns[4 + q] = op!(_mm256_permute2f128_ps::<0x31>(x, y));
        }
        columns
    }
}
