//! The factors of a batch, their matrices group by group, and how a batch is cut so that scratch memory stays
//! bounded.

use super::kernels::unfold;
use crate::{
    Buffer, View,
    arrangement::take_channels,
    engine::{Engine, Real},
};
use coherence_cpu::{convolution::Convolution, product::Output};
use core::ops::Range;

/// How many pieces of `values` values make up a matrix of scratch memory, at least one.
pub(super) fn pieces<T>(engine: &impl Engine, values: usize) -> usize {
    (engine.scratch_bytes() / size_of::<T>() / values.max(1)).max(1)
}

/// The examples in tiles, for which matrices of `values` values an example are kept.
pub(super) fn tiles<T>(
    engine: &impl Engine,
    m: usize,
    values: usize,
) -> impl Iterator<Item = Range<usize>> {
    let each = pieces::<T>(engine, values).min(m.max(1));
    (0..m).step_by(each).map(move |start| start..m.min(start + each))
}

/// A matrix that is given, or was made from what is given.
#[derive(Debug)]
pub(super) enum Matrix<'a, T, E: Engine> {
    Given(View<'a, T>),
    Made(Buffer<T, E>),
}

impl<T: Real, E: Engine> Matrix<'_, T, E> {
    pub(super) fn view(&self) -> View<'_, T> {
        match self {
            Self::Given(view) => *view,
            Self::Made(buffer) => buffer.view(),
        }
    }

    /// The columns `range` of x [rows, whole].
    pub(super) fn columns<'a>(
        engine: &E,
        (whole, range): (usize, Range<usize>),
        x: View<'a, T>,
    ) -> Matrix<'a, T, E> {
        if range.len() == whole {
            return Matrix::Given(x);
        }
        let mut columns = Buffer::unspecified(engine, x.len() / whole * range.len());
        take_channels(engine, (whole, range), x, Output::Overwrite, columns.view_mut());
        Matrix::Made(columns)
    }
}

/// Whether the patches are the input as it lies in memory.
pub(super) fn is_identity(conv: &Convolution) -> bool {
    let ones = [1, 1];
    (conv.kernel, conv.stride, conv.padding, conv.groups) == (ones, ones, [0, 0], 1)
}

/// The patches [m · positions, patch] of a group of x [m, h, w, i].
pub(super) fn patches<'a, T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    group: usize,
    x: View<'a, T>,
    m: usize,
) -> Matrix<'a, T, E> {
    if is_identity(conv) {
        return Matrix::Given(x);
    }
    let mut patches = Buffer::unspecified(engine, m * conv.positions() * conv.patch());
    unfold(engine, conv, group, x, patches.view_mut());
    Matrix::Made(patches)
}

/// The output channels of a group.
pub(super) fn outputs_of_group(conv: &Convolution, group: usize) -> Range<usize> {
    group * conv.group_outputs()..(group + 1) * conv.group_outputs()
}

/// The factors of the gradients of m examples: x [m, h, w, i] and delta [m, oh, ow, o].
#[derive(Debug)]
pub(super) struct Batch<'a, T, E> {
    pub(super) engine: &'a E,
    pub(super) conv: &'a Convolution,
    pub(super) x: View<'a, T>,
    pub(super) delta: View<'a, T>,
    pub(super) m: usize,
}

impl<'a, T: Real, E: Engine> Batch<'a, T, E> {
    pub(super) fn new(
        engine: &'a E,
        conv: &'a Convolution,
        x: View<'a, T>,
        delta: View<'a, T>,
    ) -> Self {
        let m = conv.examples(x.len(), delta.len());
        x.check(engine, x.len());
        delta.check(engine, delta.len());
        Self { engine, conv, x, delta, m }
    }

    /// The batch of some of the examples.
    pub(super) fn examples(&self, range: Range<usize>) -> Self {
        let of = |view: View<'a, T>, each: usize| view.part(range.start * each..range.end * each);
        let (image, of_output) = (self.conv.image(), self.conv.output_image());
        let (x, delta) = (of(self.x, image), of(self.delta, of_output));
        Self { x, delta, m: range.len(), ..*self }
    }

    /// Rows of the matrices of a group: examples times positions.
    pub(super) fn rows(&self) -> usize {
        self.m * self.conv.positions()
    }

    /// The patches [rows, patch] of a group.
    pub(super) fn patches(&self, group: usize) -> Matrix<'a, T, E> {
        patches(self.engine, self.conv, group, self.x, self.m)
    }

    /// The deltas [rows, len] of some output channels.
    pub(super) fn deltas(&self, outputs: Range<usize>) -> Matrix<'a, T, E> {
        Matrix::<T, E>::columns(self.engine, (self.conv.outputs, outputs), self.delta)
    }
}
