//! The channels of several inputs side by side, as in an inception module.

use super::{Backward, Forward, Layer};
use crate::Shape;
use coherence_cpu::{Element, product::Output};

/// `z[p] = (a_0[p], a_1[p], …)` at each position p: inputs of one height and width, whose channels follow
/// each other.
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
}

impl<T: Element> Layer<T> for Concatenate {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, pass: Forward<'_, T>) {
        for (k, &channels) in self.channels.iter().enumerate() {
            let (from, offset) = (pass.inputs.get(k), self.offset(k));
            let rows = pass.output.chunks_exact_mut(self.shape.channels);
            for (to, from) in rows.zip(from.chunks_exact(channels)) {
                to[offset..offset + channels].copy_from_slice(from);
            }
        }
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, k: usize, output: Output, out: &mut [T]) {
        let (channels, offset) = (self.channels[k], self.offset(k));
        let rows = pass.delta.chunks_exact(self.shape.channels);
        for (to, from) in out.chunks_exact_mut(channels).zip(rows) {
            let from = &from[offset..offset + channels];
            match output {
                Output::Overwrite => to.copy_from_slice(from),
                Output::Add => to.iter_mut().zip(from).for_each(|(to, &from)| *to = *to + from),
            }
        }
    }
}
