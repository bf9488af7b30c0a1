//! Passes over a batch without a trainer around them: yardsticks and what answers are checked by.

use std::ops::Range;

use coherence_data::{Dataset, random};
use coherence_nn::{Factors, Mlp, Workspace, loss::softmax_cross_entropy};

use crate::digits;

/// A network, some digits, and room for their passes.
#[derive(Debug)]
pub struct Passes {
    /// Xavier weights from a fixed seed.
    pub mlp: Mlp<f32>,
    /// Pixels [m, 784] in [0, 1].
    pub x: Vec<f32>,
    /// Labels `[m]`.
    pub labels: Vec<u32>,
    /// Activations and deltas of the batch that was passed last.
    pub workspace: Workspace<f32>,
    losses: Vec<f64>,
}

impl Passes {
    /// The first `m` digits and a network of `widths`, for batches of up to `capacity`.
    ///
    /// # Panics
    ///
    /// If `widths` are none of a network.
    pub fn new(widths: &[usize], m: usize, capacity: usize) -> Self {
        let (data, features) = (digits(m), widths[0]);
        let mut x = vec![0.0; m * features];
        let inputs = x.chunks_exact_mut(features).enumerate();
        let labels = inputs.map(|(e, x)| data.get(e, x).label).collect();
        let mlp = Mlp::xavier(widths, &mut random::stream(1, "bench")).expect("widths");
        let workspace = mlp.workspace(capacity);
        Self { mlp, x, labels, workspace, losses: vec![0.0; capacity] }
    }

    /// Forward, loss and backward for `m` examples from `start` on: the deltas of their SUM loss.
    pub fn run(&mut self, start: usize, m: usize) {
        let x = &self.x[self.pixels(start, m)];
        self.mlp.forward(x, m, &mut self.workspace);
        let (logits, delta) = self.workspace.logits_and_delta();
        softmax_cross_entropy(logits, &self.labels[start..][..m], delta, &mut self.losses[..m]);
        self.mlp.backward(&mut self.workspace);
    }

    /// [`run`](Self::run), then the gradient of the SUM loss, to `gradient` `[d]`.
    pub fn gradient(&mut self, start: usize, m: usize, gradient: &mut [f32]) {
        self.run(start, m);
        let x = &self.x[self.pixels(start, m)];
        self.mlp.gradient(x, &self.workspace, gradient);
    }

    /// Where in `x` the pixels of `m` examples from `start` on lie.
    fn pixels(&self, start: usize, m: usize) -> Range<usize> {
        start * self.mlp.inputs()..(start + m) * self.mlp.inputs()
    }

    /// The factors that [`run`](Self::run) of the same examples left.
    pub fn factors(&self, start: usize, m: usize) -> impl Iterator<Item = Factors<'_, f32>> {
        let x = &self.x[self.pixels(start, m)];
        self.mlp.factors(x, &self.workspace)
    }
}
