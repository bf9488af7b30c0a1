//! Normalisation on the processor.

use super::Cpu;
use crate::device::Normalizations;
use coherence_cpu::{
    Element,
    normalize::{
        Standardization, batch,
        group::{self, Groups},
        moments,
    },
    product::Output,
};

impl<T: Element> Normalizations<T> for Cpu {
    fn batch_moments(
        &self,
        x: &[T],
        epsilon: f64,
        by: &mut Standardization,
        variances: &mut [f64],
    ) {
        by.update(variances.len(), epsilon, |mean, variance| {
            moments(self.isa, x, mean, variance);
            variances.copy_from_slice(variance);
        });
    }

    fn running_moments(&self, statistics: &[T], epsilon: f64, by: &mut Standardization) {
        by.update(statistics.len() / 2, epsilon, |mean, variance| {
            let moments = mean.iter_mut().chain(variance);
            moments.zip(statistics).for_each(|(to, running)| *to = running.widen());
        });
    }

    fn update_running_moments(
        &self,
        by: &Standardization,
        variances: &[f64],
        rows: usize,
        momentum: f64,
        statistics: &mut [T],
    ) {
        let running = statistics.split_at_mut(variances.len());
        batch::update_running(running, (by.mean(), variances), rows, momentum);
    }

    #[inline]
    fn batch_forward(&self, x: &[T], by: &Standardization, affine: &[T], out: &mut [T]) {
        let (scale, shift) = affine.split_at(affine.len() / 2);
        batch::forward(self.isa, x, by, scale, shift, out);
    }

    #[inline]
    fn batch_gradients(
        &self,
        x: &[T],
        delta: &[T],
        by: &Standardization,
        [scale, shift]: [&mut [f64]; 2],
    ) {
        batch::gradients(self.isa, x, delta, by, scale, shift);
    }

    #[inline]
    fn batch_backward_training(
        &self,
        [x, delta]: [&[T]; 2],
        by: &Standardization,
        scale: &[T],
        gradients: [&[f64]; 2],
        output: Output,
        out: &mut [T],
    ) {
        batch::backward_training(self.isa, [x, delta], by, scale, gradients.into(), output, out);
    }

    #[inline]
    fn batch_backward_evaluation(
        &self,
        delta: &[T],
        by: &Standardization,
        scale: &[T],
        output: Output,
        out: &mut [T],
    ) {
        batch::backward_evaluation(self.isa, delta, by, scale, output, out);
    }

    #[inline]
    fn batch_example_gradients(
        &self,
        x: &[T],
        delta: &[T],
        by: &Standardization,
        [scale, shift]: [&mut [T]; 2],
    ) {
        batch::example_gradients(self.isa, x, delta, by, scale, shift);
    }

    fn group_moments(&self, groups: Groups, x: &[T], epsilon: f64, by: &mut Standardization) {
        by.update(x.len() / groups.values(), epsilon, |mean, variance| {
            group::moments(self.isa, groups, x, mean, variance);
        });
    }

    #[inline]
    fn group_forward(
        &self,
        groups: Groups,
        x: &[T],
        by: &Standardization,
        affine: &[T],
        out: &mut [T],
    ) {
        let (scale, shift) = affine.split_at(affine.len() / 2);
        group::forward(self.isa, groups, x, by, scale, shift, out);
    }

    #[inline]
    fn group_backward(
        &self,
        groups: Groups,
        [x, delta]: [&[T]; 2],
        by: &Standardization,
        scale: &[T],
        output: Output,
        out: &mut [T],
    ) {
        group::backward(self.isa, groups, [x, delta], by, scale, output, out);
    }

    #[inline]
    fn group_example_gradients(
        &self,
        groups: Groups,
        x: &[T],
        delta: &[T],
        by: &Standardization,
        [scale, shift]: [&mut [T]; 2],
    ) {
        group::example_gradients(self.isa, groups, x, delta, by, scale, shift);
    }

    fn narrow(&self, from: &[f64], to: &mut [T]) {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = T::narrow(from));
    }
}
