//! Two-dimensional convolutions, and per-example quantities of their gradients from factors.
//!
//! Images are channels-last. `m`: examples; x [m, h, w, i]: what went in; `delta` [m, oh, ow, o]: what
//! came back; weight [o, kh, kw, i/g]; `P` = oh · ow: positions of an example. Example e's gradient of
//! the SUM loss is
//!
//! `g_e = Σ_p delta[e, p] ⊗ patch[e, p]`, [o, kh · kw · i/g],
//!
//! where patch [e, p] are the values that output position p depends on; the delta of an output channel
//! meets the patch of its group. Neither the m × d matrix of the gradients nor the patches of the whole
//! batch are ever stored.
//!
//! A linear layer applied at P positions, such as in a transformer, is the convolution of [m, P, 1, i]
//! with a 1 × 1 kernel.
//!
//! ```
//! use coherence_cpu::{Isa, convolution::{Convolution, add_sq_norms, forward}, product::Output};
//! let conv = Convolution::new([1, 3], 1, 1, [1, 2]);
//! let (x, mut out) = ([1.0f32, 2.0, 5.0], [0.0; 2]);
//! forward(Isa::detect(), &conv, &x, &[-1.0, 1.0], Output::Overwrite, &mut out);
//! assert_eq!(out, [1.0, 3.0]);
//! let mut norms = [0.0]; // the gradient is 1 · (1, 2) + 3 · (2, 5) = (7, 17)
//! add_sq_norms(Isa::detect(), &conv, &x, &out, &mut norms);
//! assert_eq!(norms, [338.0]);
//! ```
//!
//! # How
//!
//! The forward pass and the backward pass to the input unfold a panel of patches that fits L2 and
//! multiply it as a linear layer would be; those of 3 × 3 kernels at stride 1 take fewer multiplications by
//! Winograd's algorithm, if the channels are whole tiles and the image is not small. Gradients are formed by
//! tile of coordinates; norms and selections are computed from the tile. Depthwise convolutions have kernels
//! of their own, whose lanes are channels. Taps that lie in the padding at every position are skipped.
//!
//! # Results
//!
//! A sum is a chain of at most 256 terms in the element type, added to the chains before it. By Winograd's
//! algorithm the terms are differences and sums of the values of a tile, so that the rounding error of an
//! output is relative to the largest terms of its tile, and a value that is not finite reaches the whole
//! tile. Squared norms and dots are summed in `f64`. Results do not depend on the number of threads. The
//! examples' gradients are products, whose last bits may differ between instruction sets; selections of the
//! same gradients do not differ.
//!
//! Without examples, products are empty and the gradient is zero; robust means are an error.
//!
//! # Panics
//!
//! Every function panics when the convolution does not exist, with the error of
//! [`Convolution::output_size`], or when a slice's length is not the product of its sizes.

mod coordinates;
mod depthwise;
mod few;
mod gather;
mod gradient;
mod rows;
mod select;
mod shape;
mod unfold;
mod winograd;

pub(crate) use depthwise::{DepthwiseRows, DepthwiseSum};
pub(crate) use few::FewPositions;
pub(crate) use gradient::{AddAndSquare, GramNorm};
pub use shape::{Convolution, ConvolutionError};
pub(crate) use unfold::Unfold;
pub(crate) use winograd::{TransformInput, TransformOutput, TransformWeight};

use coherence_core::aggregate::{Median, groups};

use crate::{
    Element, Isa,
    order::{OrderRule, OrderStatistics},
    product::Output,
};
use coordinates::Batch;
use shape::Direction;

/// Forward: `out [m, oh, ow, o] (+)= x * weight`, without a bias, that is
/// `out[e, p, j] = Σ_k patch[e, p, k] weight[j, k]`.
pub fn forward<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    weight: &[T],
    output: Output,
    out: &mut [T],
) {
    conv.examples(x.len(), out.len());
    assert_eq!(weight.len(), conv.weights(), "weight of {conv:?}");
    if winograd::suits(conv) {
        return winograd::pass(isa, conv, Direction::Forward, [x, weight], output, out);
    }
    rows::forward(isa, conv, [x, weight], output, out);
}

/// Backward to the input: `out [m, h, w, i] (+)= ` the gradient of the SUM loss with respect to x, that
/// is the sum of `delta[e, p, j] weight[j, k]` over all p and k whose patch value is this input value.
///
/// ```
/// use coherence_cpu::{Isa, convolution::{Convolution, backward}, product::Output};
/// let conv = Convolution::new([1, 3], 1, 1, [1, 2]);
/// let mut out = [0.0f32; 3];
/// backward(Isa::detect(), &conv, &[1.0, 3.0], &[-1.0, 1.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [-1.0, -2.0, 3.0]);
/// ```
pub fn backward<T: Element>(
    isa: Isa,
    conv: &Convolution,
    delta: &[T],
    weight: &[T],
    output: Output,
    out: &mut [T],
) {
    conv.examples(out.len(), delta.len());
    assert_eq!(weight.len(), conv.weights(), "weight of {conv:?}");
    if winograd::suits(conv) {
        return winograd::pass(isa, conv, Direction::Backward, [delta, weight], output, out);
    }
    rows::backward(isa, conv, [delta, weight], output, out);
}

/// Gradient of the SUM loss: `out [o, kh, kw, i/g] (+)= Σ_e g_e`.
///
/// ```
/// use coherence_cpu::{Isa, convolution::{Convolution, gradient}, product::Output};
/// let conv = Convolution::new([1, 3], 1, 1, [1, 2]);
/// let mut out = [0.0f32; 2];
/// gradient(Isa::detect(), &conv, &[1.0, 2.0, 5.0], &[1.0, 3.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [7.0, 17.0]);
/// ```
pub fn gradient<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    output: Output,
    out: &mut [T],
) {
    assert_eq!(out.len(), conv.weights(), "gradient of {conv:?}");
    gradient::gradient(&Batch::new(isa, conv, x, delta), output, out, None);
}

/// [`gradient`], the same bits, and [`add_sq_norms`] in one pass.
pub fn gradient_and_sq_norms<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    output: Output,
    out: &mut [T],
    sq_norms: &mut [f64],
) {
    let batch = Batch::new(isa, conv, x, delta);
    assert_eq!(out.len(), conv.weights(), "gradient of {conv:?}");
    assert_eq!(sq_norms.len(), batch.m, "one squared norm for each example");
    gradient::gradient(&batch, output, out, Some(sq_norms));
}

/// Adds every example's squared gradient norm: `out[e] += ‖g_e‖²`, in `f64`.
pub fn add_sq_norms<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    out: &mut [f64],
) {
    let batch = Batch::new(isa, conv, x, delta);
    assert_eq!(out.len(), batch.m, "one squared norm for each example");
    gradient::add_sq_norms(&batch, out);
}

/// Adds every example's dot with `v [o, kh, kw, i/g]`: `out[e] += g_e · v`, which is δ_e times the
/// convolution of x_e with v as weight. The sum over positions and channels is in `f64`.
///
/// ```
/// use coherence_cpu::{Isa, convolution::{Convolution, add_dots}};
/// let (conv, mut out) = (Convolution::new([1, 3], 1, 1, [1, 2]), [0.0]);
/// add_dots(Isa::detect(), &conv, &[1.0f32, 2.0, 5.0], &[1.0, 3.0], &[1.0, 2.0], &mut out);
/// assert_eq!(out, [41.0]); // (7, 17) · (1, 2)
/// ```
pub fn add_dots<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    v: &[T],
    out: &mut [f64],
) {
    assert_eq!(out.len(), conv.examples(x.len(), delta.len()), "one dot for each example");
    assert_eq!(v.len(), conv.weights(), "vector for {conv:?}");
    rows::add_dots(isa, conv, [x, delta, v], out);
}

/// Robust mean of the g_e, coordinate by coordinate, `out [o, kh, kw, i/g]`: `rule` over the values of the
/// examples, such as [`Winsorized`](coherence_core::aggregate::Winsorized). The values are the g_e rounded to
/// the element type.
///
/// # Panics
///
/// With the core's error when the rule is not defined for m values.
///
/// ```
/// use coherence_core::aggregate::Winsorized;
/// use coherence_cpu::{Isa, convolution::{Convolution, robust_mean}};
/// let (conv, rule) = (Convolution::new([1, 1], 1, 1, [1, 1]), Winsorized { clip: 1 });
/// let mut out = [0.0f32];
/// robust_mean(Isa::detect(), &conv, &[1.0; 4], &[1.0, 2.0, 3.0, 1000.0], rule, &mut out);
/// assert_eq!(out, [2.5]); // (2 + 2 + 3 + 3) / 4
/// ```
pub fn robust_mean<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    rule: impl OrderRule,
    out: &mut [T],
) {
    let batch = Batch::new(isa, conv, x, delta);
    assert_eq!(out.len(), conv.weights(), "robust mean of {conv:?}");
    let by = OrderStatistics::new(rule, batch.m);
    if by.is_mean() {
        gradient::gradient(&batch, Output::Overwrite, out, None);
        let m = T::narrow(batch.m as f64);
        out.iter_mut().for_each(|sum| *sum = *sum / m + T::zero());
    } else {
        select::examples(&batch, by, None, out);
    }
}

/// One step along the [`robust_mean`] in one pass over memory:
/// `weight [o, kh, kw, i/g] -= rate · robust mean`.
///
/// # Panics
///
/// As [`robust_mean`].
///
/// ```
/// use coherence_core::aggregate::Winsorized;
/// use coherence_cpu::{Isa, convolution::{Convolution, robust_step}};
/// let (conv, rule) = (Convolution::new([1, 1], 1, 1, [1, 1]), Winsorized { clip: 1 });
/// let mut weight = [2.0f32];
/// let delta = [1.0, 2.0, 3.0, 1000.0];
/// robust_step(Isa::detect(), &conv, &[1.0; 4], &delta, rule, 0.1, &mut weight);
/// assert_eq!(weight, [1.75]); // 2 − 0.1 · (2 + 2 + 3 + 3) / 4
/// ```
pub fn robust_step<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    rule: impl OrderRule,
    rate: T,
    weight: &mut [T],
) {
    let batch = Batch::new(isa, conv, x, delta);
    assert_eq!(weight.len(), conv.weights(), "weight of {conv:?}");
    let by = OrderStatistics::new(rule, batch.m);
    if by.is_mean() {
        let rate = rate / T::narrow(batch.m as f64);
        let all: Vec<_> = groups(batch.m, 1).collect();
        select::select(&batch, Median, &all, Some(rate), weight);
    } else {
        select::examples(&batch, by, Some(rate), weight);
    }
}

/// One step along the median of the groups' gradients of the SUM loss:
/// `weight -= rate · median_j Σ_{e in group j} g_e`, coordinate by coordinate; the k groups are
/// [`coherence_core::aggregate::groups`]`(m, k)`.
///
/// For the median of MEAN gradients divide each δ_e by the size of its group. An even number of groups
/// has the mean of its two middle values; one group makes a step along the sum.
///
/// # Panics
///
/// Unless 1 <= `k` <= m.
///
/// ```
/// use coherence_cpu::{Isa, convolution::{Convolution, median_of_sums_step}};
/// let conv = Convolution::new([1, 1], 1, 1, [1, 1]);
/// let mut weight = [2.0f32];
/// let delta = [1.0, 2.0, 30.0, 40.0, 5.0, 6.0]; // sums 3, 70, 11
/// median_of_sums_step(Isa::detect(), &conv, &[1.0; 6], &delta, 3, 0.125, &mut weight);
/// assert_eq!(weight, [0.625]);
/// ```
///
/// Source: WS20 §3 (M3), catalogue A19.
pub fn median_of_sums_step<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    k: usize,
    rate: T,
    weight: &mut [T],
) {
    let batch = Batch::new(isa, conv, x, delta);
    assert_eq!(weight.len(), conv.weights(), "weight of {conv:?}");
    let groups: Vec<_> = groups(batch.m, k).collect();
    select::select(&batch, Median, &groups, Some(rate), weight);
}

/// Example `e`'s gradient of the SUM loss, `out [o, kh, kw, i/g] = g_e`.
///
/// # Panics
///
/// When there is no example `e`.
pub fn per_example<T: Element>(
    isa: Isa,
    conv: &Convolution,
    x: &[T],
    delta: &[T],
    e: usize,
    out: &mut [T],
) {
    assert_eq!(out.len(), conv.weights(), "gradient of {conv:?}");
    gradient::per_example(&Batch::new(isa, conv, x, delta), e, out);
}
