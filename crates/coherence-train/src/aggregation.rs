//! How the gradients of a mini-batch become an update.
//!
//! Legend: k: examples of a mini-batch, d: parameters, c: clip, t: step.

use coherence_nn::{Mlp, Workspace};
use rayon::prelude::*;
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
    /// Earlier mini-batches' gradients of the SUM loss [d], the oldest first. Only the first
    /// `filled` count: the others are buffers to come.
    gradients: Vec<Vec<f32>>,
    filled: usize,
}

impl Window {
    /// A window that remembers these gradients [d], the oldest first.
    pub fn of(gradients: Vec<Vec<f32>>) -> Self {
        Self { filled: gradients.len(), gradients }
    }

    /// The earlier mini-batches' gradients of the SUM loss [d], the oldest first; at most two.
    pub fn gradients(&self) -> &[Vec<f32>] {
        &self.gradients[..self.filled]
    }

    /// Remembers `gradient` [d] by exchanging buffers; of two that are held, the oldest goes.
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
    /// Writes the mini-batch's gradient to `out` [d] and returns the factor by which it must be
    /// multiplied to be the gradient that [`Aggregation`] speaks of: a sum is not yet a mean.
    pub(crate) fn gradient(
        self,
        mlp: &Mlp<f32>,
        x: &[f32],
        workspace: &Workspace<f32>,
        out: &mut [f32],
    ) -> f64 {
        if let Self::Winsorized { clip } = self {
            for factors in mlp.factors(x, workspace) {
                factors.winsorized_mean(clip, &mut out[factors.range.clone()]);
            }
            return 1.0;
        }
        mlp.gradient(x, workspace, out);
        1.0 / workspace.examples() as f64
    }

    /// Updates `parameters` [d] by `rate` times the rule over `gradient` [d] and the window; the
    /// buffer may come back with other contents.
    pub(crate) fn update(
        self,
        rate: f32,
        gradient: &mut Vec<f32>,
        window: &mut Window,
        parameters: &mut [f32],
    ) {
        let rule = match self {
            Self::Mean | Self::Winsorized { .. } => return descend(parameters, gradient, rate),
            Self::M3 | Self::Rm3 => median_of_three,
            Self::A3 | Self::Ra3 => mean_of_three,
        };
        let [oldest, previous] = window.gradients() else {
            return window.push(gradient);
        };
        descend_by_three(parameters, [oldest, previous, gradient], rate, rule);
        match self {
            Self::M3 | Self::A3 => window.filled = 0,
            _ => window.push(gradient),
        }
    }
}

/// Coordinates a thread takes at once; every coordinate is independent of the others.
const BLOCK: usize = 1 << 15;

fn descend(parameters: &mut [f32], gradient: &[f32], rate: f32) {
    let blocks = parameters.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK));
    blocks.for_each(|(parameters, gradient)| {
        parameters.iter_mut().zip(gradient).for_each(|(w, &g)| *w -= rate * g);
    });
}

fn descend_by_three(
    parameters: &mut [f32],
    gradients: [&[f32]; 3],
    rate: f32,
    rule: fn(f32, f32, f32) -> f32,
) {
    parameters.par_chunks_mut(BLOCK).enumerate().for_each(|(b, parameters)| {
        let [x, y, z] = gradients.map(|g| &g[b * BLOCK..][..parameters.len()]);
        for (j, w) in parameters.iter_mut().enumerate() {
            *w -= rate * rule(x[j], y[j], z[j]);
        }
    });
}

/// The middle value by compare-exchange; Σ − min − max would round (catalogue E).
fn median_of_three(x: f32, y: f32, z: f32) -> f32 {
    let (low, high) = if x < y { (x, y) } else { (y, x) };
    let capped = if high < z { high } else { z };
    if low < capped { capped } else { low }
}

fn mean_of_three(x: f32, y: f32, z: f32) -> f32 {
    (x + y + z) / 3.0
}
