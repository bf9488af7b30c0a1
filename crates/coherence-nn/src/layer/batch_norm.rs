//! Batch normalisation.

use super::{
    Backward, Forward, Inputs, Kept, Layer, LayerTensor, Mode,
    parameters::{per_channel, scale_and_shift},
};
use crate::{Gradients, PerExample, Shape, device::Device};
use coherence_cpu::{Element, product::Output};

/// z = γ (a − μ)/√(σ² + ε) + β for each channel, with ε = 1e-5.
///
/// By the running statistics, μ and σ² are `running_mean` and `running_var`, and examples are independent.
/// By the statistics of the batch, they are the mean and the biased variance over the examples and positions of the
/// batch, so that the gradient of one example's loss depends on all examples; the running
/// statistics then move towards those of the batch by the momentum, a tenth, the variance unbiased, as in PyTorch.
///
/// Source: Ioffe, Szegedy (2015), *Batch Normalization* (arXiv 1502.03167).
#[derive(Debug, Clone)]
pub struct BatchNorm {
    shape: Shape,
    epsilon: f64,
    momentum: f64,
}

impl BatchNorm {
    /// Normalisation of each channel of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { shape, epsilon: super::EPSILON, momentum: 0.1 }
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

    /// The same layer with another momentum, as in PyTorch: the share by which the running statistics move towards
    /// those of the batch in [`Model::update_statistics`](crate::Model::update_statistics).
    ///
    /// # Panics
    ///
    /// Unless `momentum` is from 0 to 1.
    pub fn with_momentum(self, momentum: f64) -> Self {
        assert!((0.0..=1.0).contains(&momentum), "batch normalisation with momentum {momentum}");
        Self { momentum, ..self }
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for BatchNorm {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        scale_and_shift(self.shape.channels)
    }

    fn statistics(&self) -> Vec<LayerTensor> {
        per_channel(self.shape.channels, [("running_mean", 0.0), ("running_var", 1.0)])
    }

    fn kept(&self, device: &D, _: usize) -> Kept<D> {
        let zeros = || device.zeros(self.shape.channels);
        Kept { variances: zeros(), gradients: [zeros(), zeros()], ..Kept::empty(device) }
    }

    fn couples_examples(&self) -> bool {
        true
    }

    fn update(
        &self,
        device: &D,
        m: usize,
        kept: &Kept<D>,
        share: Option<f64>,
        statistics: D::SliceMut<'_, T>,
    ) {
        let (by, variances) = (&kept.standardization, D::view(&kept.variances));
        let rows = m * self.shape.positions();
        let share = share.unwrap_or(self.momentum);
        device.update_running_moments(by, variances, rows, share, statistics);
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let (device, x) = (pass.device, pass.inputs.get(0));
        let Kept { standardization: by, variances, .. } = &mut *pass.kept;
        if pass.mode.batch_statistics {
            device.batch_moments(x, self.epsilon, by, D::view_mut(variances));
        } else {
            device.running_moments(pass.statistics, self.epsilon, by);
        }
        device.batch_forward(x, by, pass.parameters, D::reborrow(&mut pass.output));
        pass.finish(None);
    }

    fn reduce(
        &self,
        device: &D,
        inputs: Inputs<'_, T, D>,
        delta: D::Slice<'_, T>,
        mode: Mode,
        kept: &mut Kept<D>,
    ) {
        if mode.batch_statistics {
            let Kept { standardization: by, gradients, .. } = kept;
            device.batch_gradients(inputs.get(0), delta, by, gradients.each_mut().map(D::view_mut));
        }
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        parameters: D::Slice<'_, T>,
        _: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        let (device, delta, by) = (pass.device, pass.delta, &pass.kept.standardization);
        let scale = D::part(parameters, 0..self.shape.channels);
        if pass.mode.batch_statistics {
            let gradients = pass.kept.gradients.each_ref().map(D::view);
            let of = [pass.inputs.get(0), delta];
            device.batch_backward_training(of, by, scale, gradients, output, out);
        } else {
            device.batch_backward_evaluation(delta, by, scale, output, out);
        }
    }

    fn factors(
        &self,
        pass: &Backward<'_, T, D>,
        visit: &mut dyn FnMut(usize, Gradients<'_, T, D>),
    ) {
        let device = pass.device;
        if pass.mode.batch_statistics {
            for (tensor, sums) in pass.kept.gradients.iter().enumerate() {
                let mut narrow = device.zeros(self.shape.channels);
                device.narrow(D::view(sums), D::view_mut(&mut narrow));
                visit(tensor, Gradients::Sum(D::view(&narrow)));
            }
        } else {
            let (x, by) = (pass.inputs.get(0), &pass.kept.standardization);
            let mut rows = [(); 2].map(|()| device.zeros(pass.m * self.shape.channels));
            let to = rows.each_mut().map(D::view_mut);
            device.batch_example_gradients(x, pass.delta, by, to);
            for (tensor, rows) in rows.iter().enumerate() {
                visit(tensor, PerExample::Rows(D::view(rows)).into());
            }
        }
    }
}
