//! Passes over a batch without a trainer, as references for times and for results.

use std::ops::Range;

use coherence_data::{Dataset, random};
use coherence_nn::{Factors, Mlp, Workspace, loss::softmax_cross_entropy};

use crate::digits;

/// A network, some digits, and the buffers for their passes.
#[derive(Debug)]
pub struct Passes {
    /// Xavier weights from a fixed seed.
    pub mlp: Mlp<f32>,
    /// Pixels [m, 784] in [0, 1].
    pub x: Vec<f32>,
    /// Labels `[m]`.
    pub labels: Vec<u32>,
    /// Activations and deltas of the last batch.
    pub workspace: Workspace<f32>,
    losses: Vec<f64>,
}

impl Passes {
    /// The first `m` digits and a network of `widths`, for batches of up to `capacity`.
    ///
    /// # Panics
    ///
    /// If `widths` are not those of a network.
    pub fn new(widths: &[usize], m: usize, capacity: usize) -> Self {
        let (data, features) = (digits(m), widths[0]);
        let mut x = vec![0.0; m * features];
        let inputs = x.chunks_exact_mut(features).enumerate();
        let labels =
            inputs.map(|(e, x)| data.get(e, x).expect("digits are in memory").label).collect();
        let mlp = Mlp::xavier(widths, &mut random::stream(1, "bench")).expect("widths");
        let workspace = mlp.workspace(capacity);
        Self { mlp, x, labels, workspace, losses: vec![0.0; capacity] }
    }

    /// Forward pass, SUM loss and backward pass for `m` examples from `start` on.
    pub fn run(&mut self, start: usize, m: usize) {
        let x = &self.x[self.pixels(start, m)];
        self.mlp.forward(x, m, &mut self.workspace);
        let (logits, delta) = self.workspace.logits_and_delta();
        softmax_cross_entropy(logits, &self.labels[start..][..m], delta, &mut self.losses[..m]);
        self.mlp.backward(&mut self.workspace);
    }

    /// [`run`](Self::run), then writes the gradient of the SUM loss to `gradient` `[d]`.
    pub fn gradient(&mut self, start: usize, m: usize, gradient: &mut [f32]) {
        self.run(start, m);
        let x = &self.x[self.pixels(start, m)];
        self.mlp.gradient(x, &self.workspace, gradient);
    }

    /// The range of `x` with the pixels of `m` examples from `start` on.
    fn pixels(&self, start: usize, m: usize) -> Range<usize> {
        start * self.mlp.inputs()..(start + m) * self.mlp.inputs()
    }

    /// The factors of `m` examples from `start` on, after [`run`](Self::run) over the same examples.
    pub fn factors(&self, start: usize, m: usize) -> impl Iterator<Item = Factors<'_, f32>> {
        let x = &self.x[self.pixels(start, m)];
        self.mlp.factors(x, &self.workspace)
    }
}
