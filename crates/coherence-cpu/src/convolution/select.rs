//! Robust means of the examples' gradients, and steps along them.
//!
//! The gradients are formed by tile of coordinates, [n, tile], in a buffer that fits L2, and selected
//! there. The values are gradients of examples, or of groups of examples.

use core::ops::Range;

use rayon::prelude::*;

use super::coordinates::{Batch, Weight};
use crate::{
    Element, cache,
    dense::select_here,
    order::rule::{OrderRule, Selection},
    product::Output,
    scratch::Scratch,
};

/// Columns of a tile: few enough that many output channels share the unfolding.
const COLS: usize = 32;

/// The result of `rule` over the gradients of the given groups of examples, coordinate by coordinate:
/// without a `rate` it overwrites `out`, with one `out` changes by −rate times the result.
pub(super) fn select<T: Element>(
    batch: &Batch<'_, T>,
    rule: impl OrderRule,
    groups: &[Range<usize>],
    rate: Option<T>,
    out: &mut [T],
) {
    let n = groups.len();
    let selection = Selection::from_rule(rule, n);
    if rate.is_none() && batch.gather.live_taps() < batch.conv.taps() {
        out.fill(T::zero());
    }
    let rows = (cache::l2() / size_of::<T>() / n / COLS).clamp(8, 128);
    let weight = &Weight::new(out);
    batch.tiles([rows, COLS]).par_iter().with_max_len(1).for_each(|tile| {
        let mut buffer = Scratch::new((n + 1) * tile.len());
        let (result, values) = buffer.split_at_mut(tile.len());
        for (examples, values) in groups.iter().zip(values.chunks_exact_mut(tile.len())) {
            batch.sum(tile, batch.rows(examples.clone()), Output::Overwrite, values);
        }
        select_here(batch.isa, &selection, values, result);
        batch.write(tile, result, weight, |to, value| {
            *to = rate.map_or(value, |rate| *to - rate * value);
        });
    });
}

/// [`select`] over the gradients of single examples.
pub(super) fn examples<T: Element>(
    batch: &Batch<'_, T>,
    rule: impl OrderRule,
    rate: Option<T>,
    out: &mut [T],
) {
    let examples: Vec<Range<usize>> = (0..batch.m).map(|e| e..e + 1).collect();
    select(batch, rule, &examples, rate, out);
}
