//! Rows on the processor.

use super::Cpu;
use crate::device::Rows;
use coherence_core::{
    aggregate::{AnyCoordinateRule, MedianOfMeans},
    finite::Policy,
};
use coherence_cpu::{
    Element,
    dense::{self, Columnwise},
    elementwise::column_sums,
    norms::{dots_with, row_dots, row_sq_norms},
    order::OrderStatistics,
    product::Output,
};
use core::ops::Range;

impl<T: Element> Rows<T> for Cpu {
    #[inline]
    fn column_sums(&self, rows: &[T], output: Output, out: &mut [T]) {
        column_sums(self.isa, rows, output, out);
    }

    fn position_sums(&self, x: &[T], channels: usize, out: &mut [T]) {
        let m = out.len() / channels;
        let examples = x.chunks_exact((x.len() / m.max(1)).max(1));
        for (sum, x) in out.chunks_exact_mut(channels).zip(examples) {
            column_sums(self.isa, x, Output::Overwrite, sum);
        }
    }

    fn rows_add_sq_norms(&self, rows: &[T], width: usize, out: &mut [f64]) {
        assert_eq!(rows.len(), width * out.len(), "one squared norm for each example");
        add(out, |e, sq_norms| {
            row_sq_norms(self.isa, &rows[e.start * width..e.end * width], sq_norms)
        });
    }

    fn rows_add_dots(&self, rows: &[T], v: &[T], out: &mut [f64]) {
        let width = v.len();
        assert_eq!(rows.len(), width * out.len(), "one dot for each example");
        add(out, |e, dots| dots_with(self.isa, &rows[e.start * width..e.end * width], v, dots));
    }

    fn rows_add_pair_dots(&self, x: &[T], y: &[T], width: usize, out: &mut [f64]) {
        assert_eq!(x.len(), width * out.len(), "one dot for each example");
        add(out, |Range { start, end }, dots| {
            row_dots(
                self.isa,
                &x[start * width..end * width],
                &y[start * width..end * width],
                dots,
            );
        });
    }

    #[inline]
    fn rows_robust_mean(&self, rows: &[T], by: OrderStatistics, out: &mut [T]) {
        dense::robust_mean_on(self.isa, rows, by, out);
    }

    fn rows_median_of_means(&self, rows: &[T], groups: usize, out: &mut [T]) {
        let n = rows.len() / out.len().max(1);
        let rule = AnyCoordinateRule::MedianOfMeans(MedianOfMeans { groups });
        let rule =
            Columnwise::with_isa(self.isa, rule, n).unwrap_or_else(|error| panic!("{error}"));
        // As the other rules, which look at no value: propagation cannot fail.
        let done = rule.aggregate(rows, Policy::Propagate, out);
        done.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Adds the values that `compute` writes for a range of examples to their `out`. Works block by block,
/// so that nothing is allocated; a block is large enough to be shared by threads.
fn add(out: &mut [f64], compute: impl Fn(Range<usize>, &mut [f64])) {
    const EXAMPLES: usize = 1024;
    let mut block = [0.0; EXAMPLES];
    for (at, out) in out.chunks_mut(EXAMPLES).enumerate() {
        let (start, values) = (at * EXAMPLES, &mut block[..out.len()]);
        compute(start..start + out.len(), values);
        out.iter_mut().zip(values).for_each(|(out, value)| *out += *value);
    }
}
