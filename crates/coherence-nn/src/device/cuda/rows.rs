//! Rows on a GPU.

use super::Cuda;
use crate::device::Rows;
use coherence_core::aggregate::MedianOfMeans;
use coherence_cpu::{order::OrderStatistics, product::Output};
use coherence_cuda::{Engine, Real, View, ViewMut, dense, rows, select::select_columns};

impl<T: Real, E: Engine> Rows<T> for Cuda<E> {
    fn column_sums(&self, rows: View<'_, T>, output: Output, out: ViewMut<'_, T>) {
        rows::column_sums(&self.engine, rows, output, out);
    }

    fn position_sums(&self, x: View<'_, T>, channels: usize, out: ViewMut<'_, T>) {
        rows::position_sums(&self.engine, x, channels, out);
    }

    fn rows_add_sq_norms(&self, rows: View<'_, T>, width: usize, out: ViewMut<'_, f64>) {
        rows::add_sq_norms(&self.engine, rows, width, out);
    }

    fn rows_add_dots(&self, rows: View<'_, T>, v: View<'_, T>, out: ViewMut<'_, f64>) {
        rows::add_dots(&self.engine, rows, v, out);
    }

    fn rows_add_pair_dots(
        &self,
        x: View<'_, T>,
        y: View<'_, T>,
        width: usize,
        out: ViewMut<'_, f64>,
    ) {
        rows::add_pair_dots(&self.engine, x, y, width, out);
    }

    fn rows_robust_mean(&self, rows: View<'_, T>, by: OrderStatistics, out: ViewMut<'_, T>) {
        select_columns(&self.engine, by, rows, None, out);
    }

    fn rows_median_of_means(&self, rows: View<'_, T>, groups: usize, out: ViewMut<'_, T>) {
        let done = dense::median_of_means(&self.engine, MedianOfMeans { groups }, rows, out);
        done.unwrap_or_else(|error| panic!("{error}"));
    }
}
