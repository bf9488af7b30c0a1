//! Operations on each value by itself.

use super::{Dropped, Memory};
use crate::Activation;
use coherence_cpu::Element;

/// Vectors, activation functions and dropout.
pub trait Elementwise<T: Element>: Memory {
    /// `y += factor · x`.
    fn axpy(&self, factor: T, x: Self::Slice<'_, T>, y: Self::SliceMut<'_, T>);

    /// `x *= factor`.
    fn scale(&self, factor: T, x: Self::SliceMut<'_, T>);

    /// Adds `bias` \[o\], if there is one, to `x` [m, o], copies the sum z to `pre_activations`, if it is
    /// wanted, and applies the function: `x = φ(z)`.
    fn activate(
        &self,
        activation: Activation,
        bias: Option<Self::Slice<'_, T>>,
        x: Self::SliceMut<'_, T>,
        pre_activations: Option<Self::SliceMut<'_, T>>,
    );

    /// Turns the gradient with respect to h = φ(z) into that with respect to z: `delta *= φ′(z)`. `z` is
    /// given where [`Activation::needs_pre_activations`].
    fn activation_backward(
        &self,
        activation: Activation,
        h: Self::Slice<'_, T>,
        z: Option<Self::Slice<'_, T>>,
        delta: Self::SliceMut<'_, T>,
    );

    /// `out += from / (1 − p)` for the values that are not dropped.
    fn add_kept(&self, dropped: &Dropped, from: Self::Slice<'_, T>, out: Self::SliceMut<'_, T>);
}
