//! W1: a plain SGD step, MLP 784–256–256–256–10, batch 100, compared with only its matrix products.

use coherence_benches::{
    BATCH, Product, Products, RATE, SMALL, THREADS, ratio, ratios, step, time, trainer,
};
use coherence_cpu::product::{matmul_nn, matmul_nt, matmul_tn};
use coherence_train::{Aggregation, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};

const OURS: [Product; 3] = [matmul_nt, matmul_nn, matmul_tn];

fn plain() -> Trainer {
    let mut trainer = trainer(&SMALL, [10_000, BATCH], Aggregation::Mean, RATE);
    let before = trainer.model().parameters().to_vec();
    step(&mut trainer);
    assert_ne!(before, trainer.model().parameters(), "a step must change the parameters");
    trainer
}

fn times(c: &mut Criterion) {
    let (mut trainer, mut products) = (plain(), Products::new());
    let mut group = c.benchmark_group("w1");
    time(&mut group, "plain step", THREADS, || step(&mut trainer));
    time(&mut group, "products alone", THREADS, || products.run(OURS));
    group.finish();
}

fn pairs(c: &mut Criterion<coherence_benches::Ratio>) {
    let (mut trainer, mut products) = (plain(), Products::new());
    let mut group = c.benchmark_group("w1 ratio");
    let name = "plain step to products alone";
    ratio(&mut group, name, || step(&mut trainer), || products.run(OURS));
    group.finish();
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
