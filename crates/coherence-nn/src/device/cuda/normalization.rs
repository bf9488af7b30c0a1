//! Normalisation on a GPU.

use super::{Cuda, Standardization};
use crate::device::Normalizations;
use coherence_cpu::{normalize::group::Groups, product::Output};
use coherence_cuda::{
    Buffer, Engine, Real, View, ViewMut,
    normalization::{self, StandardizationView},
};

impl<E: Engine> Standardization<E> {
    fn statistics(&self) -> StandardizationView<'_> {
        let [mean, inverse] = self.mean_and_inverse();
        StandardizationView { mean, inverse }
    }
}

impl<T: Real, E: Engine> Normalizations<T> for Cuda<E> {
    fn batch_moments(
        &self,
        x: View<'_, T>,
        epsilon: f64,
        by: &mut Standardization<E>,
        mut variances: ViewMut<'_, f64>,
    ) {
        let [mean, inverse] = by.mean_and_inverse_mut(&self.engine, variances.len());
        normalization::batch_moments(&self.engine, x, mean, variances.reborrow());
        normalization::inverse_deviations(&self.engine, variances.read(), epsilon, inverse);
    }

    fn running_moments(&self, statistics: View<'_, T>, epsilon: f64, by: &mut Standardization<E>) {
        let [mean, inverse] = by.mean_and_inverse_mut(&self.engine, statistics.len() / 2);
        normalization::running_moments(&self.engine, statistics, epsilon, mean, inverse);
    }

    fn update_running_moments(
        &self,
        by: &Standardization<E>,
        variances: View<'_, f64>,
        rows: usize,
        momentum: f64,
        statistics: ViewMut<'_, T>,
    ) {
        let moments = [by.statistics().mean, variances];
        normalization::update_running(&self.engine, moments, rows, momentum, statistics);
    }

    fn batch_forward(
        &self,
        x: View<'_, T>,
        by: &Standardization<E>,
        affine: View<'_, T>,
        out: ViewMut<'_, T>,
    ) {
        normalization::batch_forward(&self.engine, x, by.statistics(), affine, out);
    }

    fn batch_gradients(
        &self,
        x: View<'_, T>,
        delta: View<'_, T>,
        by: &Standardization<E>,
        gradients: [ViewMut<'_, f64>; 2],
    ) {
        normalization::batch_gradients(&self.engine, [x, delta], by.statistics(), gradients);
    }

    fn batch_backward_training(
        &self,
        x_and_delta: [View<'_, T>; 2],
        by: &Standardization<E>,
        scale: View<'_, T>,
        gradients: [View<'_, f64>; 2],
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        let by = by.statistics();
        normalization::backward_training(
            &self.engine,
            x_and_delta,
            by,
            scale,
            gradients,
            output,
            out,
        );
    }

    fn batch_backward_evaluation(
        &self,
        delta: View<'_, T>,
        by: &Standardization<E>,
        scale: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        let by = by.statistics();
        normalization::backward_evaluation(&self.engine, delta, by, scale, output, out);
    }

    fn batch_example_gradients(
        &self,
        x: View<'_, T>,
        delta: View<'_, T>,
        by: &Standardization<E>,
        rows: [ViewMut<'_, T>; 2],
    ) {
        normalization::batch_example_gradients(&self.engine, [x, delta], by.statistics(), rows);
    }

    fn group_moments(
        &self,
        groups: Groups,
        x: View<'_, T>,
        epsilon: f64,
        by: &mut Standardization<E>,
    ) {
        let len = groups.items(x.len()) * groups.groups();
        let [mean, inverse] = by.mean_and_inverse_mut(&self.engine, len);
        let mut variances = Buffer::zeros(&self.engine, len);
        normalization::group_moments(&self.engine, groups, x, mean, variances.view_mut());
        normalization::inverse_deviations(&self.engine, variances.view(), epsilon, inverse);
    }

    fn group_forward(
        &self,
        groups: Groups,
        x: View<'_, T>,
        by: &Standardization<E>,
        affine: View<'_, T>,
        out: ViewMut<'_, T>,
    ) {
        normalization::group_forward(&self.engine, groups, x, by.statistics(), affine, out);
    }

    fn group_backward(
        &self,
        groups: Groups,
        x_and_delta: [View<'_, T>; 2],
        by: &Standardization<E>,
        scale: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        let by = by.statistics();
        normalization::group_backward(&self.engine, groups, x_and_delta, by, scale, output, out);
    }

    fn group_example_gradients(
        &self,
        groups: Groups,
        x: View<'_, T>,
        delta: View<'_, T>,
        by: &Standardization<E>,
        rows: [ViewMut<'_, T>; 2],
    ) {
        let by = by.statistics();
        normalization::group_example_gradients(&self.engine, groups, [x, delta], by, rows);
    }

    fn narrow(&self, from: View<'_, f64>, to: ViewMut<'_, T>) {
        normalization::narrow(&self.engine, from, Output::Overwrite, to);
    }
}
