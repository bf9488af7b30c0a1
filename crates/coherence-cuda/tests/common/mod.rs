//! Numbers, and their comparison.
#![allow(dead_code)] // each test program uses some

use coherence_cuda::Real;

/// Numbers from −1 to 1, a pure function of the seed.
pub(crate) fn draw<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            T::narrow((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        })
        .collect()
}

/// Relative to the largest value: 1e-12, or 2e-6 for `f32`.
#[track_caller]
pub(crate) fn close<T: Real>(found: &[T], expected: &[T]) {
    assert_eq!(found.len(), expected.len());
    let tolerance = if size_of::<T>() == 4 { 2e-6 } else { 1e-12 };
    let largest = expected.iter().fold(1e-300, |most, x| x.widen().abs().max(most));
    for (j, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found.widen() - expected.widen()).abs();
        assert!(error <= tolerance * largest, "{found:?} instead of {expected:?} at {j}");
    }
}
