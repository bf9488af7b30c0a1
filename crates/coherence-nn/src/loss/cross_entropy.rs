//! Softmax cross-entropy of one example.
//!
//! Legend: k: classes, z: logits \[k\], p = softmax(z), y: label, ε: smoothing.
//!
//! `ℓ = −(1 − ε) ln p[y] − ε/k Σ_j ln p[j]` and `∂ℓ/∂z_j = p[j] − (1 − ε) [j = y] − ε/k`.
//!
//! Two cancellations are avoided, because coherence is measured late in training where p\[y\] → 1:
//! `−ln p[j]` is `(max z − z[j]) + ln(1 + Σ_{i ≠ argmax} exp(z[i] − max z))`, and without smoothing the
//! label's delta is `−Σ_{j ≠ y} p[j]` where `p[y] − 1` would round to zero.

use super::argmax;
use coherence_cpu::Element;

/// ℓ of the logits `row`.
pub(super) fn loss<T: Element>(row: &[T], label: usize, smoothing: f64) -> f64 {
    let top = argmax(row);
    let tail: f64 =
        (0..row.len()).filter(|&j| j != top).map(|j| (row[j] - row[top]).exp().widen()).sum();
    from_tail(row, [label, top], tail, smoothing)
}

/// ℓ, and its gradient in `delta` \[k\].
pub(super) fn loss_and_delta<T: Element>(
    row: &[T],
    label: usize,
    smoothing: f64,
    delta: &mut [T],
) -> f64 {
    let top = argmax(row);
    let mut tail = 0.0;
    for (j, (delta, &z)) in delta.iter_mut().zip(row).enumerate() {
        *delta = (z - row[top]).exp();
        tail += if j == top { 0.0 } else { delta.widen() };
    }
    // The largest logit's own term is exp(0) = 1; it is NaN where that logit is not finite.
    let total = T::narrow(delta[top].widen() + tail);
    let mut others = 0.0;
    for (j, delta) in delta.iter_mut().enumerate() {
        *delta = *delta / total;
        others += if j == label { 0.0 } else { delta.widen() };
    }
    delta[label] = T::narrow(-(others - smoothing));
    if smoothing > 0.0 {
        let share = smoothing / row.len() as f64;
        delta.iter_mut().for_each(|delta| *delta = T::narrow(delta.widen() - share));
    }
    from_tail(row, [label, top], tail, smoothing)
}

/// ℓ from `Σ_{i ≠ top} exp(z[i] − z[top])`.
fn from_tail<T: Element>(row: &[T], [label, top]: [usize; 2], tail: f64, smoothing: f64) -> f64 {
    let below = |z: T| (row[top] - z).widen();
    if smoothing == 0.0 {
        return below(row[label]) + tail.ln_1p();
    }
    let mean = row.iter().map(|&z| below(z)).sum::<f64>() / row.len() as f64;
    (1.0 - smoothing) * below(row[label]) + smoothing * mean + tail.ln_1p()
}
