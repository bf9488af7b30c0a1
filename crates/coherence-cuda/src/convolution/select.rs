//! Robust means of the examples' gradients, and steps along them.
//!
//! The gradients of examples, or of groups of examples, are formed for a band of output channels, [n, band · patch]
//! in scratch memory, and selected there.

use super::{
    batch::{Batch, Matrix, pieces, tiles},
    kernels::depthwise_gradients,
};
use crate::{
    Buffer, View, ViewMut,
    engine::{Engine, Product, Real},
    product::{multiply, multiply_each},
    select::{select_columns, select_outer},
};
use coherence_core::aggregate::{Median, groups};
use coherence_cpu::{
    convolution::Convolution,
    order::{OrderRule, OrderStatistics},
    product::{Dims, Output},
};
use core::ops::Range;

/// Robust mean of the g_e, coordinate by coordinate, `out [o, kh, kw, i/g]`: `rule` over the values of the
/// examples.
///
/// # Panics
///
/// With the core's error when the rule is not defined for m values.
pub fn robust_mean<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    [x, delta]: [View<'_, T>; 2],
    rule: impl OrderRule,
    out: ViewMut<'_, T>,
) {
    let batch = Batch::new(engine, conv, x, delta);
    select(&batch, rule, None, None, out);
}

/// `weight [o, kh, kw, i/g] -= rate ·` the [`robust_mean`].
///
/// # Panics
///
/// As [`robust_mean`].
pub fn robust_step<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    [x, delta]: [View<'_, T>; 2],
    rule: impl OrderRule,
    rate: T,
    weight: ViewMut<'_, T>,
) {
    let batch = Batch::new(engine, conv, x, delta);
    let by = OrderStatistics::new(rule, batch.m);
    if by.is_mean() {
        let all: Vec<_> = groups(batch.m, 1).collect();
        let rate = rate / T::narrow(batch.m as f64);
        select(&batch, Median, Some(&all), Some(rate), weight);
    } else {
        select(&batch, by, None, Some(rate), weight);
    }
}

/// `weight -= rate · median_j Σ_{e in group j} g_e` over the `k` groups of [`coherence_core::aggregate::groups`].
///
/// # Panics
///
/// Unless 1 <= `k` <= m.
pub fn median_of_sums_step<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    [x, delta]: [View<'_, T>; 2],
    k: usize,
    rate: T,
    weight: ViewMut<'_, T>,
) {
    let batch = Batch::new(engine, conv, x, delta);
    let groups: Vec<_> = groups(batch.m, k).collect();
    select(&batch, Median, Some(&groups), Some(rate), weight);
}

/// `rule` over the gradients of groups of consecutive examples, or of all examples: overwrites `out`, or with
/// a rate changes it by −rate times the result.
fn select<T: Real, E: Engine>(
    batch: &Batch<'_, T, E>,
    rule: impl OrderRule,
    groups: Option<&[Range<usize>]>,
    rate: Option<T>,
    mut out: ViewMut<'_, T>,
) {
    let (engine, conv) = (batch.engine, batch.conv);
    out.check(engine, conv.weights());
    let n = groups.map_or(batch.m, <[_]>::len);
    rule.check(n).unwrap_or_else(|error| panic!("{error}"));
    let patch = conv.patch();
    if conv.positions() == 1 && conv.groups == 1 && groups.is_none() {
        // Each gradient is one outer product, which need not be stored.
        let (patches, dims) = (batch.patches(0), Dims { m: n, i: patch, o: conv.outputs });
        return select_outer(engine, rule, dims, [patches.view(), batch.delta], rate, out);
    }
    let band = pieces::<T>(engine, n * patch);
    let mut apply = |outputs: Range<usize>, values: View<'_, T>| {
        let out = out.reborrow().part(outputs.start * patch..outputs.end * patch);
        select_columns(engine, rule, values, rate, out);
    };
    if conv.is_depthwise() {
        for start in (0..conv.outputs).step_by(band) {
            let channels = start..conv.outputs.min(start + band);
            apply(channels.clone(), depthwise(batch, groups, channels).view());
        }
        return;
    }
    for group in 0..conv.groups {
        let mut patches = Patches { batch, group, latest: None };
        let all = super::outputs_of_group(conv, group);
        for start in all.clone().step_by(band) {
            let outputs = start..all.end.min(start + band);
            apply(outputs.clone(), dense(&mut patches, groups, outputs).view());
        }
    }
}

/// The gradients [n, channels · taps] of some channels of a depthwise convolution.
fn depthwise<T: Real, E: Engine>(
    batch: &Batch<'_, T, E>,
    groups: Option<&[Range<usize>]>,
    channels: Range<usize>,
) -> Buffer<T, E> {
    let (engine, conv, width) = (batch.engine, batch.conv, channels.len() * batch.conv.patch());
    let n = groups.map_or(batch.m, <[_]>::len);
    let mut values = Buffer::unspecified(engine, n * width);
    match groups {
        None => {
            let inputs = [batch.x, batch.delta];
            depthwise_gradients(engine, conv, inputs, channels, 1, values.view_mut());
        }
        Some(groups) => {
            for (g, examples) in groups.iter().enumerate() {
                let part = batch.examples(examples.clone());
                let (inputs, each) = ([part.x, part.delta], examples.len());
                let to = values.view_mut().part(g * width..(g + 1) * width);
                depthwise_gradients(engine, conv, inputs, channels.clone(), each, to);
            }
        }
    }
    values
}

/// Patches of a group, of which those of the latest tile of examples are kept: often there is one tile.
struct Patches<'b, 'a, T, E: Engine> {
    batch: &'b Batch<'a, T, E>,
    group: usize,
    latest: Option<(Range<usize>, Matrix<'a, T, E>)>,
}

impl<T: Real, E: Engine> Patches<'_, '_, T, E> {
    fn of(&mut self, tile: &Range<usize>) -> View<'_, T> {
        if self.latest.as_ref().is_none_or(|(of, _)| of != tile) {
            let patches = self.batch.examples(tile.clone()).patches(self.group);
            self.latest = Some((tile.clone(), patches));
        }
        let (_, patches) = self.latest.as_ref().expect("the patches of this tile");
        patches.view()
    }
}

/// The gradients [n, outputs · patch] of some output channels of a group.
fn dense<T: Real, E: Engine>(
    patches: &mut Patches<'_, '_, T, E>,
    groups: Option<&[Range<usize>]>,
    outputs: Range<usize>,
) -> Buffer<T, E> {
    let batch = patches.batch;
    let (engine, p, patch) = (batch.engine, batch.conv.positions(), batch.conv.patch());
    let (columns, width) = (outputs.len(), outputs.len() * patch);
    let n = groups.map_or(batch.m, <[_]>::len);
    let mut values = Buffer::unspecified(engine, n * width);
    let product = |m, output| Product::tn(Dims { m, i: patch, o: columns }, output);
    for tile in tiles::<T>(engine, batch.m, p * patch) {
        let deltas = batch.examples(tile.clone()).deltas(outputs.clone());
        let (deltas, patches) = (deltas.view(), patches.of(&tile));
        let Some(groups) = groups else {
            let to = values.view_mut().part(tile.start * width..tile.end * width);
            let product = product(p, Output::Overwrite);
            multiply_each(engine, tile.len(), product, deltas, patches, to);
            continue;
        };
        for (g, examples) in groups.iter().enumerate() {
            let (start, end) = (examples.start.max(tile.start), examples.end.min(tile.end));
            if start >= end {
                continue;
            }
            let rows = (start - tile.start) * p..(end - tile.start) * p;
            let is_first = start == examples.start;
            let output = if is_first { Output::Overwrite } else { Output::Add };
            let [deltas, patches] = [(deltas, columns), (patches, patch)]
                .map(|(x, width)| x.part(rows.start * width..rows.end * width));
            let to = values.view_mut().part(g * width..(g + 1) * width);
            multiply(engine, product(rows.len(), output), deltas, patches, to);
        }
    }
    values
}
