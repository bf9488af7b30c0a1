//! W1: a plain SGD step, MLP 784–256–256–256–10, batch 100; beside it its matrix products alone.

use coherence_benches::{WIDTHS, Workload};
use coherence_cpu::product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn};
use criterion::{Criterion, criterion_group, criterion_main};

const BATCH: usize = 100;

/// The eleven products of a step, with nothing between them.
fn products(operand: &[f32], result: &mut [f32]) {
    for (l, widths) in WIDTHS.windows(2).enumerate() {
        let dims = Dims { m: BATCH, i: widths[0], o: widths[1] };
        let (a, w, delta) =
            (&operand[..BATCH * dims.i], &operand[..dims.o * dims.i], &operand[..BATCH * dims.o]);
        matmul_nt(dims, a, w, Output::Overwrite, &mut result[..BATCH * dims.o]);
        matmul_tn(dims, delta, a, Output::Add, &mut result[..dims.o * dims.i]);
        if l > 0 {
            matmul_nn(dims, delta, w, Output::Overwrite, &mut result[..BATCH * dims.i]);
        }
    }
}

/// A step that moves nothing would be fast.
fn check(workload: &mut Workload) {
    let before = workload.mlp.parameters().to_vec();
    workload.plain_step();
    assert_ne!(before, workload.mlp.parameters(), "a step moves the parameters");
}

fn step(c: &mut Criterion) {
    let mut workload = Workload::digits(BATCH);
    check(&mut workload);
    let operand = vec![0.5; WIDTHS[0] * WIDTHS[1]];
    let mut result = operand.clone();
    let mut group = c.benchmark_group("w1");
    group.bench_function("plain step", |b| b.iter(|| workload.plain_step()));
    group.bench_function("products alone", |b| b.iter(|| products(&operand, &mut result)));
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
