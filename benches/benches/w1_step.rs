//! W1: a plain SGD step, MLP 784–256–256–256–10, batch 100; beside it its matrix products alone.

use coherence_benches::{BATCH, RATE, SMALL, THREADS, ratio, ratios, step, time, trainer};
use coherence_cpu::product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn};
use coherence_train::{Aggregation, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};

/// The eleven products of a step, with nothing between them.
struct Products {
    operand: Vec<f32>,
    result: Vec<f32>,
}

impl Products {
    fn new() -> Self {
        let operand = vec![0.5; SMALL[0] * SMALL[1]];
        Self { result: operand.clone(), operand }
    }

    fn run(&mut self) {
        let Self { operand, result } = self;
        for (l, widths) in SMALL.windows(2).enumerate() {
            let dims = Dims { m: BATCH, i: widths[0], o: widths[1] };
            let a = &operand[..BATCH * dims.i];
            let (w, delta) = (&operand[..dims.o * dims.i], &operand[..BATCH * dims.o]);
            matmul_nt(dims, a, w, Output::Overwrite, &mut result[..BATCH * dims.o]);
            matmul_tn(dims, delta, a, Output::Add, &mut result[..dims.o * dims.i]);
            if l > 0 {
                matmul_nn(dims, delta, w, Output::Overwrite, &mut result[..BATCH * dims.i]);
            }
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
