//! W2: a winsorised step, MLP 784–256–256–256–10, batch 100, c = 1, 2, 4, 8 and the median, beside
//! the plain step.

use coherence_benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

const BATCH: usize = 100;

/// The first layer's aggregate at some coordinates against a sort of the products.
fn check(workload: &mut Workload, clip: usize, gradient: &mut [f32]) {
    workload.winsorized_step(clip, gradient);
    let factors = workload.mlp.factors(&workload.x, &workload.workspace).next();
    let delta = factors.expect("four layers").delta;
    let (i, o) = (784, delta.len() / BATCH);
    for at in (0..o * i).step_by(997) {
        let product = |e: usize| delta[e * o + at / i] * workload.x[e * i + at % i];
        let mut values: Vec<f32> = (0..BATCH).map(product).collect();
        values.sort_by(f32::total_cmp);
        let clip = clip.min(BATCH / 2 - 1); // at half, both ends are the middle values
        let (low, high) = (values[clip], values[BATCH - 1 - clip]);
        let clipped = values.iter().map(|v| f64::from(v.clamp(low, high)));
        let (mean, scale) = (clipped.sum::<f64>() / BATCH as f64, f64::from(high.max(-low)));
        assert!((f64::from(gradient[at]) - mean).abs() <= 1e-6 * scale, "clip {clip} at {at}");
    }
}

fn step(c: &mut Criterion) {
    let mut workload = Workload::digits(BATCH);
    let mut gradient = vec![0.0; workload.mlp.parameters().len()];
    let mut group = c.benchmark_group("w2");
    group.bench_function("plain step", |b| b.iter(|| workload.plain_step()));
    for clip in [1, 2, 4, 8, 50] {
        check(&mut workload, clip, &mut gradient);
        group.bench_function(format!("winsorized step, c = {clip}"), |b| {
            b.iter(|| workload.winsorized_step(clip, &mut gradient));
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
