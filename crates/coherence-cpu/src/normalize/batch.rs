//! Batch normalisation: one mean and one variance for each channel.
//!
//! In training mode they are those of the batch ([`moments`](super::moments)), so that an example's
//! gradient depends on the other examples. In evaluation mode they are the running ones, and examples are
//! independent.

use rayon::prelude::*;

use super::{
    Standardization, affine, multiply,
    rows::{Chunks, Map, Sums},
};
use crate::{Element, Isa, product::Output, scratch::Scratch};

/// Moves running statistics towards those of a batch, as PyTorch does:
/// `running = (1 − momentum) · running + momentum · batch`, the batch's variance unbiased
/// (`variance · rows / (rows − 1)`).
///
/// # Panics
///
/// When the lengths differ, or with fewer than two rows: the unbiased variance of one is not defined.
///
/// ```
/// let (mut mean, mut variance) = ([0.0f32], [1.0f32]);
/// let batch = ([4.0], [1.0]);
/// coherence_cpu::normalize::batch::update_running(
///     (&mut mean, &mut variance), (&batch.0, &batch.1), 2, 0.25,
/// );
/// assert_eq!((mean, variance), ([1.0], [1.25]));
/// ```
pub fn update_running<T: Element>(
    (running_mean, running_variance): (&mut [T], &mut [T]),
    (mean, variance): (&[f64], &[f64]),
    rows: usize,
    momentum: f64,
) {
    assert!(rows >= 2, "the unbiased variance of {rows} rows");
    assert_eq!(running_mean.len(), mean.len(), "means of one length");
    assert_eq!(running_variance.len(), variance.len(), "variances of one length");
    let towards = |running: &mut T, batch: f64| {
        *running = T::narrow((1.0 - momentum) * running.widen() + momentum * batch);
    };
    let unbiased = rows as f64 / (rows - 1) as f64;
    running_mean.iter_mut().zip(mean).for_each(|(running, &mean)| towards(running, mean));
    running_variance
        .iter_mut()
        .zip(variance)
        .for_each(|(running, v)| towards(running, v * unbiased));
}

/// Forward: `out[r, j] = scale[j] · x̂[r, j] + shift[j]`, as one affine map. x and out [rows, c].
///
/// # Panics
///
/// When a slice's length does not fit.
///
/// ```
/// use coherence_cpu::{Isa, normalize::{Standardization, batch}};
/// let by = Standardization::from_moments(vec![2.0], &[1.0], 0.0);
/// let mut out = [0.0f32; 2];
/// batch::forward(Isa::detect(), &[1.0, 3.0], &by, &[10.0], &[0.5], &mut out);
/// assert_eq!(out, [-9.5, 10.5]);
/// ```
pub fn forward<T: Element>(
    isa: Isa,
    x: &[T],
    by: &Standardization,
    scale: &[T],
    shift: &[T],
    out: &mut [T],
) {
    let c = check(by, scale);
    assert_eq!(c, shift.len(), "scale and shift of one length");
    let factors = &mut *Scratch::<T>::new(2 * c);
    let (a, b) = factors.split_at_mut(c);
    for j in 0..c {
        let factor = scale[j].widen() * by.inverse[j];
        a[j] = T::narrow(factor);
        b[j] = T::narrow(shift[j].widen() - by.mean[j] * factor);
    }
    affine(isa, x, a, b, out);
}

/// Backward in evaluation mode: `out[r, j] (+)= scale[j] / √(σ²[j] + ε) · delta[r, j]`.
///
/// # Panics
///
/// When a slice's length does not fit.
pub fn backward_evaluation<T: Element>(
    isa: Isa,
    delta: &[T],
    by: &Standardization,
    scale: &[T],
    output: Output,
    out: &mut [T],
) {
    let c = check(by, scale);
    let factors = &mut *Scratch::<T>::new(c);
    for (j, factor) in factors.iter_mut().enumerate() {
        *factor = T::narrow(scale[j].widen() * by.inverse[j]);
    }
    multiply(isa, delta, factors, output, out);
}

/// The gradients of the SUM loss with respect to scale and shift, in `f64`:
/// `scale_gradient[j] = Σ_r delta[r, j] · x̂[r, j]`, `shift_gradient[j] = Σ_r delta[r, j]`.
/// x and delta [rows, c].
///
/// # Panics
///
/// When a slice's length does not fit.
///
/// ```
/// use coherence_cpu::{Isa, normalize::{Standardization, batch}};
/// let by = Standardization::from_moments(vec![2.0], &[1.0], 0.0);
/// let (mut scale, mut shift) = ([0.0], [0.0]);
/// batch::gradients(Isa::detect(), &[1.0f32, 3.0], &[5.0, 7.0], &by, &mut scale, &mut shift);
/// assert_eq!((scale, shift), ([2.0], [12.0]));
/// ```
pub fn gradients<T: Element>(
    isa: Isa,
    x: &[T],
    delta: &[T],
    by: &Standardization,
    scale_gradient: &mut [f64],
    shift_gradient: &mut [f64],
) {
    let c = by.mean.len();
    assert_eq!(x.len(), delta.len(), "as many deltas as inputs");
    assert_eq!((c, c), (scale_gradient.len(), shift_gradient.len()), "gradients of {c} channels");
    let chunks = Chunks::new(c, x.len());
    let parts = &mut *Scratch::<f64>::new(2 * c * chunks.count());
    let rows = x.par_chunks(chunks.len()).zip(delta.par_chunks(chunks.len()));
    rows.zip(parts.par_chunks_exact_mut(2 * c)).for_each(|((x, delta), part)| {
        let (products, deltas) = part.split_at_mut(c);
        Sums::new(isa, c).products([x, delta], |j| by.mean[j], products, deltas);
    });
    scale_gradient.fill(0.0);
    shift_gradient.fill(0.0);
    for part in parts.chunks_exact(2 * c) {
        scale_gradient.iter_mut().zip(&part[..c]).for_each(|(sum, part)| *sum += part);
        shift_gradient.iter_mut().zip(&part[c..]).for_each(|(sum, part)| *sum += part);
    }
    scale_gradient.iter_mut().zip(&by.inverse).for_each(|(sum, inverse)| *sum *= inverse);
}

/// Backward in training mode, through the statistics of the batch, from the results of [`gradients`]:
/// `out[r, j] (+)= scale[j] / √(σ²[j] + ε) · (delta[r, j] − B[j] / rows − x̂[r, j] · A[j] / rows)` with
/// A the gradient of scale and B that of shift. x, delta and out [rows, c].
///
/// # Panics
///
/// When a slice's length does not fit.
///
/// ```
/// use coherence_cpu::{Isa, normalize::{Standardization, batch}, product::Output};
/// // whatever two values are, they are normalised to -1 and 1: nothing depends on them
/// let by = Standardization::from_moments(vec![2.0], &[1.0], 0.0);
/// let mut out = [9.0f32; 2];
/// batch::backward_training(Isa::detect(),
///     [&[1.0, 3.0], &[5.0, 7.0]], &by, &[10.0], (&[2.0], &[12.0]), Output::Overwrite, &mut out,
/// );
/// assert_eq!(out, [0.0, 0.0]);
/// ```
pub fn backward_training<T: Element>(
    isa: Isa,
    [x, delta]: [&[T]; 2],
    by: &Standardization,
    scale: &[T],
    (scale_gradient, shift_gradient): (&[f64], &[f64]),
    output: Output,
    out: &mut [T],
) {
    let c = check(by, scale);
    assert_eq!(x.len(), delta.len(), "as many deltas as inputs");
    assert_eq!((c, c), (scale_gradient.len(), shift_gradient.len()), "gradients of {c} channels");
    let rows = (x.len() / c) as f64;
    let map = Map::new(isa, c, |j| {
        let inverse = by.inverse[j];
        let factor = scale[j].widen() * inverse;
        let b = factor * shift_gradient[j] / rows;
        [factor, b, by.mean[j], factor * inverse * scale_gradient[j] / rows].map(T::narrow)
    });
    let len = Chunks::new(c, x.len()).len();
    let deltas = delta.par_chunks(len);
    assert_eq!(x.len(), out.len(), "as many outputs as inputs");
    x.par_chunks(len).zip(deltas).zip(out.par_chunks_mut(len)).for_each(|((x, delta), out)| {
        map.backward(x, delta, output, out);
    });
}

/// The gradients of every example with respect to scale and shift, with statistics that do not depend on
/// the batch (evaluation mode): `scale_rows[e, j] = Σ_p delta[e, p, j] · x̂[e, p, j]`,
/// `shift_rows[e, j] = Σ_p delta[e, p, j]`. x and delta [m, positions, c]; the results [m, c].
///
/// # Panics
///
/// When a slice's length does not fit.
///
/// ```
/// use coherence_cpu::{Isa, normalize::{Standardization, batch}};
/// let by = Standardization::from_moments(vec![2.0], &[1.0], 0.0);
/// let (mut scale, mut shift) = ([0.0f32; 2], [0.0f32; 2]);
/// batch::example_gradients(Isa::detect(), &[1.0, 3.0], &[5.0, 7.0], &by, &mut scale, &mut shift);
/// assert_eq!((scale, shift), ([-5.0, 7.0], [5.0, 7.0]));
/// ```
pub fn example_gradients<T: Element>(
    isa: Isa,
    x: &[T],
    delta: &[T],
    by: &Standardization,
    scale_rows: &mut [T],
    shift_rows: &mut [T],
) {
    let c = by.mean.len();
    assert_eq!((x.len(), scale_rows.len()), (delta.len(), shift_rows.len()), "rows of one length");
    assert!(c > 0 && scale_rows.len().is_multiple_of(c), "rows of {c} channels");
    if x.is_empty() {
        scale_rows.fill(T::zero());
        shift_rows.fill(T::zero());
        return;
    }
    let m = scale_rows.len() / c;
    assert!(m > 0 && x.len().is_multiple_of(m * c), "{} inputs of {m} examples", x.len());
    let example = x.len() / m;
    let inputs = x.par_chunks_exact(example).zip(delta.par_chunks_exact(example));
    let rows = scale_rows.par_chunks_exact_mut(c).zip(shift_rows.par_chunks_exact_mut(c));
    inputs.zip(rows).for_each(|((x, delta), (scale, shift))| {
        let sums = &mut *Scratch::<f64>::new(2 * c);
        let (products, deltas) = sums.split_at_mut(c);
        Sums::new(isa, c).products([x, delta], |j| by.mean[j], products, deltas);
        for j in 0..c {
            scale[j] = T::narrow(products[j] * by.inverse[j]);
            shift[j] = T::narrow(deltas[j]);
        }
    });
}

fn check<T>(by: &Standardization, scale: &[T]) -> usize {
    assert_eq!(by.mean.len(), scale.len(), "statistics of every channel");
    scale.len()
}
