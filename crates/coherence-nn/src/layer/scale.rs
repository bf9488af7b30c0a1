//! One factor for each channel of each example, as in a squeeze-and-excitation block.

use super::{Backward, Forward, Layer};
use crate::Shape;
use coherence_cpu::{Element, product::Output};
use rayon::prelude::*;

/// `z[p, j] = s[j] · a[p, j]` at each position p. The inputs are a [positions, channels] and s
/// \[channels\], both of the same example.
///
/// Source: Hu, Shen, Sun (2018), *Squeeze-and-Excitation Networks* (arXiv 1709.01507), eq. 4.
#[derive(Debug, Clone)]
pub struct Scale {
    shape: Shape,
}

impl Scale {
    /// Scaling of an input of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { shape }
    }
}

impl<T: Element> Layer<T> for Scale {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let (values, channels) = (self.shape.values(), self.shape.channels);
        let examples = pass.inputs.get(0).par_chunks_exact(values);
        let examples = examples.zip(pass.inputs.get(1).par_chunks_exact(channels));
        pass.output.par_chunks_exact_mut(values).zip(examples).for_each(|(out, (a, s))| {
            for (out, a) in out.chunks_exact_mut(channels).zip(a.chunks_exact(channels)) {
                out.iter_mut().zip(a).zip(s).for_each(|((out, &a), &s)| *out = a * s);
            }
        });
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, k: usize, output: Output, out: &mut [T]) {
        let (values, channels) = (self.shape.values(), self.shape.channels);
        let deltas = pass.delta.par_chunks_exact(values);
        // The other input of each example: factors for the values, values for the factors.
        let (width, other_width) = if k == 0 { (values, channels) } else { (channels, values) };
        let others = pass.inputs.get(1 - k).par_chunks_exact(other_width);
        out.par_chunks_exact_mut(width).zip(deltas.zip(others)).for_each(
            |(out, (delta, other))| {
                if output == Output::Overwrite {
                    out.fill(T::zero());
                }
                if k == 0 {
                    let rows = out.chunks_exact_mut(channels).zip(delta.chunks_exact(channels));
                    rows.for_each(|(out, delta)| add_products(out, delta, other));
                } else {
                    let rows = delta.chunks_exact(channels).zip(other.chunks_exact(channels));
                    rows.for_each(|(delta, a)| add_products(out, delta, a));
                }
            },
        );
    }
}

/// `out[j] += x[j] · y[j]`.
fn add_products<T: Element>(out: &mut [T], x: &[T], y: &[T]) {
    out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = *out + x * y);
}
