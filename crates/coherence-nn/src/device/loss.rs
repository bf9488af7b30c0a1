//! Losses of a batch.

use super::Memory;
use crate::loss::{Loss, Targets};
use coherence_cpu::Element;

/// Losses of the outputs [m, k], one \[m\] for each example in `f64`, and their SUM for the host.
pub trait Losses<T: Element>: Memory {
    /// As [`Loss::evaluate`].
    fn loss(
        &self,
        loss: Loss,
        outputs: Self::Slice<'_, T>,
        targets: Targets<'_, T, Self>,
        losses: Self::SliceMut<'_, f64>,
    ) -> f64;

    /// As [`Loss::with_gradient`].
    fn loss_with_gradient(
        &self,
        loss: Loss,
        outputs: Self::Slice<'_, T>,
        targets: Targets<'_, T, Self>,
        delta: Self::SliceMut<'_, T>,
        losses: Self::SliceMut<'_, f64>,
    ) -> f64;

    /// Adds the losses of an auxiliary output with its weight: `losses[e] += weight · auxiliary[e]`.
    fn add_losses(
        &self,
        weight: f64,
        auxiliary: Self::Slice<'_, f64>,
        losses: Self::SliceMut<'_, f64>,
    );
}
