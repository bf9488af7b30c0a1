//! Numbers, and their comparison.

use crate::engine::{download, upload};
use coherence_cpu::{Element, product::Output};
use coherence_cuda::ViewMut;

pub(crate) const OUTPUTS: [Output; 2] = [Output::Overwrite, Output::Add];

/// SplitMix64: numbers from −1 to 1, the same on every machine.
pub(crate) fn numbers<T: Element>(seed: u64, len: usize) -> Vec<T> {
    let mut state = seed;
    let mut number = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        T::narrow(((z ^ z >> 31) >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    };
    (0..len).map(|_| number()).collect()
}

/// What `write` makes of `before`.
pub(crate) fn written<V: Copy + Default + 'static>(
    before: &[V],
    write: impl FnOnce(ViewMut<'_, V>),
) -> Vec<V> {
    let mut buffer = upload(before);
    write(buffer.view_mut());
    download(&buffer)
}

#[track_caller]
pub(crate) fn assert_same_bits<T: Element>(found: &[T], expected: &[T], context: &str) {
    // Which NaN an operation makes depends on the processor.
    let of_one = |x: f64| if x.is_nan() { f64::NAN } else { x }.to_bits();
    let bits = |values: &[T]| values.iter().map(|x| of_one(x.widen())).collect::<Vec<_>>();
    assert_eq!(bits(found), bits(expected), "{context}");
}

/// Relative to the largest value of the two, and to 1.
#[track_caller]
pub(crate) fn assert_close<T: Element>(found: &[T], expected: &[T], tolerance: f64, context: &str) {
    assert_eq!(found.len(), expected.len(), "{context}");
    let scale = expected.iter().fold(1.0, |scale: f64, x| scale.max(x.widen().abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found.widen() - expected.widen()).abs();
        assert!(error <= tolerance * scale, "{context} at {at}: {found:?} for {expected:?}");
    }
}
