//! Losses on the processor.

use super::Cpu;
use crate::{
    device::Losses,
    loss::{Loss, Targets},
};
use coherence_cpu::Element;

impl<T: Element> Losses<T> for Cpu {
    #[inline]
    fn loss(&self, loss: Loss, outputs: &[T], targets: Targets<'_, T>, losses: &mut [f64]) -> f64 {
        loss.evaluate(outputs, targets, losses)
    }

    #[inline]
    fn loss_with_gradient(
        &self,
        loss: Loss,
        outputs: &[T],
        targets: Targets<'_, T>,
        delta: &mut [T],
        losses: &mut [f64],
    ) -> f64 {
        loss.with_gradient(outputs, targets, delta, losses)
    }

    fn add_losses(&self, weight: f64, auxiliary: &[f64], losses: &mut [f64]) {
        assert_eq!(auxiliary.len(), losses.len(), "losses of one batch");
        losses.iter_mut().zip(auxiliary).for_each(|(loss, other)| *loss += weight * other);
    }
}
