//! The channels of several inputs side by side, as in an inception module.

use super::{Backward, Forward, Layer};
use crate::Shape;
use coherence_cpu::{Element, product::Output};
use rayon::prelude::*;

/// `z[p] = (a_0[p], a_1[p], …)` at each position p. The inputs have one height and width; their
/// channels follow each other.
#[derive(Debug, Clone)]
pub struct Concatenate {
    shape: Shape,
    /// Channels of each input.
    channels: Vec<usize>,
}

impl Concatenate {
    /// The concatenation of inputs of these shapes.
    ///
    /// # Panics
    ///
    /// If there are no inputs or they differ in height or width.
    pub fn new(inputs: &[Shape]) -> Self {
        let size = inputs[0].size();
        assert!(inputs.iter().all(|input| input.size() == size), "inputs differ in size");
        let channels: Vec<usize> = inputs.iter().map(|input| input.channels).collect();
        Self { shape: Shape::image(size[0], size[1], channels.iter().sum()), channels }
    }

    /// The channels before input `k`.
    fn offset(&self, k: usize) -> usize {
        self.channels[..k].iter().sum()
    }

    /// The number of values of an example of input `k`.
    fn values(&self, k: usize) -> usize {
        self.shape.positions() * self.channels[k]
    }
}

impl<T: Element> Layer<T> for Concatenate {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, pass: Forward<'_, T>) {
        for (k, &channels) in self.channels.iter().enumerate() {
            let (from, offset) = (pass.inputs.get(k), self.offset(k));
            let examples = pass.output.par_chunks_exact_mut(self.shape.values());
            examples.zip(from.par_chunks_exact(self.values(k))).for_each(|(to, from)| {
                let rows = to.chunks_exact_mut(self.shape.channels);
                for (to, from) in rows.zip(from.chunks_exact(channels)) {
                    to[offset..offset + channels].copy_from_slice(from);
                }
            });
        }
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, k: usize, output: Output, out: &mut [T]) {
        let (channels, offset) = (self.channels[k], self.offset(k));
        let examples = pass.delta.par_chunks_exact(self.shape.values());
        out.par_chunks_exact_mut(self.values(k)).zip(examples).for_each(|(to, from)| {
            let rows = from.chunks_exact(self.shape.channels);
            for (to, from) in to.chunks_exact_mut(channels).zip(rows) {
                let from = &from[offset..offset + channels];
                match output {
                    Output::Overwrite => to.copy_from_slice(from),
                    Output::Add => to.iter_mut().zip(from).for_each(|(to, &x)| *to = *to + x),
                }
            }
        });
    }
}
