//! Group normalisation.

use super::{Backward, Forward, Kept, Layer, LayerTensor};
use crate::{Gradients, Initial, Shape};
use coherence_cpu::{
    Element,
    normalize::{
        Standardization,
        group::{self, Groups, GroupsError},
    },
    product::Output,
};

/// z = γ (a − μ)/√(σ² + ε) + β for each channel, with ε = 1e-5; μ and σ² are the mean and the biased
/// variance of an example over all positions and the channels of a group. Examples are independent.
///
/// Source: Wu, He (2018), *Group Normalization* (arXiv 1803.08494).
#[derive(Debug, Clone)]
pub struct GroupNorm {
    shape: Shape,
    groups: Groups,
    count: usize,
}

const EPSILON: f64 = 1e-5;

impl GroupNorm {
    /// Normalisation of values of this shape in `count` groups of channels; one group normalises each
    /// example as a whole.
    ///
    /// # Errors
    ///
    /// [`GroupsError`] if the channels cannot be divided into so many groups.
    pub fn new(shape: Shape, count: usize) -> Result<Self, GroupsError> {
        let groups = Groups::new(shape.positions(), shape.channels, count)?;
        Ok(Self { shape, groups, count })
    }

    /// The map to x̂ of m examples.
    fn standardization(&self, m: usize, kept: &Kept) -> Standardization {
        let (mean, variance) = kept.moments.split_at(kept.moments.len() / 2);
        let len = m * self.count;
        Standardization::from_moments(mean[..len].to_vec(), &variance[..len], EPSILON)
    }
}

impl<T: Element> Layer<T> for GroupNorm {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        let tensor = |(name, value)| LayerTensor {
            name,
            shape: vec![self.shape.channels],
            positions: 1,
            initial: Initial::Constant(value),
        };
        [("weight", 1.0), ("bias", 0.0)].map(tensor).to_vec()
    }

    fn kept(&self, capacity: usize) -> Kept {
        Kept { moments: vec![0.0; 2 * capacity * self.count], ..Kept::default() }
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let (x, len) = (pass.inputs.get(0), pass.m * self.count);
        let half = pass.kept.moments.len() / 2;
        let (mean, variance) = pass.kept.moments.split_at_mut(half);
        group::moments(self.groups, x, &mut mean[..len], &mut variance[..len]);
        let by = self.standardization(pass.m, pass.kept);
        let (scale, shift) = pass.parameters.split_at(self.shape.channels);
        group::forward(self.groups, x, &by, scale, shift, pass.output);
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        let by = self.standardization(pass.m, pass.kept);
        let (scale, _) = pass.parameters.split_at(self.shape.channels);
        let x = pass.inputs.get(0);
        group::backward(self.groups, x, pass.delta, &by, scale, output, out);
    }

    fn factors(&self, pass: &Backward<'_, T>, visit: &mut dyn FnMut(usize, Gradients<'_, T>)) {
        let (x, by) = (pass.inputs.get(0), self.standardization(pass.m, pass.kept));
        let len = pass.m * self.shape.channels;
        let [mut scale, mut shift] = [(); 2].map(|()| vec![T::zero(); len]);
        group::example_gradients(self.groups, x, pass.delta, &by, &mut scale, &mut shift);
        visit(0, Gradients::Rows(&scale));
        visit(1, Gradients::Rows(&shift));
    }
}
