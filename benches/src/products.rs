//! The matrix products of a step alone, by any library.

use crate::{BATCH, RATE, Ratio, SMALL, normals, ratio, standardized, step, trainer, trainer_over};
use coherence_cpu::product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn};
use coherence_train::{Aggregation, Trainer};
use criterion::Criterion;

/// A product: sizes, left factor, right factor, whether to add or overwrite, result.
pub type Product = fn(Dims, &[f32], &[f32], Output, &mut [f32]);

/// Our products of the forward pass, of the deltas, and of the gradient.
pub const OURS: [Product; 3] = [matmul_nt, matmul_nn, matmul_tn];

/// The trainer of a plain step.
///
/// # Panics
///
/// If a step does not change the parameters.
pub fn plain() -> Trainer {
    checked(trainer(&SMALL, [10_000, BATCH], Aggregation::Mean, RATE))
}

/// The same over standardised digits: products find no zero to leave out.
///
/// # Panics
///
/// As [`plain`].
pub fn plain_without_zeros() -> Trainer {
    checked(trainer_over(&standardized(10_000), &SMALL, BATCH, Aggregation::Mean, RATE))
}

fn checked(mut trainer: Trainer) -> Trainer {
    let before = trainer.model().parameters().to_vec();
    step(&mut trainer);
    assert_ne!(before, trainer.model().parameters(), "a step must change the parameters");
    trainer
}

/// Times a plain step without zeros in alternation with its products by `by`, which have none either.
pub fn plain_to_products(c: &mut Criterion<Ratio>, name: &str, by: [Product; 3]) {
    let (mut trainer, mut products) = (plain_without_zeros(), Products::new());
    let mut group = c.benchmark_group("w1 ratio");
    ratio(&mut group, name, || step(&mut trainer), || products.run(by));
    group.finish();
}

/// The eleven products of a step in order, on buffers of a step's sizes, with nothing in between.
#[derive(Debug)]
pub struct Products {
    /// The input of each layer, then the logits.
    activations: Vec<Vec<f32>>,
    /// The deltas of these.
    deltas: Vec<Vec<f32>>,
    weights: Vec<Vec<f32>>,
}

impl Products {
    /// Normal deviates from fixed seeds, deltas so small that the weights do not change.
    #[allow(clippy::new_without_default, reason = "it fills megabytes")]
    pub fn new() -> Self {
        let buffers = |scale: f32| {
            let buffer = |width| normals(1, BATCH * width).iter().map(|x| scale * x).collect();
            SMALL.map(buffer).into()
        };
        let weights = SMALL.windows(2).map(|widths| normals(2, widths[0] * widths[1])).collect();
        Self { activations: buffers(1.0), deltas: buffers(1e-20), weights }
    }

    /// The products of the forward pass, of the deltas, and of the gradient.
    pub fn run(&mut self, [forward, backward, gradient]: [Product; 3]) {
        let Self { activations, deltas, weights } = self;
        let dims = |l: usize| Dims { m: BATCH, i: SMALL[l], o: SMALL[l + 1] };
        for (l, weight) in weights.iter().enumerate() {
            let (a, out) = activations.split_at_mut(l + 1);
            forward(dims(l), &a[l], weight, Output::Overwrite, &mut out[0]);
        }
        for l in (1..weights.len()).rev() {
            let (out, delta) = deltas.split_at_mut(l + 1);
            backward(dims(l), &delta[0], &weights[l], Output::Overwrite, &mut out[l]);
        }
        for (l, weight) in weights.iter_mut().enumerate() {
            gradient(dims(l), &deltas[l + 1], &activations[l], Output::Add, weight);
        }
    }

    /// The logits and the first deltas.
    pub fn results(&self) -> [&[f32]; 2] {
        [&self.activations[SMALL.len() - 1], &self.deltas[1]]
    }
}
