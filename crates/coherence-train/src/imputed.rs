//! Coherence of mini-batch gradients, and the α of single examples imputed from it.
//!
//! Legend: k: examples of a mini-batch, K: mini-batches, m = K k, d: parameters, G_b: gradient of the SUM loss of
//! mini-batch b, S = Σ_b G_b.

use crate::{passes::forward, tally::dot};
use coherence_core::{
    Coherence, Member,
    minibatch::{deamplify_estimate, deamplify_partition},
    unbiased::{Estimate, jackknife},
};
use coherence_nn::{Model, Workspace, layer::Mode, loss::Loss};
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
pub(crate) struct Imputation {
    /// The coherence of the last mini-batches' gradients, tensor by tensor; empty if that is not asked for.
    pub(crate) tensors: Vec<(Range<usize>, Coherence)>,
    loss: Loss,
    losses: Vec<f64>,
    gradient: Vec<f32>,
    sum: Vec<f64>,
}

impl Imputation {
    /// Buffers for mini-batches of k examples.
    pub(crate) fn new(model: &Model<f32>, loss: Loss, k: usize) -> Self {
        let d = model.parameters().len();
        let (losses, gradient, sum) = (vec![0.0; k], vec![0.0; d], vec![0.0; d]);
        Self { tensors: Vec::new(), loss, losses, gradient, sum }
    }

    /// The same, with the coherence of each tensor.
    pub(crate) fn by_tensor(self, model: &Model<f32>) -> Self {
        let tensors = model.layout().tensors().iter();
        let tensors = tensors.map(|tensor| (tensor.range.clone(), Coherence::default())).collect();
        Self { tensors, ..self }
    }

    /// Measures the mini-batches that `visit` passes to its argument as images [k, features] and labels \[k\]. They
    /// are visited twice: once for S, once for the products G_b · S. The mode of the workspace is changed.
    pub(crate) fn measure<E>(
        &mut self,
        model: &Model<f32>,
        workspace: &mut Workspace<f32>,
        mut visit: impl FnMut(&mut dyn FnMut(&[f32], &[u32])) -> Result<(), E>,
    ) -> Result<Imputed, E> {
        workspace.set_mode(Mode { batch_statistics: true, dropout: None });
        let Self { tensors, loss, losses, gradient, sum } = self;
        let mut backward = |x: &[f32], labels: &[u32], gradient: &mut [f32]| {
            forward(*loss, model, x, labels, workspace, losses);
            model.gradient(x, workspace, gradient);
        };
        let mut members: Vec<Member> = Vec::new();
        sum.fill(0.0);
        tensors.iter_mut().for_each(|(_, coherence)| *coherence = Coherence::default());
        visit(&mut |x, labels| {
            backward(x, labels, gradient);
            sum.iter_mut().zip(&*gradient).for_each(|(sum, &g)| *sum += f64::from(g));
            members.push(Member { dot_with_sum: 0.0, sq_norm: dot(gradient, gradient) });
            for (range, coherence) in tensors.iter_mut() {
                let tensor = &gradient[range.clone()];
                coherence.m += 1;
                coherence.sum_sq_norms += dot(tensor, tensor);
            }
        })?;
        for (range, coherence) in tensors.iter_mut() {
            coherence.sq_norm_of_sum = dot(&sum[range.clone()], &sum[range.clone()]);
        }
        let narrow: Vec<f32> = sum.iter().map(|&s| s as f32).collect();
        let mut second = members.iter_mut();
        visit(&mut |x, labels| {
            backward(x, labels, gradient);
            let member = second.next().expect("as many mini-batches as before");
            member.dot_with_sum = dot(gradient, &narrow);
        })?;
        let batches = Coherence {
            m: members.len() as u64,
            sq_norm_of_sum: dot(sum, sum),
            sum_sq_norms: members.iter().map(|member| member.sq_norm).sum(),
        };
        let (k, batch_alpha) = (losses.len() as u64, jackknife(batches, members));
        let alpha_debiased = deamplify_estimate(batch_alpha, k);
        Ok(Imputed { k, batches, batch_alpha, alpha_debiased })
    }
}
