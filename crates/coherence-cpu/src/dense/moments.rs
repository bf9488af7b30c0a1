//! Sums for the coherence of rows: sums and sums of squares of columns, dots and squared norms of rows.
//!
//! All sums are accumulated in `f64`, on the calling thread, to the same bits on every instruction set. The square of an `f64` beyond 1e154 is ∞.

#![allow(clippy::needless_range_loop)] // lanes of several arrays, side by side

use crate::{Element, Isa, isa::run_loop};

/// Adds rows [n, d] to `sums` \[d\] and their squares to `squares` \[d\], row by row. The result is bit
/// for bit the same for any division of the rows into parts.
///
/// # Panics
///
/// When the lengths do not fit.
///
/// ```
/// use coherence_cpu::{Isa, dense::add_moments};
/// let (mut sums, mut squares) = ([0.0; 2], [0.0; 2]);
/// add_moments(Isa::detect(), &[1.0f32, 2.0, 3.0, -4.0], &mut sums, &mut squares);
/// assert_eq!((sums, squares), ([4.0, -2.0], [10.0, 20.0]));
/// ```
pub fn add_moments<T: Element>(isa: Isa, rows: &[T], sums: &mut [f64], squares: &mut [f64]) {
    const BAND: usize = 4;
    let d = sums.len();
    assert!(squares.len() == d && rows.len().is_multiple_of(d.max(1)), "rows of {d} values");
    run_loop!(isa, {
        for band in rows.chunks(BAND * d) {
            if let Some([a, b, c, e]) = four(band, d) {
                for j in 0..d {
                    let [a, b, c, e] = [a[j], b[j], c[j], e[j]].map(T::widen);
                    sums[j] = sums[j] + a + b + c + e;
                    squares[j] = squares[j] + a * a + b * b + c * c + e * e;
                }
                continue;
            }
            for row in band.chunks_exact(d) {
                for j in 0..d {
                    let x = row[j].widen();
                    sums[j] += x;
                    squares[j] += x * x;
                }
            }
        }
    });
}

/// The rows of a band; `None` if it has fewer than four.
#[inline(always)]
fn four<T>(band: &[T], d: usize) -> Option<[&[T]; 4]> {
    if band.len() != 4 * d {
        return None;
    }
    let (a, rest) = band.split_at(d);
    let (b, rest) = rest.split_at(d);
    let (c, e) = rest.split_at(d);
    Some([a, b, c, e])
}

/// Columns whose products are summed before they are added to a row's sum.
const PIECE: usize = 1 << 10;

/// Adds x_e · v and ‖x_e‖² of each row of `rows` [n, d] to `sums` \[n\], for v = `with` \[d\].
///
/// Products are summed over each 1024 columns. The result is bit for bit the same for any division of
/// the columns into parts whose widths, but for the last, are multiples of 1024.
///
/// # Panics
///
/// When the lengths do not fit.
///
/// ```
/// use coherence_cpu::{Isa, dense::add_dots};
/// let mut sums = [[0.0; 2]; 2];
/// add_dots(Isa::detect(), &[1.0f32, 2.0, 3.0, -4.0], &[1.0, 0.5], &mut sums);
/// assert_eq!(sums, [[2.0, 5.0], [1.0, 25.0]]);
/// ```
pub fn add_dots<T: Element>(isa: Isa, rows: &[T], with: &[f64], sums: &mut [[f64; 2]]) {
    let d = with.len();
    assert_eq!(rows.len(), d * sums.len(), "{} rows of {d} values", sums.len());
    run_loop!(isa, {
        for (row, sum) in rows.chunks_exact(d.max(1)).zip(sums) {
            for (row, with) in row.chunks(PIECE).zip(with.chunks(PIECE)) {
                let [dot, square] = dot_and_square(row, with);
                *sum = [sum[0] + dot, sum[1] + square];
            }
        }
    });
}

#[inline(always)]
fn dot_and_square<T: Element>(row: &[T], with: &[f64]) -> [f64; 2] {
    const SUMS: usize = 8;
    let (xs, x_rest) = row.as_chunks::<SUMS>();
    let (vs, v_rest) = with.as_chunks::<SUMS>();
    let (mut dots, mut squares) = ([0.0; SUMS], [0.0; SUMS]);
    for (x, v) in xs.iter().zip(vs) {
        for l in 0..SUMS {
            let x = x[l].widen();
            dots[l] += x * v[l];
            squares[l] += x * x;
        }
    }
    for (x, v) in x_rest.iter().zip(v_rest) {
        dots[0] += x.widen() * v;
        squares[0] += x.widen() * x.widen();
    }
    [dots.iter().sum(), squares.iter().sum()]
}
