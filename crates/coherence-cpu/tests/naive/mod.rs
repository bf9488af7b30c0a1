//! Sorting and clipping of materialised products, and random inputs.
#![allow(dead_code)] // each test binary uses a part

use coherence_cpu::{Element, Isa, product::Dims};

/// SplitMix64: the same numbers on every machine.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal: a sum of uniforms.
    pub(crate) fn normal(&mut self) -> f32 {
        ((0..12).map(|_| self.uniform()).sum::<f64>() - 6.0) as f32
    }

    pub(crate) fn normals(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.normal()).collect()
    }
}

/// A mean, and the mean of the absolute values that it was computed from.
#[derive(Debug)]
pub(crate) struct ExpectedMean {
    pub(crate) mean: f64,
    pub(crate) scale: f64,
    /// Whether only comparisons and one addition were needed, so that the result must be exact.
    pub(crate) exact: bool,
}

/// The m examples' products at position `at` of [o, i], each rounded to `T`.
pub(crate) fn products<T: Element>(dims: Dims, a: &[T], delta: &[T], at: usize) -> Vec<f64> {
    let (j, k) = (at / dims.i, at % dims.i);
    (0..dims.m).map(|e| (delta[e * dims.o + j] * a[e * dims.i + k]).widen()).collect()
}

fn mean(values: &[f64], exact: bool) -> ExpectedMean {
    let n = values.len() as f64;
    ExpectedMean {
        mean: values.iter().sum::<f64>() / n,
        scale: values.iter().map(|v| v.abs()).sum::<f64>() / n,
        exact,
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> ExpectedMean {
    values.sort_by(f64::total_cmp);
    let m = values.len();
    mean(&values[m.div_ceil(2) - 1..m / 2 + 1], true)
}

pub(crate) fn winsorized(mut values: Vec<f64>, clip: usize) -> ExpectedMean {
    let m = values.len();
    if 2 * clip == m {
        return median(values);
    }
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[clip], values[m - 1 - clip]);
    let clipped: Vec<f64> = values.iter().map(|v| v.clamp(low, high)).collect();
    mean(&clipped, clip > 0 && low == high)
}

pub(crate) fn trimmed(mut values: Vec<f64>, trim: usize) -> ExpectedMean {
    let m = values.len();
    values.sort_by(f64::total_cmp);
    let bound = values[trim].abs().max(values[m - 1 - trim].abs());
    let inner = mean(&values[trim..m - trim], false);
    // The kernel adds the clipped values and subtracts the tails again.
    ExpectedMean { scale: inner.scale + bound * trim as f64 / (m - 2 * trim) as f64, ..inner }
}

/// Asserts that `got` equals `want` bit for bit if the result is exact, else within 1e-6 of its scale.
#[track_caller]
pub(crate) fn assert_same_mean(got: f32, want: &ExpectedMean, context: &str) {
    if want.exact {
        assert_eq!(got, want.mean as f32, "{context}");
    } else {
        let tolerance = 1e-6 * want.scale + f64::from(f32::from_bits(1));
        assert!((f64::from(got) - want.mean).abs() <= tolerance, "{got} {want:?} {context}");
    }
    assert_ne!(got.to_bits(), (-0.0f32).to_bits(), "{context}");
}

/// Asserts that `f` gives equal results on every instruction set, with one thread and with two.
#[track_caller]
pub(crate) fn assert_same_anywhere<R: PartialEq + Send>(f: impl Fn(Isa) -> R + Sync) -> R {
    let pools = [1, 2].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads")
    });
    let on = |isa, threads: usize| pools[threads - 1].install(|| f(isa));
    let expected = on(Isa::Portable, 1);
    for &isa in Isa::available() {
        for threads in [1, 2] {
            assert!(on(isa, threads) == expected, "{isa:?} with {threads} threads");
        }
    }
    expected
}
