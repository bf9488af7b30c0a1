//! W1: a plain SGD step, MLP 784–256–256–256–10, batch 100; beside it its matrix products alone.

use coherence_benches::{BATCH, RATE, SMALL, THREADS, normals, ratio, ratios, step, time, trainer};
use coherence_cpu::product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn};
use coherence_train::{Aggregation, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};

/// The eleven products of a step in their order, on buffers of a step's sizes, with nothing between
/// them.
struct Products {
    /// What goes into each layer, then the logits.
    activations: Vec<Vec<f32>>,
    /// What comes back to them.
    deltas: Vec<Vec<f32>>,
    weights: Vec<Vec<f32>>,
}

impl Products {
    fn new() -> Self {
        let buffers = |scale: f32| {
            let buffer = |width| normals(1, BATCH * width).iter().map(|x| scale * x).collect();
            SMALL.map(buffer).into()
        };
        let weights = SMALL.windows(2).map(|widths| normals(2, widths[0] * widths[1])).collect();
        // Deltas so small that the weights stay what they are.
        Self { activations: buffers(1.0), deltas: buffers(1e-20), weights }
    }

    fn run(&mut self) {
        let Self { activations, deltas, weights } = self;
        let dims = |l: usize| Dims { m: BATCH, i: SMALL[l], o: SMALL[l + 1] };
        for (l, weight) in weights.iter().enumerate() {
            let (a, out) = activations.split_at_mut(l + 1);
            matmul_nt(dims(l), &a[l], weight, Output::Overwrite, &mut out[0]);
        }
        for l in (1..weights.len()).rev() {
            let (out, delta) = deltas.split_at_mut(l + 1);
            matmul_nn(dims(l), &delta[0], &weights[l], Output::Overwrite, &mut out[l]);
        }
        for (l, weight) in weights.iter_mut().enumerate() {
            matmul_tn(dims(l), &deltas[l + 1], &activations[l], Output::Add, weight);
        }
    }
}

fn plain() -> Trainer {
    let mut trainer = trainer(&SMALL, [10_000, BATCH], Aggregation::Mean, RATE);
    let before = trainer.mlp().parameters().to_vec();
    step(&mut trainer);
    assert_ne!(before, trainer.mlp().parameters(), "a step moves the parameters");
    trainer
}

fn times(c: &mut Criterion) {
    let (mut trainer, mut products) = (plain(), Products::new());
    let mut group = c.benchmark_group("w1");
    time(&mut group, "plain step", THREADS, || step(&mut trainer));
    time(&mut group, "products alone", THREADS, || products.run());
    group.finish();
}

fn pairs(c: &mut Criterion<coherence_benches::Ratio>) {
    let (mut trainer, mut products) = (plain(), Products::new());
    let mut group = c.benchmark_group("w1 ratio");
    ratio(&mut group, "plain step to products alone", || step(&mut trainer), || products.run());
    group.finish();
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
