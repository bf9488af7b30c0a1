//! Softmax cross-entropy of a batch, with SUM reduction.
//!
//! Legend: m: examples, k: classes, z: logits [m, k], p = softmax(z), y: labels \[m\].
//!
//! `ℓ_e = −ln p_e[y_e]` and `∂ℓ_e/∂z_e = p_e − onehot(y_e)`. The loss of a batch is the SUM over
//! its examples, so the rows of `delta` are per-example gradients, not divided by m.
//!
//! Two cancellations are avoided, because coherence is measured late in training where p\[y\] → 1:
//! the loss is `(max z − z[y]) + ln(1 + Σ_{j ≠ argmax} exp(z[j] − max z))`, and the label's delta
//! is `−Σ_{j ≠ y} p[j]` where `p[y] − 1` would round to zero.
//!
//! A NaN or +∞ among an example's logits makes its loss and its deltas non-finite.

use coherence_cpu::Element;

/// The index of the largest value; the first of equal ones; 0 if the first value is NaN.
///
/// ```
/// assert_eq!(coherence_nn::loss::argmax(&[1.0, 3.0, 3.0]), 1);
/// ```
///
/// # Panics
///
/// If `row` is empty.
pub fn argmax<T: Element>(row: &[T]) -> usize {
    assert!(!row.is_empty(), "argmax of no values");
    (1..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best })
}

/// Writes each example's predicted class to `out` \[m\]; ties go to the lowest class.
///
/// # Panics
///
/// If `logits` is not `out.len()` rows of `classes`.
pub fn predictions<T: Element>(logits: &[T], classes: usize, out: &mut [u32]) {
    assert_eq!(logits.len(), out.len() * classes, "logits are not [m, k]");
    for (out, row) in out.iter_mut().zip(logits.chunks_exact(classes)) {
        *out = argmax(row) as u32;
    }
}

/// Writes each example's loss to `losses` \[m\] and its gradient with respect to the logits to `delta`
/// [m, k]; returns the SUM of the losses.
///
/// ```
/// use coherence_nn::loss::softmax_cross_entropy;
/// let (mut delta, mut losses) = ([0.0; 4], [0.0; 2]);
/// let sum = softmax_cross_entropy(&[0.0, 0.0, 0.0, 0.0], &[0, 1], &mut delta, &mut losses);
/// assert_eq!(delta, [-0.5, 0.5, 0.5, -0.5]);
/// assert_eq!(sum, 2.0 * f64::ln(2.0));
/// ```
///
/// # Panics
///
/// If the lengths disagree or a label is not below k.
pub fn softmax_cross_entropy<T: Element>(
    logits: &[T],
    labels: &[u32],
    delta: &mut [T],
    losses: &mut [f64],
) -> f64 {
    assert_eq!(logits.len(), delta.len(), "logits and delta differ in length");
    let rows = LabelledLogits::new(logits, labels, losses.len());
    let mut sum = 0.0;
    for (e, out) in delta.chunks_exact_mut(rows.classes).enumerate() {
        let (row, label) = rows.get(e);
        losses[e] = row_loss_and_delta(row, label, out);
        sum += losses[e];
    }
    sum
}

/// As [`softmax_cross_entropy`], without the gradient.
///
/// # Panics
///
/// If the lengths disagree or a label is not below k.
pub fn cross_entropy<T: Element>(logits: &[T], labels: &[u32], losses: &mut [f64]) -> f64 {
    let rows = LabelledLogits::new(logits, labels, losses.len());
    let mut sum = 0.0;
    for (e, loss) in losses.iter_mut().enumerate() {
        let (row, label) = rows.get(e);
        *loss = row_loss(row, label);
        sum += *loss;
    }
    sum
}

/// Logits with their labels, of checked lengths.
struct LabelledLogits<'a, T> {
    logits: &'a [T],
    labels: &'a [u32],
    classes: usize,
}

impl<'a, T> LabelledLogits<'a, T> {
    fn new(logits: &'a [T], labels: &'a [u32], m: usize) -> Self {
        assert_eq!(labels.len(), m, "labels and losses differ in length");
        let classes = logits.len().checked_div(m).unwrap_or(1);
        assert_eq!(logits.len(), m * classes, "logits are not [m, k]");
        Self { logits, labels, classes }
    }

    fn get(&self, e: usize) -> (&'a [T], usize) {
        let label = self.labels[e] as usize;
        assert!(label < self.classes, "label {label} of example {e} is not below {}", self.classes);
        (&self.logits[e * self.classes..][..self.classes], label)
    }
}

fn row_loss<T: Element>(row: &[T], label: usize) -> f64 {
    let top = argmax(row);
    let tail: f64 =
        (0..row.len()).filter(|&j| j != top).map(|j| (row[j] - row[top]).exp().widen()).sum();
    (row[top] - row[label]).widen() + tail.ln_1p()
}

fn row_loss_and_delta<T: Element>(row: &[T], label: usize, delta: &mut [T]) -> f64 {
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
    delta[label] = T::narrow(-others);
    (row[top] - row[label]).widen() + tail.ln_1p()
}
