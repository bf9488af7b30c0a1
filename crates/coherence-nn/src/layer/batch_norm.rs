//! Batch normalisation.

use super::{
    Backward, Forward, Inputs, Kept, Layer, LayerTensor, Mode,
    parameters::{of_channels, scale_and_shift},
};
use crate::{Gradients, Shape};
use coherence_cpu::{
    Element,
    normalize::{batch, moments},
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
    epsilon: f64,
}

impl BatchNorm {
    /// Normalisation of each channel of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { shape, epsilon: super::EPSILON }
    }

    /// The same layer with another ε.
    ///
    /// # Panics
    ///
    /// Unless `epsilon` is positive.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        assert!(epsilon > 0.0, "batch normalisation with epsilon {epsilon}");
        Self { epsilon, ..self }
    }
}

impl<T: Element> Layer<T> for BatchNorm {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        scale_and_shift(self.shape.channels)
    }

    fn statistics(&self) -> Vec<LayerTensor> {
        of_channels(self.shape.channels, [("running_mean", 0.0), ("running_var", 1.0)])
    }

    fn kept(&self, _: usize) -> Kept {
        let zeros = || vec![0.0; self.shape.channels];
        Kept { variances: zeros(), gradients: [zeros(), zeros()], ..Kept::default() }
    }

    fn couples_examples(&self) -> bool {
        true
    }

    fn update(&self, m: usize, kept: &Kept, momentum: f64, statistics: &mut [T]) {
        let batch = (kept.standardization.mean(), &kept.variances[..]);
        let rows = m * self.shape.positions();
        let running = statistics.split_at_mut(self.shape.channels);
        batch::update_running(running, batch, rows, momentum);
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let (c, x) = (self.shape.channels, pass.inputs.get(0));
        let Kept { standardization: by, variances, .. } = &mut *pass.kept;
        if pass.mode.batch_statistics {
            by.update(c, self.epsilon, |mean, variance| {
                moments(x, mean, variance);
                variances.copy_from_slice(variance);
            });
        } else {
            by.update(c, self.epsilon, |mean, variance| {
                let moments = mean.iter_mut().chain(variance);
                moments.zip(pass.statistics).for_each(|(to, running)| *to = running.widen());
            });
        }
        let (scale, shift) = pass.parameters.split_at(c);
        batch::forward(x, by, scale, shift, pass.output);
        pass.finish(&[]);
    }

    fn reduce(&self, inputs: Inputs<'_, T>, delta: &[T], mode: Mode, kept: &mut Kept) {
        let Kept { standardization: by, gradients: [scale, shift], .. } = kept;
        if mode.batch_statistics {
            batch::gradients(inputs.get(0), delta, by, scale, shift);
        }
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        let Kept { standardization: by, gradients: [of_scale, of_shift], .. } = pass.kept;
        let (scale, _) = pass.parameters.split_at(self.shape.channels);
        if pass.mode.batch_statistics {
            let (x, gradients) = (pass.inputs.get(0), (&of_scale[..], &of_shift[..]));
            batch::backward_training(x, pass.delta, by, scale, gradients, output, out);
        } else {
            batch::backward_evaluation(pass.delta, by, scale, output, out);
        }
    }

    fn factors(&self, pass: &Backward<'_, T>, visit: &mut dyn FnMut(usize, Gradients<'_, T>)) {
        if pass.mode.batch_statistics {
            for (tensor, sums) in pass.kept.gradients.iter().enumerate() {
                let narrow: Vec<T> = sums.iter().map(|&sum| T::narrow(sum)).collect();
                visit(tensor, Gradients::Sum(&narrow));
            }
        } else {
            let (x, len) = (pass.inputs.get(0), pass.m * self.shape.channels);
            let [mut scale, mut shift] = [(); 2].map(|()| vec![T::zero(); len]);
            let by = &pass.kept.standardization;
            batch::example_gradients(x, pass.delta, by, &mut scale, &mut shift);
            visit(0, Gradients::Rows(&scale));
            visit(1, Gradients::Rows(&shift));
        }
    }
}
