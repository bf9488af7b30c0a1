//! Rows [m, d]: their sums, squared norms and dots, accumulated in `f64`.

use crate::{
    Buffer, View, ViewMut,
    argument::{Arguments, add, blocks_for, blocks_of, len_of},
    engine::{Engine, Real},
    normalization::{Segments, narrow, sum_segments},
};
use coherence_cpu::product::Output;

/// `out [d] (+)= Σ_e rows[e]`.
///
/// # Panics
///
/// When `rows` is not rows of the length of `out`, or either is of another engine.
pub fn column_sums<T: Real>(
    engine: &impl Engine,
    rows: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let d = out.len();
    out.check(engine, d);
    let n = rows.len().checked_div(d).unwrap_or(0);
    if d >= MANY_COLUMNS {
        rows.check(engine, len_of([n, d]));
        let arguments = (rows, n, add(output), out, d);
        // SAFETY: the rows are [n, d], out [d] on this engine.
        return unsafe { arguments.launch::<T>(engine, "sums_of_columns", blocks_for(d)) };
    }
    if n < MANY_ROWS || d == 0 {
        return sums(engine, [1, n, d], rows, output, out);
    }
    let segments = Segments::new(n, d).sums(engine, rows, None);
    let mut sum = Buffer::unspecified(engine, d);
    sum_segments(engine, segments.view(), 1.0, Output::Overwrite, sum.view_mut());
    narrow(engine, sum.view(), output, out);
}

/// Columns from which on a thread sums each of them.
const MANY_COLUMNS: usize = 8192;

/// Rows from which on segments of them are summed side by side: a block for all rows of a few columns would be busy
/// for long.
const MANY_ROWS: usize = 512;

/// `out [m, c] = Σ_p x[e, p]` over the positions p of each example, for x [m, positions, c].
///
/// # Panics
///
/// When `out` is not rows of `channels`, or `x` not as many examples.
pub fn position_sums<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    channels: usize,
    out: ViewMut<'_, T>,
) {
    let m = out.len().checked_div(channels).unwrap_or(0);
    let positions = x.len().checked_div(out.len()).unwrap_or(0);
    sums(engine, [m, positions, channels], x, Output::Overwrite, out);
}

fn sums<T: Real>(
    engine: &impl Engine,
    [m, positions, c]: [usize; 3],
    x: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    if out.is_empty() {
        return;
    }
    x.check(engine, len_of([m, positions, c]));
    out.check(engine, len_of([m, c]));
    let (arguments, strips) = ((x, m, positions, c, add(output), out), m * c.div_ceil(32));
    // SAFETY: x is [m, positions, c], out [m, c] on this engine.
    unsafe { arguments.launch::<T>(engine, "position_sums", blocks_of(strips)) }
}

/// `out[e] += ‖rows[e]‖²` \[m\] of rows of `width` values.
///
/// # Panics
///
/// When `rows` is not a row for each value of `out`.
pub fn add_sq_norms<T: Real>(
    engine: &impl Engine,
    rows: View<'_, T>,
    width: usize,
    out: ViewMut<'_, f64>,
) {
    add_pair_dots(engine, rows, rows, width, out);
}

/// `out[e] += rows[e] · v` \[m\], for v \[d\].
///
/// # Panics
///
/// As [`add_sq_norms`].
pub fn add_dots<T: Real>(
    engine: &impl Engine,
    rows: View<'_, T>,
    v: View<'_, T>,
    out: ViewMut<'_, f64>,
) {
    let width = v.len();
    v.check(engine, width);
    dots(engine, rows, (v, 0), width, out);
}

/// `out[e] += x[e] · y[e]` \[m\] of two matrices of rows of `width` values.
///
/// # Panics
///
/// As [`add_sq_norms`].
pub fn add_pair_dots<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    y: View<'_, T>,
    width: usize,
    out: ViewMut<'_, f64>,
) {
    y.check(engine, x.len());
    dots(engine, x, (y, width), width, out);
}

/// The rows of y are `stride` apart.
fn dots<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    (y, stride): (View<'_, T>, usize),
    width: usize,
    out: ViewMut<'_, f64>,
) {
    let m = out.len();
    x.check(engine, len_of([m, width]));
    out.check(engine, m);
    let arguments = (x, y, stride, width, m, out);
    // SAFETY: x is [m, width]; y is as well where stride = width, and has `width` values where stride = 0:
    // `add_pair_dots` and `add_dots` have checked it. out has m values, on this engine.
    unsafe { arguments.launch::<T>(engine, "dots_of_rows", blocks_for(32 * m)) }
}

/// Columns of a segment of a long row, which a block multiplies.
const SEGMENT: usize = 1 << 14;

/// The dots of x and y [rows, width] over each segment of the columns: [segments, rows].
pub(crate) fn dots_of_segments<T: Real, E: Engine>(
    engine: &E,
    [x, y]: [View<'_, T>; 2],
    rows: usize,
    width: usize,
) -> Buffer<f64, E> {
    x.check(engine, len_of([rows, width]));
    y.check(engine, len_of([rows, width]));
    let count = width.div_ceil(SEGMENT) * rows;
    let mut parts = Buffer::unspecified(engine, count);
    let arguments = (x, y, rows, width, SEGMENT, parts.view_mut(), count);
    // SAFETY: x and y have the rows, the parts a number for each segment of each row.
    unsafe { arguments.launch::<T>(engine, "dots_of_segments", blocks_of(count)) }
    parts
}

/// [`add_pair_dots`] of few rows that are long.
pub(crate) fn add_long_dots<T: Real>(
    engine: &impl Engine,
    x: View<'_, T>,
    y: View<'_, T>,
    width: usize,
    out: ViewMut<'_, f64>,
) {
    let parts = dots_of_segments(engine, [x, y], out.len(), width);
    sum_segments(engine, parts.view(), 1.0, Output::Add, out);
}
