//! Numbers of torch, by `images.py`.

use std::collections::HashMap;

/// The lines of `images.txt` by name.
pub(crate) fn golden() -> HashMap<&'static str, Vec<f64>> {
    let line = |line: &'static str| {
        let (name, values) = line.split_once(": ").unwrap();
        (name, values.split(' ').map(|value| value.parse().unwrap()).collect())
    };
    include_str!("images.txt").lines().map(line).collect()
}

/// The inputs of `images.py`.
pub(crate) fn numbers(seed: usize, len: usize) -> Vec<f64> {
    (0..len).map(|i| ((7919 * i + 104_729 * seed + 13) % 1009) as f64 / 100.0 - 5.0).collect()
}

/// Asserts |got − want| ≤ tolerance · (1 + |want|) element by element.
#[track_caller]
pub(crate) fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * (1.0 + want.abs()), "{what} {i}: {got}, {want}");
    }
}
