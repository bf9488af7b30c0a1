//! W6: the update of RM3 beside that of SGD, 0.34 M and 11.1 M parameters.

use coherence_benches::normals;
use coherence_cpu::elementwise::{axpy, median_of_three_update};
use criterion::{Criterion, criterion_group, criterion_main};

fn check(gradients: &[Vec<f32>; 3]) {
    let [a, b, c] = gradients;
    let mut params = vec![0.0; a.len()];
    median_of_three_update(&mut params, [(a, 1.0), (b, 1.0), (c, 1.0)], -1.0);
    for j in (0..a.len()).step_by(101) {
        let mut values = [a[j], b[j], c[j]];
        values.sort_by(f32::total_cmp);
        assert_eq!(params[j], values[1]);
    }
}

fn updates(c: &mut Criterion) {
    for d in [335_114, 11_067_810] {
        let gradients = [1, 2, 3].map(|seed| normals(seed, d));
        check(&gradients);
        let mut params = vec![0.0; d];
        let [g0, g1, g2] = &gradients;
        let mut group = c.benchmark_group(format!("w6, {d} parameters"));
        group.sample_size(30);
        group.bench_function("sgd update", |b| b.iter(|| axpy(-1e-3, g0, &mut params)));
        group.bench_function("rm3 update", |b| {
            b.iter(|| median_of_three_update(&mut params, [(g0, 1.0), (g1, 1.0), (g2, 1.0)], 1e-3));
        });
        group.finish();
    }
}

criterion_group!(benches, updates);
criterion_main!(benches);
