//! Inputs that the benches share: real digits, the network of the goals, numbers for matrices.
//!
//! `cargo bench -p coherence-benches --bench w2_winsorized` measures one row of the table of goals;
//! every bench checks its answer before it is timed. Threads: `RAYON_NUM_THREADS`.

use coherence_data::{Dataset, digits, random};
use coherence_nn::{Mlp, Workspace, loss::softmax_cross_entropy};

/// Widths of the goals' network.
pub const WIDTHS: [usize; 5] = [784, 256, 256, 256, 10];

/// A step's rate; small, so that hours of steps leave the deltas' sparsity alone.
pub const RATE: f32 = 1e-6;

/// The network, some digits, and room for their passes.
#[derive(Debug)]
pub struct Workload {
    /// Xavier weights from a fixed seed.
    pub mlp: Mlp<f32>,
    /// Pixels [m, 784] in [0, 1].
    pub x: Vec<f32>,
    /// Labels `[m]`.
    pub labels: Vec<u32>,
    /// Room for m examples.
    pub workspace: Workspace<f32>,
    losses: Vec<f64>,
}

impl Workload {
    /// The first `m` of the embedded digits, taken again from the start where they end.
    pub fn digits(m: usize) -> Self {
        let data = digits::train();
        let features = WIDTHS[0];
        let mut x = vec![0.0; m * features];
        let labels = x.chunks_exact_mut(features).enumerate();
        let labels = labels.map(|(e, x)| data.get(e % data.len(), x).label).collect();
        let mlp = Mlp::xavier(&WIDTHS, &mut random::stream(1, "bench")).expect("five widths");
        let workspace = mlp.workspace(m);
        Self { mlp, x, labels, workspace, losses: vec![0.0; m] }
    }

    /// Forward, loss, and the deltas of every layer; the logits' delta is multiplied by `scale`.
    pub fn passes(&mut self, scale: f32) {
        self.mlp.forward(&self.x, self.labels.len(), &mut self.workspace);
        let (logits, delta) = self.workspace.logits_and_delta();
        softmax_cross_entropy(logits, &self.labels, delta, &mut self.losses);
        delta.iter_mut().for_each(|d| *d *= scale);
        self.mlp.backward(&mut self.workspace);
    }

    /// A plain step on the mean loss.
    pub fn plain_step(&mut self) {
        self.passes(-RATE / self.labels.len() as f32);
        self.mlp.descend(&self.x, &self.workspace);
    }

    /// A step along the winsorised mean of the examples' gradients, by way of `gradient` `[d]`.
    pub fn winsorized_step(&mut self, clip: usize, gradient: &mut [f32]) {
        self.passes(1.0);
        for factors in self.mlp.factors(&self.x, &self.workspace) {
            factors.winsorized_mean(clip, &mut gradient[factors.range.clone()]);
        }
        coherence_cpu::elementwise::axpy(-RATE, gradient, self.mlp.parameters_mut());
    }

    /// Every tensor's squared gradient norms, added over the tensors, one for each example.
    pub fn sq_norms(&self) -> Vec<f64> {
        let mut norms = vec![0.0; self.labels.len()];
        self.mlp.factors(&self.x, &self.workspace).for_each(|f| f.sq_norms(&mut norms));
        norms
    }
}

/// `len` normal deviates from a seed.
pub fn normals(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = random::stream(seed, "bench matrix");
    (0..len).map(|_| random::normal(&mut rng) as f32).collect()
}
