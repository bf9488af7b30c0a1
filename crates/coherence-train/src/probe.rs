//! Coherence over a fixed sample of the training set, during training.

use crate::{Examples, Sink, passes::Passes, tally::Tally};
use coherence_core::Coherence;
use coherence_data::{Designation, random};
use coherence_nn::Mlp;

/// A fixed sample, split by designation, with the buffers to measure it.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Indices of the pristine and of the corrupt examples, ascending.
    groups: [Vec<usize>; 2],
    tallies: [Tally; 2],
    whole: Tally,
    passes: Passes,
    norms: Vec<f64>,
}

/// How the two groups are called in series.
const NAMES: [&str; 2] = ["pristine", "corrupt"];

impl Probe {
    /// Draws `size` examples (at most all), a pure function of (seed, size, number of examples).
    pub(crate) fn new(mlp: &Mlp<f32>, examples: &Examples, size: usize, seed: u64) -> Self {
        let mut chosen = random::permutation(&mut random::stream(seed, "probe"), examples.len());
        chosen.truncate(size);
        chosen.sort_unstable();
        let pick = |designation: Designation| {
            let belongs = |&&i: &&usize| examples.designations()[i] == designation;
            chosen.iter().filter(belongs).copied().collect()
        };
        Self {
            groups: [pick(Designation::Pristine), pick(Designation::Corrupt)],
            tallies: [(); 2].map(|()| Tally::new(mlp.layout())),
            whole: Tally::new(mlp.layout()),
            passes: Passes::new(mlp),
            norms: Vec::new(),
        }
    }

    /// Measures the sample and sends the series `probe.…`.
    pub(crate) fn observe(
        &mut self,
        mlp: &Mlp<f32>,
        examples: &Examples,
        step: u64,
        sink: &mut dyn Sink,
    ) {
        self.whole.clear();
        for (indices, tally) in self.groups.iter().zip(&mut self.tallies) {
            tally.clear();
            self.passes.run(mlp, examples, indices, |chunk| {
                self.norms.clear();
                self.norms.resize(chunk.losses.len(), 0.0);
                tally.add(mlp, chunk.x, chunk.workspace, &mut self.norms);
            });
            self.whole.merge(tally);
        }
        self.report(mlp, step, sink);
    }

    fn report(&self, mlp: &Mlp<f32>, step: u64, sink: &mut dyn Sink) {
        sink.row(step, "probe.alpha", self.whole.network().alpha());
        rows(step, "probe", self.whole.network(), sink);
        for (t, tensor) in mlp.layout().tensors().iter().enumerate() {
            rows(step, &format!("probe.{}", tensor.name), self.whole.tensor(t), sink);
        }
        for (name, tally) in NAMES.iter().zip(&self.tallies) {
            let coherence = tally.network();
            if coherence.m > 0 {
                rows(step, &format!("probe.{name}"), coherence, sink);
            }
        }
    }
}

fn rows(step: u64, of: &str, coherence: Coherence, sink: &mut dyn Sink) {
    sink.row(step, &format!("{of}.m_coherence"), coherence.m_coherence());
    sink.row(step, &format!("{of}.sq_norm_of_sum"), coherence.sq_norm_of_sum);
    sink.row(step, &format!("{of}.sum_sq_norms"), coherence.sum_sq_norms);
}
