//! Sums over rows by channel. Rows are cut in segments that depend on the sizes alone; a segment's sums are
//! added by one block for each few channels, and segments in a fixed order.

use super::{Normalized, StandardizationView};
use crate::{
    Buffer, View, ViewMut,
    argument::{Arguments, ByValue, Structure, add, blocks_of},
    engine::{Engine, Real},
};
use coherence_cpu::product::Output;

/// Channels that a block sums at most: a warp reads neighbouring values.
const LANES: usize = 32;

/// Blocks of a sum at most, nearly: enough for every GPU.
const BLOCKS: usize = 1024;

/// Rows of a segment at least, where they are cut for the sake of more blocks.
const LEAST_ROWS: usize = 64;

/// Columns of a block of sum_segments.
const COLUMNS: usize = 8;

/// How rows of channels are cut.
#[derive(Clone, Copy)]
pub(crate) struct Segments {
    rows: usize,
    channels: usize,
    segment: usize,
    count: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct RowSegments {
    rows: u64,
    channels: u64,
    segment: u64,
    lanes: u64,
}

// SAFETY: four numbers in the order of structures.h.
unsafe impl Structure for RowSegments {
    const NAME: &'static str = "Segments";
}

impl Segments {
    /// Segments of one length, as many as keep a device busy.
    pub(crate) fn new(rows: usize, channels: usize) -> Self {
        let most = (BLOCKS / channels.div_ceil(LANES).max(1)).max(1);
        let segment = rows.div_ceil(most).max(LEAST_ROWS);
        Self { rows, channels, segment, count: rows.div_ceil(segment) }
    }

    /// `count` segments of `segment` rows.
    pub(super) fn with_count(count: usize, segment: usize, channels: usize) -> Self {
        Self { rows: count * segment, channels, segment, count }
    }

    fn lanes(&self) -> usize {
        self.channels.next_power_of_two().min(LANES)
    }

    fn blocks(&self) -> usize {
        self.count * self.channels.div_ceil(self.lanes())
    }

    fn argument(&self) -> ByValue<RowSegments> {
        let [rows, channels, segment, lanes] =
            [self.rows, self.channels, self.segment, self.lanes()].map(|size| size as u64);
        ByValue(RowSegments { rows, channels, segment, lanes })
    }

    /// The means over the rows of the channels of x [rows, c], or of the squared deviations from `mean`.
    pub(super) fn moments<T: Real, E: Engine>(
        &self,
        engine: &E,
        x: View<'_, T>,
        mean: Option<View<'_, f64>>,
        out: ViewMut<'_, f64>,
    ) {
        let sums = self.sums(engine, x, mean);
        sum_segments(engine, sums.view(), self.rows as f64, Output::Overwrite, out);
    }

    /// The sums over each segment [segments, c] of x [rows, c], or of the squared deviations from `mean`.
    pub(crate) fn sums<T: Real, E: Engine>(
        &self,
        engine: &E,
        x: View<'_, T>,
        mean: Option<View<'_, f64>>,
    ) -> Buffer<f64, E> {
        x.check(engine, self.rows * self.channels);
        if let Some(mean) = mean {
            mean.check(engine, self.channels);
        }
        let mut sums = Buffer::unspecified(engine, self.count * self.channels);
        let blocks = self.blocks();
        let arguments = (x, mean, self.argument(), sums.view_mut(), blocks);
        // SAFETY: x has the rows, mean a number for each channel, sums one for each segment and channel.
        unsafe { arguments.launch::<T>(engine, "moment_sums", blocks_of(blocks)) }
        sums
    }

    /// `[Σ δ x̂, Σ δ]` over each segment, [segments, c] each. The statistics are checked.
    pub(super) fn gradients<T: Real, E: Engine>(
        &self,
        engine: &E,
        layout: ByValue<Normalized>,
        [x, delta]: [View<'_, T>; 2],
        by: StandardizationView<'_>,
    ) -> [Buffer<f64, E>; 2] {
        x.check(engine, self.rows * self.channels);
        delta.check(engine, self.rows * self.channels);
        let mut sums = [(); 2].map(|()| Buffer::unspecified(engine, self.count * self.channels));
        let blocks = self.blocks();
        let [of_scale, of_shift] = sums.each_mut().map(Buffer::view_mut);
        let (mean, inverse, segments) = (by.mean, by.inverse, self.argument());
        let arguments = (x, delta, mean, inverse, layout, segments, of_scale, of_shift, blocks);
        // SAFETY: x and delta have the rows, whole items of the layout, whose statistics `by` has; the sums
        // have a number for each segment and channel.
        unsafe { arguments.launch::<T>(engine, "gradient_sums", blocks_of(blocks)) }
        sums
    }
}

/// `out [n] (+)= Σ x / divisor` over the segments of x [segments, n].
pub(crate) fn sum_segments(
    engine: &impl Engine,
    x: View<'_, f64>,
    divisor: f64,
    output: Output,
    out: ViewMut<'_, f64>,
) {
    let n = out.len();
    let segments = x.len().checked_div(n).unwrap_or(0);
    x.check(engine, segments * n);
    out.check(engine, n);
    let arguments = (x, segments, divisor, add(output), out, n);
    // SAFETY: x has the segments of n numbers, out n numbers, on this engine.
    unsafe { arguments.launch::<f64>(engine, "sum_segments", blocks_of(n.div_ceil(COLUMNS))) }
}
