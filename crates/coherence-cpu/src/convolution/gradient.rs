//! The gradient of the SUM loss, alone and together with the examples' squared norms.
//!
//! If examples have many positions, each example's gradient is formed tile by tile; the tile is added to
//! the sum, and its squares to the example's norm. If they have few, the sum is one product over the rows
//! of all examples, and norms come from Gram matrices, ‖g_e‖² = Σ_{p, q} (patch_p · patch_q) (δ_p · δ_q). [`Way`] decides.

use core::ops::Range;

use coherence_core::aggregate::groups;
use rayon::prelude::*;

use super::{
    coordinates::{Batch, Tile, Weight},
    unfold::Unfold,
};
use crate::{
    Element,
    product::{DEPTH, Output},
    scratch::Scratch,
    simd::{Kernel, Simd},
};

/// Rows and columns of a tile: with its sum and an example's gradient it fits L1 or nearly.
const TILE: [usize; 2] = [128, 64];

/// How gradients and squared norms are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Example by example; norms are sums of the squares of each tile.
    Tiles,
    /// One product over all rows, norms from Gram matrices.
    Gram,
}

impl Way {
    /// The way with the fewer operations. One of either takes 0.2 to 0.3 ns of a Zen 3 core.
    fn new<T>(batch: &Batch<'_, T>) -> Self {
        let is_gram = batch.conv.is_gram_cheaper(batch.gather.width());
        if is_gram { Self::Gram } else { Self::Tiles }
    }
}

/// Pieces of work at least, where the batch allows: tiles times parts of the examples. A number of the
/// sizes alone, so that sums are the same on every machine.
const PIECES: usize = 64;

/// The examples in as many parts as make enough pieces of work of so many tiles.
fn parts(m: usize, tiles: usize) -> Vec<Range<usize>> {
    groups(m, PIECES.div_ceil(tiles.max(1)).min(m).max(1)).collect()
}

/// Σ_e g_e, and the squared norms added to `sq_norms` if there are any to add to.
pub(super) fn gradient<T: Element>(
    batch: &Batch<'_, T>,
    output: Output,
    out: &mut [T],
    sq_norms: Option<&mut [f64]>,
) {
    let is_empty = batch.m == 0 || batch.gather.live_taps() < batch.conv.taps();
    if output == Output::Overwrite && is_empty {
        out.fill(T::zero());
    }
    if batch.m == 0 {
        return;
    }
    let (way, weight) = (Way::new(batch), &Weight::new(out));
    let tiles = batch.tiles(TILE);
    let parts = parts(batch.m, tiles.len());
    let add_norms = sq_norms.is_some() && way == Way::Tiles;
    let write = |tile: &Tile, sum: &[T], output| {
        batch.write(tile, sum, weight, |to, sum| match output {
            Output::Overwrite => *to = sum,
            Output::Add => *to = *to + sum,
        });
    };
    let pieces = batch.in_parallel(&tiles, &parts, |tile, examples| {
        let mut sum = Scratch::new(tile.len());
        let norms = match way {
            Way::Gram => {
                batch.sum(tile, batch.rows(examples), Output::Overwrite, &mut sum);
                Vec::new()
            }
            Way::Tiles => sum_by_example(batch, tile, examples, add_norms, &mut sum),
        };
        if parts.len() == 1 {
            write(tile, &sum, output);
            return (Vec::new(), norms);
        }
        (sum.to_vec(), norms)
    });
    if parts.len() > 1 {
        tiles.par_iter().enumerate().for_each(|(at, tile)| {
            for (n, (sum, _)) in pieces.iter().skip(at).step_by(tiles.len()).enumerate() {
                write(tile, sum, if n == 0 { output } else { Output::Add });
            }
        });
    }
    match (sq_norms, way) {
        (None, _) => {}
        (Some(to), Way::Gram) => add_sq_norms_by_gram(batch, to),
        (Some(to), Way::Tiles) => {
            add_norms_of(pieces.iter().map(|(_, norms)| norms), tiles.len(), to);
        }
    }
}

/// `sq_norms[e] += ‖g_e‖²`.
pub(super) fn add_sq_norms<T: Element>(batch: &Batch<'_, T>, sq_norms: &mut [f64]) {
    if Way::new(batch) == Way::Gram || batch.m == 0 {
        return add_sq_norms_by_gram(batch, sq_norms);
    }
    let tiles = batch.tiles(TILE);
    let parts = parts(batch.m, tiles.len());
    let norms = batch.in_parallel(&tiles, &parts, |tile, examples| {
        sum_by_example(batch, tile, examples, true, &mut Scratch::new(tile.len()))
    });
    add_norms_of(norms.iter(), tiles.len(), sq_norms);
}

/// Adds the squared norms of pieces, each those of its part of the examples in one of the tiles.
fn add_norms_of<'a>(
    pieces: impl Iterator<Item = &'a Vec<f64>>,
    tiles: usize,
    sq_norms: &mut [f64],
) {
    let mut start = 0;
    for (n, norms) in pieces.enumerate() {
        let both = sq_norms[start..].iter_mut().zip(norms);
        both.for_each(|(sum, norm)| *sum += norm);
        start += if (n + 1) % tiles == 0 { norms.len() } else { 0 };
    }
}

/// `sum` = Σ_e g_e in a tile over some examples, at least one; and with `add_norms` their squared norms there.
fn sum_by_example<T: Element>(
    batch: &Batch<'_, T>,
    tile: &Tile,
    examples: Range<usize>,
    add_norms: bool,
    sum: &mut [T],
) -> Vec<f64> {
    if batch.positions() <= DEPTH && !add_norms {
        // The same additions: an example's rows are one chain.
        for (n, e) in examples.enumerate() {
            let output = if n == 0 { Output::Overwrite } else { Output::Add };
            batch.sum(tile, batch.rows(e..e + 1), output, sum);
        }
        return Vec::new();
    }
    sum.fill(T::zero());
    let mut gradient = Scratch::new(tile.len());
    let norms = examples.map(|e| {
        batch.sum(tile, batch.rows(e..e + 1), Output::Overwrite, &mut gradient);
        T::add_and_square(batch.isa, AddAndSquare { x: &gradient, sum })
    });
    norms.collect()
}

/// `sum += x`; returns ‖x‖².
#[derive(Debug)]
pub struct AddAndSquare<'a, T> {
    x: &'a [T],
    sum: &'a mut [T],
}

impl<T: Element> Kernel<T> for AddAndSquare<'_, T> {
    type Output = f64;

    #[inline(always)]
    #[allow(unsafe_code)] // vectors loaded and stored without bounds checks
    fn run<S: Simd<T>>(self, simd: S) -> f64 {
        let Self { x, sum } = self;
        assert!(x.len() == sum.len());
        let whole = x.len() / S::LANES * S::LANES;
        let mut squares = [simd.wide_splat(0.0); 2];
        for at in (0..whole).step_by(S::LANES) {
            // SAFETY: at + LANES <= whole <= both lengths.
            let x = unsafe {
                let (x, to) = (simd.load(x.as_ptr().add(at)), sum.as_mut_ptr().add(at));
                simd.store(to, simd.add(simd.load(to), x));
                simd.widen(x)
            };
            squares = [squares[1], simd.wide_add(squares[0], simd.wide_mul(x, x))];
        }
        let mut rest = 0.0;
        for (x, sum) in x[whole..].iter().zip(&mut sum[whole..]) {
            *sum = *sum + *x;
            rest += x.widen() * x.widen();
        }
        simd.wide_sum(simd.wide_add(squares[0], squares[1])) + rest
    }
}

/// Squared norms from the Gram matrices of an example's patches and deltas, group by group.
fn add_sq_norms_by_gram<T: Element>(batch: &Batch<'_, T>, sq_norms: &mut [f64]) {
    let (conv, gather) = (batch.conv, &batch.gather);
    let blocks = gather.blocks(usize::MAX, usize::MAX);
    let p = batch.positions();
    let work = p * (p + 1) / 2 * (conv.weights() / conv.outputs.max(1) + conv.outputs);
    let least = 1 + (1 << 16) / work.max(1);
    sq_norms.par_iter_mut().with_min_len(least).enumerate().for_each(|(e, to)| {
        let rows = batch.rows(e..e + 1);
        for group in 0..conv.groups {
            let parts: Vec<_> = blocks
                .iter()
                .map(|block| {
                    let mut patches = Scratch::new(p * block.width());
                    let (source, rows, to) = (batch.x, rows.clone(), &mut *patches);
                    T::unfold(batch.isa, Unfold { gather, source, group, block, rows, to });
                    patches
                })
                .collect();
            let patches: Vec<&[T]> = parts.iter().map(|part| &part[..]).collect();
            let deltas = &batch.delta[rows.start * conv.outputs..rows.end * conv.outputs];
            let cols = group * conv.group_outputs()..(group + 1) * conv.group_outputs();
            *to += T::gram_norm(batch.isa, GramNorm { patches: &patches, deltas, cols, p });
        }
    });
}

/// Σ_{p, q} (a_p · a_q) (δ_p · δ_q) over the p positions of an example.
#[derive(Debug)]
pub struct GramNorm<'a, T> {
    /// Parts of the patches, each [p, _].
    patches: &'a [&'a [T]],
    deltas: &'a [T],
    cols: Range<usize>,
    p: usize,
}

impl<T: Element> Kernel<T> for GramNorm<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> f64 {
        let Self { patches, deltas, cols, p } = self;
        let o = deltas.len() / p;
        let row = |x: &'_ [T], at: usize| {
            let width = x.len() / p;
            at * width..(at + 1) * width
        };
        let mut norm = 0.0;
        for r in 0..p {
            for q in 0..=r {
                let of = |row: usize| &deltas[row * o..][cols.clone()];
                let delta = dot(simd, of(r), of(q));
                let dots = patches.iter().map(|a| dot(simd, &a[row(a, r)], &a[row(a, q)]));
                let both = if q == r { 1.0 } else { 2.0 };
                norm += both * delta * dots.sum::<f64>();
            }
        }
        norm
    }
}

#[inline(always)]
fn dot<T: Element, S: Simd<T>>(simd: S, x: &[T], y: &[T]) -> f64 {
    crate::norms::Dot { x, y }.run(simd)
}

/// Writes g_e.
pub(super) fn per_example<T: Element>(batch: &Batch<'_, T>, e: usize, out: &mut [T]) {
    assert!(e < batch.m, "example {e} of {}", batch.m);
    if batch.gather.live_taps() < batch.conv.taps() {
        out.fill(T::zero());
    }
    let weight = &Weight::new(out);
    batch.in_parallel(&batch.tiles(TILE), &parts(1, 1), |tile, _| {
        let mut gradient = Scratch::new(tile.len());
        batch.sum(tile, batch.rows(e..e + 1), Output::Overwrite, &mut gradient);
        batch.write(tile, &gradient, weight, |to, value| *to = value);
    });
}
