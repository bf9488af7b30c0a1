//! W5: aggregators of dense n × d matrices, 134 MB each, beside reading the matrix once.

use core::hint::black_box;

use coherence_benches::normals;
use coherence_cpu::{
    dense::{Weiszfeld, geometric_median, krum, mean, median, winsorized_mean},
    norms::row_sq_norms,
};
use criterion::{Criterion, criterion_group, criterion_main};

const SIZES: [(usize, usize); 3] = [(100, 335_114), (15, 2_234_093), (3, 11_170_468)];

/// Columns of the result against a sort.
fn check(rows: &[f32], n: usize, clip: usize) {
    let d = rows.len() / n;
    let mut out = vec![0.0; d];
    winsorized_mean(rows, clip, &mut out);
    for j in (0..d).step_by(d / 50) {
        let mut values: Vec<f32> = (0..n).map(|e| rows[e * d + j]).collect();
        values.sort_by(f32::total_cmp);
        let (low, high) = (values[clip], values[n - 1 - clip]);
        let mean = values.iter().map(|v| f64::from(v.clamp(low, high))).sum::<f64>() / n as f64;
        assert!((f64::from(out[j]) - mean).abs() <= 1e-6 * f64::from(high.max(-low)), "{n} {j}");
    }
}

/// The squared norms of 64 stretches: one read of the matrix, the yardstick.
fn read(rows: &[f32]) -> f32 {
    let mut squares = vec![0.0; 64];
    let whole = rows.len() / 64 * 64;
    row_sq_norms(&rows[..whole], &mut squares);
    squares[0] as f32
}

fn rules(c: &mut Criterion) {
    let numbers = normals(1, SIZES.iter().map(|(n, d)| n * d).max().unwrap_or(0));
    for (n, d) in SIZES {
        let rows = &numbers[..n * d];
        let clip = if n > 16 { 8 } else { n / 4 };
        check(rows, n, clip);
        let mut out = vec![0.0; d];
        let mut group = c.benchmark_group(format!("w5, n = {n}"));
        group.sample_size(10);
        group.bench_function("read once", |b| b.iter(|| black_box(read(rows))));
        group.bench_function("mean", |b| b.iter(|| mean(rows, &mut out)));
        group.bench_function(format!("winsorized, c = {clip}"), |b| {
            b.iter(|| winsorized_mean(rows, clip, &mut out));
        });
        group.bench_function("median", |b| b.iter(|| median(rows, &mut out)));
        let stop = Weiszfeld { tolerance: 1e-6, iterations: 100 };
        group.bench_function("geometric median", |b| {
            b.iter(|| geometric_median(rows, n, stop, &mut out));
        });
        group.bench_function("krum", |b| b.iter(|| black_box(krum(rows, n, 0))));
        group.finish();
    }
}

criterion_group!(benches, rules);
criterion_main!(benches);
