//! Coherence of mini-batch gradients, and the α of single examples imputed from it.
//!
//! Legend: k: examples of a mini-batch, K: mini-batches, m = K k, d: parameters, G_b: gradient of the SUM loss of
//! mini-batch b, S = Σ_b G_b.

use crate::passes::{Staged, forward};
use coherence_core::{
    Coherence, Member,
    minibatch::{deamplify_estimate, deamplify_partition},
    unbiased::{Estimate, jackknife},
};
use coherence_cpu::product::Output;
use coherence_nn::{Model, Workspace, device::Device, layer::Mode, loss::Loss};
use core::ops::Range;

/// Coherence of the gradients of K disjoint mini-batches of one sample, and the α of the sample's examples
/// imputed from it.
///
/// For networks that normalise by the statistics of the batch, in which no example has a gradient of its own:
/// the mini-batches are normalised as in training. Dropout is off.
///
/// Source: GM22 §6; catalogue A5, A5b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Imputed {
    /// k, the examples of a mini-batch.
    pub k: u64,
    /// The sums over the K mini-batch gradients: K, ‖S‖² and Σ ‖G_b‖².
    pub batches: Coherence,
    /// α̂_W, the de-biased coherence of mini-batch gradients, with its jackknife standard error, which is NaN for
    /// K < 3.
    pub batch_alpha: Estimate,
    /// α̂ of single examples, de-biased: A5 applied to α̂_W, and to its error by the delta method.
    pub alpha_debiased: Estimate,
}

impl Imputed {
    /// α of the sample of m = K k examples by A5b, comparable to the α that is measured over m examples.
    pub fn alpha(&self) -> f64 {
        alpha(self.batches, self.k)
    }

    /// m α of the sample.
    pub fn m_coherence(&self) -> f64 {
        m_coherence(self.batches, self.k)
    }

    /// m = K k.
    pub fn examples(&self) -> u64 {
        self.batches.m * self.k
    }
}

/// α of the examples of K mini-batches of k, by A5b.
fn alpha(batches: Coherence, k: u64) -> f64 {
    deamplify_partition(batches.alpha(), batches.m * k, k)
}

/// m α of the examples of K mini-batches of k.
pub(crate) fn m_coherence(batches: Coherence, k: u64) -> f64 {
    (batches.m * k) as f64 * alpha(batches, k)
}

/// The buffers of the measurement: two gradients.
#[derive(Debug)]
pub(crate) struct Imputation<D: Device<f32>> {
    /// The coherence of the last mini-batches' gradients, tensor by tensor; empty if that is not asked for.
    pub(crate) tensors: Vec<(Range<usize>, Coherence)>,
    loss: Loss,
    staged: Staged<D>,
    losses: D::Buffer<f64>,
    gradient: D::Buffer<f32>,
    sum: D::Buffer<f64>,
}

impl<D: Device<f32>> Imputation<D> {
    /// Buffers for mini-batches of k examples.
    pub(crate) fn new(model: &Model<f32, D>, loss: Loss, k: usize) -> Self {
        let (device, d) = (model.device(), model.layout().parameters());
        let (losses, gradient, sum) = (device.zeros(k), device.zeros(d), device.zeros(d));
        Self { tensors: Vec::new(), loss, staged: Staged::new(device), losses, gradient, sum }
    }

    /// The same, with the coherence of each tensor.
    pub(crate) fn by_tensor(self, model: &Model<f32, D>) -> Self {
        let tensors = model.layout().tensors().iter();
        let tensors = tensors.map(|tensor| (tensor.range.clone(), Coherence::default())).collect();
        Self { tensors, ..self }
    }

    /// Measures the mini-batches that `visit` passes to its argument as images [k, features] and labels \[k\]. They
    /// are visited twice: once for S, once for the products G_b · S. The mode of the workspace is changed.
    pub(crate) fn measure<E>(
        &mut self,
        model: &Model<f32, D>,
        workspace: &mut Workspace<f32, D>,
        mut visit: impl FnMut(&mut dyn FnMut(&[f32], &[u32])) -> Result<(), E>,
    ) -> Result<Imputed, E> {
        workspace.set_mode(Mode { batch_statistics: true, dropout: None });
        let Self { tensors, loss, staged, losses, gradient, sum } = self;
        let (device, k) = (model.device(), D::len(D::view(losses)) as u64);
        let mut backward = |x: &[f32], labels: &[u32], gradient: &mut D::Buffer<f32>| {
            let (x, labels) = staged.batch(device, x, labels);
            forward(*loss, model, x, labels, workspace, D::view_mut(losses));
            model.gradient(x, workspace, D::view_mut(gradient));
        };
        let mut members: Vec<Member> = Vec::new();
        device.fill(0.0, D::view_mut(sum));
        tensors.iter_mut().for_each(|(_, coherence)| *coherence = Coherence::default());
        visit(&mut |x, labels| {
            backward(x, labels, gradient);
            let gradient = D::view(gradient);
            device.accumulate(gradient, Output::Add, D::view_mut(sum));
            let sq_norm = device.dot(gradient, gradient);
            members.push(Member { dot_with_sum: 0.0, sq_norm });
            for (range, coherence) in tensors.iter_mut() {
                let tensor = D::part(gradient, range.clone());
                coherence.m += 1;
                coherence.sum_sq_norms += device.dot(tensor, tensor);
            }
        })?;
        let sum = D::view(sum);
        for (range, coherence) in tensors.iter_mut() {
            let tensor = D::part(sum, range.clone());
            coherence.sq_norm_of_sum = device.dot_wide(tensor, tensor);
        }
        let mut narrow = device.zeros(D::len(sum));
        device.narrow(sum, D::view_mut(&mut narrow));
        let mut second = members.iter_mut();
        visit(&mut |x, labels| {
            backward(x, labels, gradient);
            let member = second.next().expect("as many mini-batches as before");
            member.dot_with_sum = device.dot(D::view(gradient), D::view(&narrow));
        })?;
        let batches = Coherence {
            m: members.len() as u64,
            sq_norm_of_sum: device.dot_wide(sum, sum),
            sum_sq_norms: members.iter().map(|member| member.sq_norm).sum(),
        };
        let batch_alpha = jackknife(batches, members);
        let alpha_debiased = deamplify_estimate(batch_alpha, k);
        Ok(Imputed { k, batches, batch_alpha, alpha_debiased })
    }
}
