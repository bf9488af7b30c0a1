//! Per-example gradients of one tensor, in forms that are not multiplied out.

use crate::device::{Cpu, Device};
use coherence_cpu::{Element, convolution::Convolution, product::Dims};
use core::ops::Range;

/// The gradients of one tensor over a batch of m examples.
#[derive(Debug)]
pub enum Gradients<'a, T: Element, D: Device<T> = Cpu> {
    /// Every example has a gradient of its own.
    PerExample(PerExample<'a, T, D>),
    /// Only Σ_e g_e \[d\] is defined: a layer that normalises by the statistics of the batch makes its
    /// examples depend on each other.
    Sum(D::Slice<'a, T>),
}

/// The m per-example gradients of one tensor.
#[derive(Debug)]
#[non_exhaustive]
pub enum PerExample<'a, T: Element, D: Device<T> = Cpu> {
    /// g_e = δ_e ⊗ a_e [o, i]: the weight of a linear layer.
    Outer {
        /// The sizes m, i, o.
        dims: Dims,
        /// The layer's input [m, i].
        a: D::Slice<'a, T>,
        /// The gradient [m, o] of the SUM loss with respect to the layer's output.
        delta: D::Slice<'a, T>,
    },
    /// g_e = Σ_p δ_{e,p} ⊗ patch_{e,p} [o, kh, kw, i/groups] over the positions p: the weight of a
    /// convolution.
    Convolution {
        /// The sizes.
        sizes: Convolution,
        /// The layer's input [m, h, w, i].
        x: D::Slice<'a, T>,
        /// The gradient [m, oh, ow, o] of the SUM loss with respect to the layer's output.
        delta: D::Slice<'a, T>,
    },
    /// g_e is row e of a matrix [m, d]: a bias, or another tensor of few values.
    Rows(D::Slice<'a, T>),
}

impl<'a, T: Element, D: Device<T>> From<PerExample<'a, T, D>> for Gradients<'a, T, D> {
    fn from(gradients: PerExample<'a, T, D>) -> Self {
        Self::PerExample(gradients)
    }
}

impl<T: Element, D: Device<T>> Clone for Gradients<'_, T, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element, D: Device<T>> Copy for Gradients<'_, T, D> {}

impl<T: Element, D: Device<T>> Clone for PerExample<'_, T, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element, D: Device<T>> Copy for PerExample<'_, T, D> {}

impl<T: Element, D: Device<T>> Gradients<'_, T, D> {
    /// The same gradients for a shorter time.
    pub(crate) fn shorten(&self) -> Gradients<'_, T, D> {
        match self {
            Self::PerExample(gradients) => gradients.shorten().into(),
            Self::Sum(sum) => Gradients::Sum(D::shorten(sum)),
        }
    }
}

impl<'a, T: Element, D: Device<T>> PerExample<'a, T, D> {
    /// The same gradients for a shorter time.
    pub(crate) fn shorten(&self) -> PerExample<'_, T, D> {
        match self {
            Self::Outer { dims, a, delta } => {
                PerExample::Outer { dims: *dims, a: D::shorten(a), delta: D::shorten(delta) }
            }
            Self::Convolution { sizes, x, delta } => PerExample::Convolution {
                sizes: *sizes,
                x: D::shorten(x),
                delta: D::shorten(delta),
            },
            Self::Rows(rows) => PerExample::Rows(D::shorten(rows)),
        }
    }

    /// The gradients of only the examples `rows` of m.
    pub(crate) fn rows(self, m: usize, rows: &Range<usize>) -> Self {
        let part = |values: D::Slice<'a, T>| {
            let width = D::len(values) / m.max(1);
            D::part(values, rows.start * width..rows.end * width)
        };
        match self {
            Self::Outer { dims, a, delta } => {
                Self::Outer { dims: Dims { m: rows.len(), ..dims }, a: part(a), delta: part(delta) }
            }
            Self::Convolution { sizes, x, delta } => {
                Self::Convolution { sizes, x: part(x), delta: part(delta) }
            }
            Self::Rows(values) => Self::Rows(part(values)),
        }
    }
}
