//! Batch normalisation.

use super::{Backward, Forward, Kept, Layer, LayerTensor, Mode};
use crate::{Gradients, Initial, Shape};
use coherence_cpu::{
    Element,
    normalize::{Standardization, batch, moments},
    product::Output,
};

/// z = γ (a − μ)/√(σ² + ε) + β for each channel, with ε = 1e-5.
///
/// By the running statistics, μ and σ² are `running_mean` and `running_var`, and examples are independent.
/// By the statistics of the batch, they are the mean and the biased variance over the examples and positions of the
/// batch, so that the gradient of one example's loss depends on all examples; the running
/// statistics then move towards those of the batch by a tenth, the variance unbiased, as in PyTorch.
///
/// Source: Ioffe, Szegedy (2015), *Batch Normalization* (arXiv 1502.03167).
#[derive(Debug, Clone)]
pub struct BatchNorm {
    shape: Shape,
}

const EPSILON: f64 = 1e-5;

impl BatchNorm {
    /// Normalisation of each channel of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { shape }
    }

    fn tensors_of(&self, names: [(&'static str, f64); 2]) -> Vec<LayerTensor> {
        let tensor = |(name, value)| LayerTensor {
            name,
            shape: vec![self.shape.channels],
            positions: 1,
            initial: Initial::Constant(value),
        };
        names.map(tensor).to_vec()
    }

    /// The map to x̂, from the running statistics or those of the batch.
    fn standardization<T: Element>(
        &self,
        mode: Mode,
        statistics: &[T],
        kept: &Kept,
    ) -> Standardization {
        let c = self.shape.channels;
        if mode.batch_statistics {
            let (mean, variance) = kept.moments.split_at(c);
            Standardization::from_moments(mean.to_vec(), variance, EPSILON)
        } else {
            let wide: Vec<f64> = statistics.iter().map(|x| x.widen()).collect();
            Standardization::from_moments(wide[..c].to_vec(), &wide[c..], EPSILON)
        }
    }
}

impl<T: Element> Layer<T> for BatchNorm {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        self.tensors_of([("weight", 1.0), ("bias", 0.0)])
    }

    fn statistics(&self) -> Vec<LayerTensor> {
        self.tensors_of([("running_mean", 0.0), ("running_var", 1.0)])
    }

    fn kept(&self, _: usize) -> Kept {
        Kept { moments: vec![0.0; 2 * self.shape.channels], ..Kept::default() }
    }

    fn couples_examples(&self) -> bool {
        true
    }

    fn update(&self, m: usize, kept: &Kept, momentum: f64, statistics: &mut [T]) {
        let c = self.shape.channels;
        let (mean, variance) = kept.moments.split_at(c);
        let rows = m * self.shape.positions();
        batch::update_running(statistics.split_at_mut(c), (mean, variance), rows, momentum);
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let (c, x) = (self.shape.channels, pass.inputs.get(0));
        if pass.mode.batch_statistics {
            let (mean, variance) = pass.kept.moments.split_at_mut(c);
            moments(x, mean, variance);
        }
        let by = self.standardization(pass.mode, pass.statistics, pass.kept);
        let (scale, shift) = pass.parameters.split_at(c);
        batch::forward(x, &by, scale, shift, pass.output);
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        let (c, x) = (self.shape.channels, pass.inputs.get(0));
        let by = self.standardization(pass.mode, pass.statistics, pass.kept);
        let (scale, _) = pass.parameters.split_at(c);
        if !pass.mode.batch_statistics {
            return batch::backward_evaluation(pass.delta, &by, scale, output, out);
        }
        let [mut of_scale, mut of_shift] = [(); 2].map(|()| vec![0.0; c]);
        batch::gradients(x, pass.delta, &by, &mut of_scale, &mut of_shift);
        let gradients = (&of_scale[..], &of_shift[..]);
        batch::backward_training(x, pass.delta, &by, scale, gradients, output, out);
    }

    fn factors(&self, pass: &Backward<'_, T>, visit: &mut dyn FnMut(usize, Gradients<'_, T>)) {
        let (c, x) = (self.shape.channels, pass.inputs.get(0));
        let by = self.standardization(pass.mode, pass.statistics, pass.kept);
        if pass.mode.batch_statistics {
            let [mut scale, mut shift] = [(); 2].map(|()| vec![0.0; c]);
            batch::gradients(x, pass.delta, &by, &mut scale, &mut shift);
            let narrow = |sums: Vec<f64>| sums.into_iter().map(T::narrow).collect::<Vec<T>>();
            visit(0, Gradients::Sum(&narrow(scale)));
            visit(1, Gradients::Sum(&narrow(shift)));
        } else {
            let [mut scale, mut shift] = [(); 2].map(|()| vec![T::zero(); pass.m * c]);
            batch::example_gradients(x, pass.delta, &by, &mut scale, &mut shift);
            visit(0, Gradients::Rows(&scale));
            visit(1, Gradients::Rows(&shift));
        }
    }
}
