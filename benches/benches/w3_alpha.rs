//! W3: sums and squared norms for α over 10,000 digits, beside forward and backward alone.

use coherence_benches::Workload;
use core::hint::black_box;
use criterion::{Criterion, criterion_group, criterion_main};

/// Passes of a batch that stays in cache, as often as makes 10,000 examples.
const BATCH: usize = 500;
const BATCHES: usize = 20;

/// α of the batch from the factors; the plain pass, which also sums the gradients.
fn alpha(workload: &mut Workload, sum: &mut [f32]) -> f64 {
    plain(workload, sum);
    let energy: f64 = workload.sq_norms().iter().sum();
    let mut square = [0.0];
    coherence_cpu::norms::row_sq_norms(sum, &mut square);
    square[0] / (BATCH as f64 * energy)
}

fn plain(workload: &mut Workload, sum: &mut [f32]) {
    workload.passes(1.0);
    workload.mlp.gradient(&workload.x, &workload.workspace, sum);
}

/// Some examples' norms against the gradient of that example alone.
fn check(workload: &mut Workload) {
    workload.passes(1.0);
    let norms = workload.sq_norms();
    for e in [0, 7, BATCH - 1] {
        let (mut one, x) = (Workload::digits(1), workload.x[e * 784..][..784].to_vec());
        (one.x, one.labels) = (x, vec![workload.labels[e]]);
        let mut gradient = vec![0.0f32; one.mlp.parameters().len()];
        plain(&mut one, &mut gradient);
        let square: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum();
        assert!((norms[e] - square).abs() <= 1e-5 * square, "{} {square}", norms[e]);
    }
}

fn measure(c: &mut Criterion) {
    let mut workload = Workload::digits(BATCH);
    check(&mut workload);
    let mut sum = vec![0.0; workload.mlp.parameters().len()];
    let mut group = c.benchmark_group("w3");
    group.sample_size(20);
    group.bench_function("forward, backward, sum: 10,000 examples", |b| {
        b.iter(|| (0..BATCHES).for_each(|_| plain(&mut workload, &mut sum)));
    });
    group.bench_function("with alpha: 10,000 examples", |b| {
        b.iter(|| (0..BATCHES).map(|_| black_box(alpha(&mut workload, &mut sum))).sum::<f64>());
    });
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
