//! A step along the median of the gradients of groups of examples.
//!
//! The groups' sums are formed block by block; a block's weights are updated while its sums are in the
//! cache.

use coherence_core::aggregate::{Median, groups};
use rayon::prelude::*;

use super::check;
use crate::{
    Element, Isa,
    dense::select_here,
    elementwise::median_of_three,
    isa::run_loop,
    order::rule::Selection,
    product::{Dims, gradient_block},
    scratch::Scratch,
};

/// Rows of a block.
const ROWS: usize = 128;

/// Columns of a block of `k` groups: their sums and the weights they change stay in L2.
fn columns(k: usize) -> usize {
    (576 / k).clamp(16, 192)
}

/// One step along the median of the groups' gradients of the SUM loss:
/// `weight [o, i] -= rate · median_g Σ_{e in group g} δ_e ⊗ a_e`, coordinate by coordinate; the
/// k groups are [`coherence_core::aggregate::groups`]`(m, k)`.
///
/// For the median of MEAN gradients divide each δ_e by the size of its group. An even number of
/// groups has the mean of its two middle values; one group makes a step along the sum.
///
/// # Panics
///
/// When a slice's length is not the product of its sizes, or unless 1 <= `k` <= m.
///
/// # Example
///
/// ```
/// use coherence_cpu::{outer::median_of_sums_step, product::Dims};
/// let mut weight = [2.0f32];
/// let delta = [1.0, 2.0, 30.0, 40.0, 5.0, 6.0]; // sums 3, 70, 11
/// median_of_sums_step(Dims { m: 6, i: 1, o: 1 }, &[1.0; 6], &delta, 3, 0.125, &mut weight);
/// assert_eq!(weight, [0.625]);
/// ```
///
/// Source: WS20 §3 (M3), catalogue A19.
pub fn median_of_sums_step<T: Element>(
    dims: Dims,
    a: &[T],
    delta: &[T],
    k: usize,
    rate: T,
    weight: &mut [T],
) {
    median_of_sums_step_on(Isa::detect(), dims, a, delta, k, rate, weight);
}

/// [`median_of_sums_step`] on a given instruction set.
pub fn median_of_sums_step_on<T: Element>(
    isa: Isa,
    dims: Dims,
    a: &[T],
    delta: &[T],
    k: usize,
    rate: T,
    weight: &mut [T],
) {
    check(dims, a, delta);
    let Dims { m, i, o } = dims;
    assert_eq!(weight.len(), o * i, "weight for {dims:?}");
    let groups = groups(m, k);
    if weight.is_empty() {
        return;
    }
    let selection = Selection::from_rule(Median, k);
    let columns = columns(k).min(i);
    weight.par_chunks_mut(ROWS * i).enumerate().for_each(|(at, weight)| {
        let rows = at * ROWS..at * ROWS + weight.len() / i;
        let mut buffers = Scratch::new((k + 1) * rows.len() * columns);
        for start in (0..i).step_by(columns) {
            let cols = start..i.min(start + columns);
            let len = rows.len() * cols.len();
            let (median, sums) = buffers[..(k + 1) * len].split_at_mut(len);
            for (examples, sum) in groups.clone().zip(sums.chunks_exact_mut(len)) {
                let block = [rows.clone(), cols.clone()];
                gradient_block(isa, dims, [delta, a], examples, block, sum);
            }
            median_of(isa, &selection, sums, median);
            let rows = weight.chunks_exact_mut(i).zip(median.chunks_exact(cols.len()));
            run_loop!(isa, {
                rows.for_each(|(weight, median)| {
                    let places = weight[cols.clone()].iter_mut().zip(median);
                    places.for_each(|(w, &median)| *w = *w - rate * median);
                });
            });
        }
    });
}

/// The median of the rows of `sums [groups, len]`, to `out [len]`.
fn median_of<T: Element>(isa: Isa, selection: &Selection, sums: &[T], out: &mut [T]) {
    let len = out.len();
    if sums.len() != 3 * len {
        return select_here(isa, selection, sums, out);
    }
    let [a, b, c] = [0, 1, 2].map(|group| &sums[group * len..][..len]);
    run_loop!(isa, {
        for (((out, &a), &b), &c) in out.iter_mut().zip(a).zip(b).zip(c) {
            *out = median_of_three(a, b, c);
        }
    });
}
