//! Loops over rows of channels, compiled for each instruction set.
//!
//! Rows of few channels are taken several at a time: a loop over c values would be too short for a
//! vector. The numbers of each channel are then repeated, and sums of equal channels added at the end.

use crate::{Element, Isa, isa::run_loop, product::Output, scratch::Scratch};

/// Rows of fewer values are taken together until they have about this many.
const WIDTH: usize = 64;

/// Values of a chunk, roughly. A chunk is read twice, the second time from L2.
const CHUNK: usize = 1 << 15;

/// The least number of rows in a chunk: the sums of the chunks take little memory.
const LEAST_ROWS: usize = 32;

/// How `len` values in rows of `c` are cut; depends on nothing else.
#[derive(Clone, Copy)]
pub(super) struct Chunks {
    c: usize,
    len: usize,
}

impl Chunks {
    pub(super) fn new(c: usize, len: usize) -> Self {
        assert!(c > 0 && len.is_multiple_of(c), "{len} values in rows of {c} channels");
        Self { c, len }
    }

    /// Values of a chunk; the last may have fewer.
    pub(super) fn len(&self) -> usize {
        self.c * (CHUNK / self.c).max(LEAST_ROWS)
    }

    pub(super) fn count(&self) -> usize {
        self.len.div_ceil(self.len())
    }
}

/// Values of several rows of `c` taken together.
fn width(c: usize) -> usize {
    c * (WIDTH / c).max(1)
}

/// `N` numbers for every channel, repeated to the width of several rows.
pub(super) struct Map<T, const N: usize> {
    tables: [Scratch<T>; N],
    isa: Isa,
}

impl<T: Element, const N: usize> Map<T, N> {
    pub(super) fn new(isa: Isa, c: usize, of_channel: impl Fn(usize) -> [T; N]) -> Self {
        let mut tables = core::array::from_fn(|_| Scratch::new(width(c)));
        for j in 0..c {
            for (table, value) in tables.iter_mut().zip(of_channel(j)) {
                table[j] = value;
            }
        }
        for table in &mut tables {
            for start in (c..table.len()).step_by(c) {
                table.copy_within(..c, start);
            }
        }
        Self { tables, isa }
    }
}

/// `[scale, shift]`.
impl<T: Element> Map<T, 2> {
    pub(super) fn affine(&self, x: &[T], out: &mut [T]) {
        let [scale, shift] = self.tables.each_ref().map(|table| &**table);
        run_loop!(self.isa, {
            for (x, out) in x.chunks(scale.len()).zip(out.chunks_mut(scale.len())) {
                for (((out, &x), &a), &b) in out.iter_mut().zip(x).zip(scale).zip(shift) {
                    *out = a * x + b;
                }
            }
        });
    }
}

/// `[scale]`.
impl<T: Element> Map<T, 1> {
    pub(super) fn multiply(&self, x: &[T], output: Output, out: &mut [T]) {
        let [scale] = self.tables.each_ref().map(|table| &**table);
        run_loop!(self.isa, {
            for (x, out) in x.chunks(scale.len()).zip(out.chunks_mut(scale.len())) {
                let terms = out.iter_mut().zip(x.iter().zip(scale).map(|(&x, &a)| a * x));
                match output {
                    Output::Overwrite => terms.for_each(|(out, term)| *out = term),
                    Output::Add => terms.for_each(|(out, term)| *out = *out + term),
                }
            }
        });
    }
}

/// `[a, b, mean, k]`.
impl<T: Element> Map<T, 4> {
    /// `out (+)= a · δ − b − k · (x − mean)`: backward through a normalisation and its statistics.
    pub(super) fn backward(&self, x: &[T], delta: &[T], output: Output, out: &mut [T]) {
        let [a, b, mean, k] = self.tables.each_ref().map(|table| &**table);
        let width = a.len();
        run_loop!(self.isa, {
            let rows = x.chunks(width).zip(delta.chunks(width)).zip(out.chunks_mut(width));
            for ((x, delta), out) in rows {
                let n = out.len();
                let (x, delta) = (&x[..n], &delta[..n]);
                let (a, b, mean, k) = (&a[..n], &b[..n], &mean[..n], &k[..n]);
                let term = |i: usize| a[i] * delta[i] - b[i] - k[i] * (x[i] - mean[i]);
                match output {
                    Output::Overwrite => (0..n).for_each(|i| out[i] = term(i)),
                    Output::Add => (0..n).for_each(|i| out[i] = out[i] + term(i)),
                }
            }
        });
    }
}

/// Sums over rows of `c` channels.
pub(super) struct Sums {
    c: usize,
    /// Centres, and two running sums.
    tables: [Scratch<f64>; 3],
    isa: Isa,
}

impl Sums {
    pub(super) fn new(isa: Isa, c: usize) -> Self {
        let tables = core::array::from_fn(|_| Scratch::new(width(c)));
        Self { c, tables, isa }
    }

    /// The means \[c\] and the sums of squared deviations \[c\] of the rows `x`, at least one, which are
    /// read twice.
    pub(super) fn moments<T: Element>(&mut self, x: &[T], mean: &mut [f64], squares: &mut [f64]) {
        let Self { c, tables: [centre, sums, _], isa } = self;
        let (width, rows) = (sums.len(), (x.len() / *c) as f64);
        sums.fill(0.0);
        run_loop!(*isa, {
            for x in x.chunks(width) {
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += x.widen());
            }
        });
        fold(sums, mean);
        mean.iter_mut().for_each(|mean| *mean /= rows);
        repeat(mean, centre);
        sums.fill(0.0);
        run_loop!(*isa, {
            for x in x.chunks(width) {
                for ((sum, x), centre) in sums.iter_mut().zip(x).zip(&**centre) {
                    let deviation = x.widen() - centre;
                    *sum += deviation * deviation;
                }
            }
        });
        fold(sums, squares);
    }

    /// `products[j] = Σ δ (x − mean[j])` and `deltas[j] = Σ δ` over the rows.
    pub(super) fn products<T: Element>(
        &mut self,
        [x, delta]: [&[T]; 2],
        mean: impl Fn(usize) -> f64,
        products: &mut [f64],
        deltas: &mut [f64],
    ) {
        let Self { c, tables: [centre, of_products, of_deltas], isa } = self;
        let width = centre.len();
        (0..*c).for_each(|j| products[j] = mean(j));
        repeat(products, centre);
        of_products.fill(0.0);
        of_deltas.fill(0.0);
        run_loop!(*isa, {
            for (x, delta) in x.chunks(width).zip(delta.chunks(width)) {
                let sums = of_products.iter_mut().zip(&mut **of_deltas);
                for (((sums, x), delta), centre) in sums.zip(x).zip(delta).zip(&**centre) {
                    let delta = delta.widen();
                    *sums.0 += delta * (x.widen() - centre);
                    *sums.1 += delta;
                }
            }
        });
        fold(of_products, products);
        fold(of_deltas, deltas);
    }
}

/// Adds the sums of equal channels.
fn fold(sums: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for row in sums.chunks(out.len()) {
        out.iter_mut().zip(row).for_each(|(out, sum)| *out += sum);
    }
}

/// Repeats the numbers of the channels.
fn repeat(channels: &[f64], out: &mut [f64]) {
    out.chunks_exact_mut(channels.len()).for_each(|row| row.copy_from_slice(channels));
}
