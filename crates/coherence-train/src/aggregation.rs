//! How the gradients of a mini-batch become an update.
//!
//! Legend: k: examples of a mini-batch, d: parameters, c: clip, t: step.

use coherence_core::aggregate;
use coherence_cpu::elementwise::{axpy, median_of_three_update};
use coherence_nn::{Mlp, Workspace};
use core::ops::Range;
use serde::{Deserialize, Serialize};

/// A rule that turns mini-batches into updates `w ← w − η G`.
///
/// Momentum is not offered with any of them: the papers' authors refuse it for its instability.
///
/// Source: CG20 §3.1 (winsorised), WS20 §3 and GM22 §7 (the rules over three mini-batches),
/// catalogue A18, A19, E.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Aggregation {
    /// The mean of the mini-batch's per-example gradients: plain SGD.
    Mean,
    /// The winsorised mean of the mini-batch's per-example gradients, coordinate by coordinate.
    Winsorized {
        /// c: how many values are clipped at each end; 0 is the mean, 2c ≥ k the median.
        clip: usize,
    },
    /// The median, coordinate by coordinate, of the mean gradients of groups of the mini-batch's
    /// examples, of nearly equal size. Three groups are M3 with micro-batches of k/3.
    MedianOfMeans {
        /// How many groups: 1 is the mean, k the median of the per-example gradients.
        groups: usize,
    },
    /// The median of three mini-batches' mean gradients; the weights are held for three mini-batches
    /// and then updated once. The rate is not rescaled.
    M3,
    /// As [`M3`](Self::M3) with the mean of the three.
    A3,
    /// Every step updates with the median of this and the two previous mini-batches' mean gradients;
    /// steps 1 and 2 update nothing.
    Rm3,
    /// As [`Rm3`](Self::Rm3) with the mean of the three.
    Ra3,
}

/// What an [`Aggregation`] remembers between mini-batches, as plain data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Earlier mini-batches' gradients of the SUM loss \[d\], the oldest first. Only the first
    /// `filled` count: the others are buffers to come.
    gradients: Vec<Vec<f32>>,
    filled: usize,
}

impl Window {
    /// A window that remembers these gradients \[d\], the oldest first.
    pub fn of(gradients: Vec<Vec<f32>>) -> Self {
        Self { filled: gradients.len(), gradients }
    }

    /// The earlier mini-batches' gradients of the SUM loss \[d\], the oldest first; at most two.
    pub fn gradients(&self) -> &[Vec<f32>] {
        &self.gradients[..self.filled]
    }

    /// Remembers `gradient` \[d\] by exchanging buffers; of two that are held, the oldest goes.
    fn push(&mut self, gradient: &mut Vec<f32>) {
        self.gradients.resize_with(2, || vec![0.0; gradient.len()]);
        if self.filled == 2 {
            self.gradients.swap(0, 1);
            self.filled = 1;
        }
        core::mem::swap(&mut self.gradients[self.filled], gradient);
        self.filled += 1;
    }
}

impl Aggregation {
    /// Updates the network by `rate` times the rule, after the loss has written the logits' delta
    /// for `x` [k, features]; `gradient` is a buffer for rules over three mini-batches, exchanged
    /// for another now and then.
    pub(crate) fn update(
        self,
        rate: f64,
        mlp: &mut Mlp<f32>,
        x: &[f32],
        workspace: &mut Workspace<f32>,
        gradient: &mut Vec<f32>,
        window: &mut Window,
    ) {
        let k = workspace.examples();
        let mean = 1.0 / k as f64;
        match self {
            Self::Mean => {
                scale(workspace, 0..k, -rate * mean);
                mlp.backward(workspace);
                mlp.descend(x, workspace);
            }
            Self::Winsorized { clip } => {
                mlp.backward(workspace);
                mlp.step(x, workspace, |factors, tensor| {
                    factors.winsorized_step(clip, rate as f32, tensor);
                });
            }
            Self::MedianOfMeans { groups } => {
                for examples in aggregate::groups(k, groups) {
                    scale(workspace, examples.clone(), 1.0 / examples.len() as f64);
                }
                mlp.backward(workspace);
                mlp.step(x, workspace, |factors, tensor| {
                    factors.median_of_sums_step(groups, rate as f32, tensor);
                });
            }
            Self::M3 | Self::A3 | Self::Rm3 | Self::Ra3 => {
                mlp.backward(workspace);
                gradient.resize(mlp.parameters().len(), 0.0);
                mlp.gradient(x, workspace, gradient);
                self.update_by_three(rate, mean, mlp.parameters_mut(), gradient, window);
            }
        }
    }

    /// One step of a rule over three mini-batches; `mean` is 1/k, as `gradient` is of the SUM loss.
    fn update_by_three(
        self,
        rate: f64,
        mean: f64,
        parameters: &mut [f32],
        gradient: &mut Vec<f32>,
        window: &mut Window,
    ) {
        let [oldest, previous] = window.gradients() else {
            return window.push(gradient);
        };
        let three = [&oldest[..], previous, gradient];
        if matches!(self, Self::M3 | Self::Rm3) {
            median_of_three_update(parameters, three.map(|g| (g, mean as f32)), rate as f32);
        } else {
            let factor = (-rate * mean / 3.0) as f32;
            three.iter().for_each(|g| axpy(factor, g, parameters));
        }
        match self {
            Self::M3 | Self::A3 => window.filled = 0,
            _ => window.push(gradient),
        }
    }
}

/// Multiplies the logits' delta of some examples; backward passes are linear in it.
fn scale(workspace: &mut Workspace<f32>, examples: Range<usize>, factor: f64) {
    let k = workspace.examples();
    let delta = workspace.logits_and_delta().1;
    let classes = delta.len() / k;
    let rows = &mut delta[examples.start * classes..examples.end * classes];
    rows.iter_mut().for_each(|delta| *delta *= factor as f32);
}
