//! Robust means of the examples' gradients, and steps along them.
//!
//! The gradients are formed by tile of coordinates, [n, tile], in a buffer that fits L2, and selected
//! there. The values are gradients of examples, or of groups of examples.

use core::ops::Range;

use super::{
    coordinates::{Batch, FEW_POSITIONS, Weight},
    unfold::Unfold,
};
use crate::{
    Element, cache,
    dense::select_here,
    order::rule::{OrderRule, Selection},
    outer, parallel,
    product::{Dims, Output},
    scratch::Scratch,
    simd::TILE,
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
    let weight = &Weight::new(out);
    let tiles = batch.tiles([rows_of_tile::<T>(n, batch.positions()), COLS]);
    parallel::for_each(tiles.len(), |tile| {
        let tile = &tiles[tile];
        let len = tile.len();
        let lines = len.div_ceil(TILE);
        let mut buffer = Scratch::new(lines * TILE * (n + 2));
        let (results, rest) = buffer.split_at_mut(lines * TILE);
        let (gradient, values) = rest.split_at_mut(lines * TILE);
        gradient[len..].fill(T::zero());
        for (e, examples) in groups.iter().enumerate() {
            let rows = batch.rows(examples.clone());
            if !batch.sum_few(tile, rows.clone(), (&mut *values, n, e)) {
                batch.sum(tile, rows, Output::Overwrite, &mut gradient[..len]);
                for (line, from) in gradient.chunks_exact(TILE).enumerate() {
                    values[(line * n + e) * TILE..][..TILE].copy_from_slice(from);
                }
            }
        }
        for (result, values) in results.chunks_exact_mut(TILE).zip(values.chunks_exact(n * TILE)) {
            select_here(batch.isa, &selection, values, result);
        }
        batch.write(tile, &results[..len], weight, |to, value| {
            *to = rate.map_or(value, |rate| *to - rate * value);
        });
    });
}

/// Output channels of a tile of `n` values for each coordinate. With few positions the selection
/// dominates, and its values are to stay in L2; with many the product does, which is faster the more
/// output channels share the unfolded patches.
fn rows_of_tile<T>(n: usize, positions: usize) -> usize {
    let bytes = if positions <= FEW_POSITIONS { cache::l2() / 2 } else { 2 * cache::l2() };
    (bytes / size_of::<T>() / n / COLS).clamp(8, 64)
}

/// [`select`] over the gradients of single examples.
pub(super) fn examples<T: Element>(
    batch: &Batch<'_, T>,
    rule: impl OrderRule,
    rate: Option<T>,
    out: &mut [T],
) {
    if batch.positions() == 1 && batch.conv.groups == 1 {
        return select_outer_products(batch, rule, rate, out);
    }
    let examples: Vec<Range<usize>> = (0..batch.m).map(|e| e..e + 1).collect();
    select(batch, rule, &examples, rate, out);
}

/// [`select`] where each gradient is one outer product: zeros of the factors are skipped.
fn select_outer_products<T: Element>(
    batch: &Batch<'_, T>,
    rule: impl OrderRule,
    rate: Option<T>,
    out: &mut [T],
) {
    let (conv, gather, m) = (batch.conv, &batch.gather, batch.m);
    rule.check(m).unwrap_or_else(|error| panic!("{error}"));
    if rate.is_none() && gather.live_taps() < conv.taps() {
        out.fill(T::zero());
    }
    for block in gather.blocks(usize::MAX, usize::MAX) {
        let dims = Dims { m, i: block.width(), o: conv.outputs };
        let mut patches = Scratch::new(m * dims.i);
        let to = &mut patches;
        let unfold = Unfold { gather, source: batch.x, group: 0, block: &block, rows: 0..m, to };
        T::unfold(batch.isa, unfold);
        if let Some(out) = out.get_mut(block.tap * conv.channels..) {
            outer::select_columns(
                batch.isa,
                dims,
                [&patches, batch.delta],
                rule,
                rate,
                out,
                conv.patch(),
            );
        }
    }
}
