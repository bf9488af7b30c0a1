//! Losses on a GPU.

use super::Cuda;
use crate::{
    device::Losses,
    loss::{Loss, Targets, values_have_no_classes},
};
use coherence_cuda::{Engine, Real, View, ViewMut, elementwise::axpy, loss};

impl<T: Real, E: Engine> Losses<T> for Cuda<E> {
    fn loss(
        &self,
        loss: Loss,
        outputs: View<'_, T>,
        targets: Targets<'_, T, Self>,
        losses: ViewMut<'_, f64>,
    ) -> f64 {
        self.evaluate(loss, outputs, targets, None, losses)
    }

    fn loss_with_gradient(
        &self,
        loss: Loss,
        outputs: View<'_, T>,
        targets: Targets<'_, T, Self>,
        delta: ViewMut<'_, T>,
        losses: ViewMut<'_, f64>,
    ) -> f64 {
        self.evaluate(loss, outputs, targets, Some(delta), losses)
    }

    fn add_losses(&self, weight: f64, auxiliary: View<'_, f64>, losses: ViewMut<'_, f64>) {
        axpy(&self.engine, weight, auxiliary, losses);
    }
}

impl<E: Engine> Cuda<E> {
    fn evaluate<T: Real>(
        &self,
        loss: Loss,
        outputs: View<'_, T>,
        targets: Targets<'_, T, Self>,
        delta: Option<ViewMut<'_, T>>,
        losses: ViewMut<'_, f64>,
    ) -> f64 {
        let engine = &self.engine;
        match (loss, targets) {
            (Loss::CrossEntropy { smoothing }, Targets::Labels(labels)) => {
                loss::cross_entropy(engine, smoothing, outputs, labels, delta, losses)
            }
            (Loss::CrossEntropy { .. }, Targets::Values(_)) => values_have_no_classes(),
            (Loss::SquaredError, targets) => {
                let targets = match targets {
                    Targets::Labels(labels) => loss::Targets::Labels(labels),
                    Targets::Values(values) => loss::Targets::Values(values),
                };
                loss::squared_error(engine, outputs, targets, delta, losses)
            }
        }
    }
}
