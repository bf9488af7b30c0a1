//! Convolutions with 3 × 3 kernels by Winograd's algorithm F(2 × 2, 3 × 3): a tile of 2 × 2 outputs takes
//! 16 multiplications for each pair of channels instead of 36.
//!
//! With d [4, 4] the inputs that a tile depends on and g [3, 3] the kernel,
//!
//! `Y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A`,
//!
//! ```text
//!      1  0 −1  0         1   0   0
//! Bᵀ = 0  1  1  0    G =  ½   ½   ½    Aᵀ = 1  1  1  0
//!      0 −1  1  0         ½  −½   ½         0  1 −1 −1
//!      0  1  0 −1         0   0   1
//! ```
//!
//! Over all channels and tiles ⊙ is 16 matrix products. The backward pass to the input is the same
//! convolution of the deltas, with the kernel turned by half a turn.
//!
//! Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, §4.1.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::ops::Range;

use super::{Convolution, shape::Direction};
use crate::{
    Element, Isa, cache, parallel,
    product::{Output, Target, multiply_to, panels},
    scratch::{Aligned, Scratch},
    simd::{Kernel, Simd, TILE},
};

/// Values of a transformed tile.
const POINTS: usize = 16;

/// Output positions from which on the algorithm is used: with fewer, a small batch takes longer to transform the
/// weight than it saves.
const LEAST_POSITIONS: usize = 64;

/// Tiles of a piece of work at least: with fewer, reading the weight takes longer than multiplying by it.
const LEAST_TILES: usize = 48;

/// Tiles of a piece of work at most, where the second-level cache holds fewer.
const MOST_TILES: usize = 96;

/// Pieces of work for each thread at least, where there are enough tiles.
const FOR_EACH_THREAD: usize = 4;

/// Whether the passes of a convolution use the algorithm. It depends on the sizes alone, so that an example has
/// the same results in every batch.
pub(super) fn suits(conv: &Convolution) -> bool {
    let are_whole = |channels: usize| channels > 0 && channels.is_multiple_of(TILE);
    conv.kernel == [3, 3]
        && [conv.stride, conv.dilation] == [[1, 1]; 2]
        && conv.groups == 1
        && conv.padding.iter().all(|&padding| padding <= 2)
        && [conv.channels, conv.outputs].into_iter().all(are_whole)
        && conv.image() > 0
        && conv.positions() >= LEAST_POSITIONS
}

/// The convolution of the deltas that is the backward pass of `conv`.
fn mirrored(conv: &Convolution) -> Convolution {
    Convolution {
        input: conv.output(),
        channels: conv.outputs,
        outputs: conv.channels,
        padding: conv.padding.map(|padding| 2 - padding),
        ..*conv
    }
}

/// The tiles of a batch: images in order, in each of them row by row.
#[derive(Debug)]
struct Tiles {
    /// Height and width of an image of outputs.
    size: [usize; 2],
    /// Rows and columns of tiles in it.
    count: [usize; 2],
}

impl Tiles {
    fn new(conv: &Convolution) -> Self {
        let size = conv.output();
        Self { size, count: size.map(|size| size.div_ceil(2)) }
    }

    /// Tiles of an image.
    fn of_image(&self) -> usize {
        self.count[0] * self.count[1]
    }

    /// The image of a tile, and the row and the column of its first output.
    fn place(&self, tile: usize) -> (usize, [usize; 2]) {
        let (image, at) = (tile / self.of_image(), tile % self.of_image());
        (image, [at / self.count[1] * 2, at % self.count[1] * 2])
    }
}

/// `out (+)=` a pass of a convolution that [`suits`] over the images of `source`.
pub(super) fn pass<T: Element>(
    isa: Isa,
    conv: &Convolution,
    direction: Direction,
    [source, weight]: [&[T]; 2],
    output: Output,
    out: &mut [T],
) {
    let conv = &match direction {
        Direction::Forward => *conv,
        Direction::Backward => mirrored(conv),
    };
    let panels = panels::<T>(isa, 0..conv.outputs);
    let weight = transformed(isa, conv, direction, weight, &panels);
    let all = source.len() / conv.image() * Tiles::new(conv).of_image();
    let pieces = pieces::<T>(all, conv.channels + conv.outputs);
    let target = Target(out.as_mut_ptr());
    parallel::for_each(pieces, |piece| {
        let (target, tiles) = (&target, all * piece / pieces..all * (piece + 1) / pieces);
        let [rows, sums] = [conv.channels, conv.outputs].map(|channels| stride(&tiles, channels));
        let mut inputs = Scratch::new(POINTS * rows);
        let mut products = Scratch::new(POINTS * sums);
        let to = &mut *inputs;
        T::transform_input(isa, TransformInput { conv, source, tiles: tiles.clone(), to });
        for point in 0..POINTS {
            let left = (&inputs[point * rows..], [conv.channels, 1]);
            let weight = &weight[point * conv.channels * conv.outputs..];
            let to: &mut [T] = &mut products[point * sums..][..tiles.len() * conv.outputs];
            for cols in &panels {
                let right = (&weight[cols.start * conv.channels..], [cols.len(), 1]);
                let shape = [tiles.len(), conv.channels, cols.len()];
                // SAFETY: `to` has a row for each tile, whose columns include the panel's.
                unsafe {
                    let to = (to.as_mut_ptr().add(cols.start), conv.outputs);
                    multiply_to(isa, shape, left, right, Output::Overwrite, to);
                }
            }
        }
        let (from, to) = (&*products, target.0);
        T::transform_output(isa, TransformOutput { conv, from, tiles, output, to });
    });
}

/// Values from one of the [`POINTS`] to the next: [tiles, channels], and a line, so that the points of a channel do
/// not fall on one set of the cache.
fn stride(tiles: &Range<usize>, channels: usize) -> usize {
    tiles.len() * channels + TILE
}

/// The transformed weight: for each of the [`POINTS`] the right factor [channels, outputs] in panels.
fn transformed<T: Element>(
    isa: Isa,
    conv: &Convolution,
    direction: Direction,
    weight: &[T],
    panels: &[Range<usize>],
) -> Scratch<T> {
    let mut transformed = Scratch::new(POINTS * conv.channels * conv.outputs);
    let target = Target(transformed.as_mut_ptr());
    parallel::for_each(conv.channels / TILE, |at| {
        let (target, channels) = (&target, at * TILE..(at + 1) * TILE);
        let to = target.0;
        T::transform_weight(isa, TransformWeight { conv, direction, weight, channels, panels, to });
    });
    transformed
}

/// Pieces of work of so many tiles: as few as the second-level cache allows, and a few for each thread.
fn pieces<T: Element>(tiles: usize, channels: usize) -> usize {
    let most = cache::l2() / 2 / (POINTS * channels * size_of::<T>());
    let wanted = FOR_EACH_THREAD * rayon::current_num_threads();
    tiles.div_ceil(most.max(MOST_TILES)).max(wanted.min(tiles / LEAST_TILES)).max(1)
}

/// Rows as columns.
#[inline(always)]
fn transposed<V: Copy, const R: usize, const C: usize>(rows: [[V; C]; R]) -> [[V; R]; C] {
    let mut columns = [[rows[0][0]; R]; C];
    for (r, row) in rows.into_iter().enumerate() {
        for (column, value) in columns.iter_mut().zip(row) {
            column[r] = value;
        }
    }
    columns
}

/// Bᵀ d for one column d.
#[inline(always)]
fn of_input<T: Element, S: Simd<T>>(simd: S, d: [S::V; 4]) -> [S::V; 4] {
    [simd.sub(d[0], d[2]), simd.add(d[1], d[2]), simd.sub(d[2], d[1]), simd.sub(d[1], d[3])]
}

/// G g for one column g.
#[inline(always)]
fn of_weight<T: Element, S: Simd<T>>(simd: S, g: [S::V; 3]) -> [S::V; 4] {
    let half = simd.splat(T::narrow(0.5));
    let outer = simd.add(g[0], g[2]);
    let [sum, difference] = [simd.add(outer, g[1]), simd.sub(outer, g[1])];
    [g[0], simd.mul(half, sum), simd.mul(half, difference), g[2]]
}

/// Aᵀ m for one column m.
#[inline(always)]
fn of_output<T: Element, S: Simd<T>>(simd: S, m: [S::V; 4]) -> [S::V; 2] {
    [simd.add(simd.add(m[0], m[1]), m[2]), simd.sub(simd.sub(m[1], m[2]), m[3])]
}

/// G g Gᵀ for some channels and all outputs of a pass, to the panels of each of the [`POINTS`].
#[derive(Debug)]
pub struct TransformWeight<'a, T> {
    conv: &'a Convolution,
    direction: Direction,
    weight: &'a [T],
    /// [`TILE`] channels of the pass.
    channels: Range<usize>,
    /// The outputs of the pass in panels.
    panels: &'a [Range<usize>],
    /// All points, in which no other thread writes these channels.
    to: *mut T,
}

impl<T: Element> Kernel<T> for TransformWeight<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Convolution { channels, outputs, .. } = *self.conv;
        assert!(self.channels.len() == TILE && self.channels.end <= channels);
        assert!(
            self.panels
                .iter()
                .all(|panel| panel.end <= outputs && panel.len().is_multiple_of(S::LANES))
        );
        assert!(self.weight.len() == self.conv.weights());
        let mut kernels = Aligned::<T, { 9 * TILE * TILE }>::new();
        let kernels = kernels.as_mut_ptr();
        for panel in self.panels {
            for col in panel.clone().step_by(S::LANES) {
                for row in self.channels.clone().step_by(S::LANES) {
                    // SAFETY: whole vectors from a row and a column that exist; room for nine tiles.
                    unsafe {
                        self.copy_kernels(simd, [row, col], kernels);
                        let at = panel.start * channels + row * panel.len() + col - panel.start;
                        let strides = [panel.len(), channels * outputs];
                        Self::transform(simd, kernels, self.to.add(at), strides);
                    }
                }
            }
        }
    }
}

impl<T: Element> TransformWeight<'_, T> {
    /// Copies the kernels from S::LANES channels to as many outputs of the pass to `kernels`, for each tap
    /// [channels, outputs].
    ///
    /// # Safety
    /// There are so many channels from `row` on and outputs from `col` on; `kernels` has room.
    #[inline(always)]
    unsafe fn copy_kernels<S: Simd<T>>(&self, simd: S, [row, col]: [usize; 2], kernels: *mut T) {
        let Convolution { channels, outputs, .. } = *self.conv;
        for tap in 0..9 {
            // SAFETY: S::LANES rows and columns of the weight, which is [outputs, 9, channels], or
            // [channels, 9, outputs] in the backward pass; on the other side the caller's promise.
            unsafe {
                let to = kernels.add(tap * S::LANES * S::LANES);
                match self.direction {
                    Direction::Forward => {
                        let from = self.weight.as_ptr().add((col * 9 + tap) * channels + row);
                        simd.transpose(from, 9 * channels, to, S::LANES);
                    }
                    Direction::Backward => {
                        let from = self.weight.as_ptr().add((row * 9 + 8 - tap) * outputs + col);
                        for r in 0..S::LANES {
                            simd.store(to.add(r * S::LANES), simd.load(from.add(r * 9 * outputs)));
                        }
                    }
                }
            }
        }
    }

    /// Transforms kernels to rows `strides[0]` apart, in points `strides[1]` apart.
    ///
    /// # Safety
    /// [`TransformWeight::copy_kernels`] filled `kernels`; `to` is writable for S::LANES rows of as many values in
    /// each point, which no other thread touches.
    #[inline(always)]
    unsafe fn transform<S: Simd<T>>(simd: S, kernels: *const T, to: *mut T, strides: [usize; 2]) {
        for row in 0..S::LANES {
            let mut half = [[simd.splat(T::zero()); 4]; 3];
            for (y, half) in half.iter_mut().enumerate() {
                let mut g = [simd.splat(T::zero()); 3];
                for (x, g) in g.iter_mut().enumerate() {
                    // SAFETY: a row of S::LANES values.
                    *g = unsafe {
                        simd.load(kernels.add(((3 * y + x) * S::LANES + row) * S::LANES))
                    };
                }
                *half = of_weight(simd, g);
            }
            for (x, column) in transposed(half).into_iter().enumerate() {
                for (y, value) in of_weight(simd, column).into_iter().enumerate() {
                    let at = row * strides[0] + (4 * y + x) * strides[1];
                    // SAFETY: the caller's promise.
                    unsafe { simd.store(to.add(at), value) }
                }
            }
        }
    }
}

/// Bᵀ d B for some tiles, to each of the [`POINTS`], a [`stride`] apart.
#[derive(Debug)]
pub struct TransformInput<'a, T> {
    conv: &'a Convolution,
    source: &'a [T],
    tiles: Range<usize>,
    to: &'a mut [T],
}

impl<T: Element> Kernel<T> for TransformInput<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { conv, source, tiles, to } = self;
        let (channels, places) = (conv.channels, Tiles::new(conv));
        let stride = stride(&tiles, channels);
        assert!(channels.is_multiple_of(TILE) && to.len() == POINTS * stride);
        let mut zeros = Scratch::new(channels);
        zeros.fill(T::zero());
        for (n, tile) in tiles.enumerate() {
            let (image, first) = places.place(tile);
            let mut from = [zeros.as_ptr(); POINTS];
            for (at, from) in from.iter_mut().enumerate() {
                // Beyond the image on either side it is the padding.
                let y = (first[0] + at / 4).wrapping_sub(conv.padding[0]);
                let x = (first[1] + at % 4).wrapping_sub(conv.padding[1]);
                if y < conv.input[0] && x < conv.input[1] {
                    let position = (image * conv.input[0] + y) * conv.input[1] + x;
                    *from = source[position * channels..][..channels].as_ptr();
                }
            }
            let to = to[n * channels..].as_mut_ptr();
            for c in (0..channels).step_by(S::LANES) {
                let mut half = [[simd.splat(T::zero()); 4]; 4];
                for (y, half) in half.iter_mut().enumerate() {
                    let mut d = [simd.splat(T::zero()); 4];
                    for (x, d) in d.iter_mut().enumerate() {
                        // SAFETY: `channels` values of a position or of the zeros.
                        *d = unsafe { simd.load(from[4 * y + x].add(c)) };
                    }
                    *half = of_input(simd, d);
                }
                for (x, column) in transposed(half).into_iter().enumerate() {
                    for (y, value) in of_input(simd, column).into_iter().enumerate() {
                        // SAFETY: row n of each point.
                        unsafe { simd.store(to.add((4 * y + x) * stride + c), value) }
                    }
                }
            }
        }
    }
}

/// `to (+)= Aᵀ m A` for some tiles, m from each of the [`POINTS`], a [`stride`] apart.
#[derive(Debug)]
pub struct TransformOutput<'a, T> {
    conv: &'a Convolution,
    from: &'a [T],
    tiles: Range<usize>,
    output: Output,
    /// All images, in which no other thread writes these tiles.
    to: *mut T,
}

impl<T: Element> Kernel<T> for TransformOutput<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { conv, from, tiles, output, to } = self;
        let (outputs, places) = (conv.outputs, Tiles::new(conv));
        let stride = stride(&tiles, outputs);
        assert!(outputs.is_multiple_of(TILE) && from.len() == POINTS * stride);
        let [height, width] = places.size;
        for (n, tile) in tiles.enumerate() {
            let (image, [top, left]) = places.place(tile);
            let from = from[n * outputs..].as_ptr();
            for c in (0..outputs).step_by(S::LANES) {
                let mut half = [[simd.splat(T::zero()); 2]; 4];
                for (y, half) in half.iter_mut().enumerate() {
                    let mut m = [simd.splat(T::zero()); 4];
                    for (x, m) in m.iter_mut().enumerate() {
                        // SAFETY: row n of each point.
                        *m = unsafe { simd.load(from.add((4 * y + x) * stride + c)) };
                    }
                    *half = of_output(simd, m);
                }
                for (x, column) in transposed(half).into_iter().enumerate().take(width - left) {
                    let column = of_output(simd, column).into_iter().enumerate();
                    for (y, mut value) in column.take(height - top) {
                        let at = (image * height + top + y) * width + left + x;
                        // SAFETY: the place of a position of this tile, S::LANES of its `outputs` values.
                        unsafe {
                            let to = to.add(at * outputs + c);
                            if output == Output::Add {
                                value = simd.add(simd.load(to), value);
                            }
                            simd.store(to, value);
                        }
                    }
                }
            }
        }
    }
}
