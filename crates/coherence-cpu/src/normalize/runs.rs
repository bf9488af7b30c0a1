//! Group normalisation at one position, layer normalisation above all: the values that share a mean are
//! contiguous. They are called a run here.
//!
//! x [runs, width]; run r has scale and shift from `r % groups · width` on. Sums are in `f64`, in lanes
//! whose number is fixed, so that they have the same bits on every instruction set.

use super::Standardization;
use crate::{Element, Isa, isa::run_loop};

/// Partial sums of a run.
const LANES: usize = 16;

/// Σ term(x, y, z) over three slices of one length, of two terms at once.
#[inline(always)]
fn sums<T: Element>(slices: [&[T]; 3], term: impl Fn(T, T, T) -> [f64; 2]) -> [f64; 2] {
    let [(xs, x), (ys, y), (zs, z)] = slices.map(<[T]>::as_chunks::<LANES>);
    let mut lanes = [[0.0; LANES]; 2];
    for ((x, y), z) in xs.iter().zip(ys).zip(zs) {
        for l in 0..LANES {
            let [a, b] = term(x[l], y[l], z[l]);
            lanes[0][l] += a;
            lanes[1][l] += b;
        }
    }
    let mut total = lanes.map(|lanes| lanes.iter().sum::<f64>());
    for ((&x, &y), &z) in x.iter().zip(y).zip(z) {
        let [a, b] = term(x, y, z);
        total[0] += a;
        total[1] += b;
    }
    total
}

/// Mean and biased variance of every run.
pub(super) fn moments<T: Element>(
    isa: Isa,
    width: usize,
    x: &[T],
    mean: &mut [f64],
    variance: &mut [f64],
) {
    run_loop!(isa, {
        let runs = x.chunks_exact(width).zip(mean.iter_mut().zip(variance));
        for (x, (mean, variance)) in runs {
            let n = width as f64;
            *mean = sums([x, x, x], |x, _, _| [x.widen(), 0.0])[0] / n;
            let square = |x: T| (x.widen() - *mean) * (x.widen() - *mean);
            *variance = sums([x, x, x], |x, _, _| [square(x), 0.0])[0] / n;
        }
    });
}

/// Statistics of consecutive runs.
#[derive(Clone, Copy)]
pub(super) struct Runs<'a> {
    pub(super) width: usize,
    pub(super) mean: &'a [f64],
    pub(super) inverse: &'a [f64],
}

impl<'a> Runs<'a> {
    /// The runs from `start` on.
    pub(super) fn new(width: usize, by: &'a Standardization, start: usize) -> Self {
        Self { width, mean: &by.mean[start..], inverse: &by.inverse[start..] }
    }

    fn statistics(self) -> impl Iterator<Item = (f64, f64)> {
        self.mean.iter().copied().zip(self.inverse.iter().copied())
    }

    /// `out = scale · x̂ + shift`.
    pub(super) fn forward<T: Element>(
        self,
        isa: Isa,
        x: &[T],
        [scale, shift]: [&[T]; 2],
        out: &mut [T],
    ) {
        run_loop!(isa, {
            let maps = scale.chunks_exact(self.width).zip(shift.chunks_exact(self.width));
            let runs = x.chunks_exact(self.width).zip(out.chunks_exact_mut(self.width));
            let runs = runs.zip(self.statistics().zip(maps.cycle()));
            for ((x, out), ((mean, inverse), (scale, shift))) in runs {
                let (mean, inverse) = (T::narrow(mean), T::narrow(inverse));
                let maps = scale.iter().zip(shift);
                for ((out, &x), (&scale, &shift)) in out.iter_mut().zip(x).zip(maps) {
                    *out = (x - mean) * inverse * scale + shift;
                }
            }
        });
    }

    /// `out[j] = (γδ − mean(γδ) − x̂ · mean(γδ · x̂)) / √(σ² + ε)`, or adds it to `out`.
    pub(super) fn backward<T: Element>(
        self,
        isa: Isa,
        [x, delta]: [&[T]; 2],
        scale: &[T],
        add: bool,
        out: &mut [T],
    ) {
        let n = self.width as f64;
        run_loop!(isa, {
            let inputs = x.chunks_exact(self.width).zip(delta.chunks_exact(self.width));
            let runs = inputs.zip(out.chunks_exact_mut(self.width));
            let scales = scale.chunks_exact(self.width).cycle();
            for (((x, delta), out), ((mean, inverse), scale)) in
                runs.zip(self.statistics().zip(scales))
            {
                let [of_delta, of_product] = sums([x, delta, scale], |x, delta, scale| {
                    let delta = delta.widen() * scale.widen();
                    [delta, delta * (x.widen() - mean)]
                });
                let b = T::narrow(inverse * of_delta / n);
                let k = T::narrow(inverse * inverse * inverse * of_product / n);
                let (mean, inverse) = (T::narrow(mean), T::narrow(inverse));
                let inputs = x.iter().zip(delta).zip(scale);
                let terms = inputs
                    .map(|((&x, &delta), &scale)| scale * inverse * delta - b - k * (x - mean));
                if add {
                    out.iter_mut().zip(terms).for_each(|(out, term)| *out = *out + term);
                } else {
                    out.iter_mut().zip(terms).for_each(|(out, term)| *out = term);
                }
            }
        });
    }

    /// Adds `Σ delta · x̂` to `of_scale` and `Σ delta` to `of_shift`, both [groups · width].
    pub(super) fn add_gradients<T: Element>(
        self,
        isa: Isa,
        [x, delta]: [&[T]; 2],
        of_scale: &mut [f64],
        of_shift: &mut [f64],
    ) {
        let groups = of_scale.len() / self.width;
        run_loop!(isa, {
            let runs = x.chunks_exact(self.width).zip(delta.chunks_exact(self.width));
            for (r, ((x, delta), (mean, inverse))) in runs.zip(self.statistics()).enumerate() {
                let columns = r % groups * self.width..(r % groups + 1) * self.width;
                let sums = of_scale[columns.clone()].iter_mut().zip(&mut of_shift[columns]);
                for (sums, (x, delta)) in sums.zip(x.iter().zip(delta)) {
                    let delta = delta.widen();
                    *sums.0 += delta * (x.widen() - mean) * inverse;
                    *sums.1 += delta;
                }
            }
        });
    }
}
