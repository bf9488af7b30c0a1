//! Conversions, dots and scales shared by the laws; all sums run in f64.

use num_traits::Float;

/// Converts to f64. Exact for every float of at most 64 bits.
pub(crate) fn wide<T: Float>(x: T) -> f64 {
    x.to_f64().unwrap_or(f64::NAN)
}

/// Partial sums of a dot, which hide the latency of an addition.
const LANES: usize = 8;

/// a · b in f64, of slices of one length.
pub(crate) fn dot<T: Float, U: Float>(a: &[T], b: &[U]) -> f64 {
    let (xs, ys) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(ys.remainder());
    let mut sums = [0.0; LANES];
    for (x, y) in xs.zip(ys) {
        for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
            *sum += wide(x) * wide(y);
        }
    }
    sums.iter().sum::<f64>() + rest.map(|(&x, &y)| wide(x) * wide(y)).sum::<f64>()
}

/// a · b for the sign and the cosine: each vector divided by the power of two of its largest
/// magnitude, so that no product leaves f64.
pub(crate) fn scaled_dot<T: Float>(a: &[T], b: &[T]) -> f64 {
    let (s, t) = (binary_scale(a), binary_scale(b));
    a.iter().zip(b).map(|(&x, &y)| (wide(x) * s) * (wide(y) * t)).sum()
}

/// The power of two that brings the largest magnitude to [1, 2) (from subnormals: as near as
/// f64's exponents reach). Zeros only: 1.
pub(crate) fn binary_scale<T: Float>(values: &[T]) -> f64 {
    let largest = values.iter().map(|&x| wide(x).abs()).fold(0.0, f64::max);
    if largest > 0.0 && largest.is_finite() {
        libm::scalbn(1.0, (-libm::ilogb(largest)).min(1023))
    } else {
        1.0
    }
}
