//! W5: aggregation rules on dense n × d matrices, compared with reading the matrix once; shapes,
//! clips and stopping rules are those of the peers.

use coherence_benches::{Ratio, THREADS, ratio, ratios, rows, time};
use coherence_core::{
    aggregate::{
        AnyVectorRule, GeometricMedian, Mean, Median, Requirements, ScratchBuffer, Trimmed,
        Winsorized,
    },
    finite::Policy,
};
use coherence_cpu::{
    Isa,
    dense::{aggregate_rows, krum, robust_mean},
};
use criterion::{Criterion, criterion_group, criterion_main};
use rayon::prelude::*;

/// A case: n, d, the number of values clipped or trimmed at each end, and Krum's number of faulty rows.
#[derive(Clone, Copy)]
struct Case {
    n: usize,
    d: usize,
    clip: usize,
    faulty: usize,
}

const CASES: [Case; 3] = [
    Case { n: 100, d: 335_114, clip: 8, faulty: 8 },
    Case { n: 15, d: 1_000_000, clip: 3, faulty: 3 },
    Case { n: 3, d: 11_000_000, clip: 1, faulty: 0 },
];

/// A certificate that the sum of distances is the least but for a share of 2e-6; the peers stop when an iteration
/// changes the point by a share of 1e-6.
const GEOMEDIAN: GeometricMedian = GeometricMedian { tolerance: 1e-6, max_iterations: 1000 };

/// A rule on rows [n, d] that writes `out` \[d\].
type Rule = fn(Case, &[f32], &mut [f32]);

const COORDINATE_WISE: [(&str, Rule); 4] = [
    ("mean", |_, x, out| robust_mean(x, Mean, out)),
    ("median", |_, x, out| robust_mean(x, Median, out)),
    ("trimmed", |s, x, out| robust_mean(x, Trimmed { trim: s.clip }, out)),
    ("winsorized", |s, x, out| robust_mean(x, Winsorized { clip: s.clip }, out)),
];

/// The reference: every value is read once, in pieces on all threads.
fn read(x: &[f32]) -> f32 {
    let piece = |piece: &[f32]| {
        let mut sums = [0.0; 64];
        for values in piece.chunks_exact(64) {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        sums.iter().sum::<f32>()
    };
    x.par_chunks(1 << 18).map(piece).sum()
}

/// Compares columns of the coordinate-wise rules with sorting.
fn check(case: Case, x: &[f32], out: &mut [f32]) {
    let Case { n, d, clip, .. } = case;
    for (name, rule) in COORDINATE_WISE {
        rule(case, x, out);
        for j in (0..d).step_by(d / 50) {
            let mut values: Vec<f64> = (0..n).map(|e| f64::from(x[e * d + j])).collect();
            values.sort_by(f64::total_cmp);
            let (low, high) = (values[clip], values[n - 1 - clip]);
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let expected = match name {
                "mean" => mean(&values),
                "median" => mean(&values[(n - 1) / 2..=n / 2]),
                "trimmed" => mean(&values[clip..n - clip]),
                _ => mean(&values.iter().map(|v| v.clamp(low, high)).collect::<Vec<_>>()),
            };
            let scale = values[n - 1].max(-values[0]);
            assert!((f64::from(out[j]) - expected).abs() <= 1e-6 * scale, "{name}, n = {n}, {j}");
        }
    }
}

fn times(c: &mut Criterion) {
    for case in CASES {
        let (x, mut out) = (rows(case.n, case.d), vec![0.0; case.d]);
        check(case, &x, &mut out);
        let mut group = c.benchmark_group(format!("w5 n = {}", case.n));
        time(&mut group, "read once", THREADS, || read(&x));
        for (name, rule) in COORDINATE_WISE {
            time(&mut group, name, THREADS, || rule(case, &x, &mut out));
        }
        let rule = AnyVectorRule::GeometricMedian(GEOMEDIAN);
        let mut scratch = ScratchBuffer::new(rule.scratch_len(case.n, case.d));
        time(&mut group, "geomedian", THREADS, || {
            aggregate_rows(rule, &x, Policy::Error, scratch.as_scratch(), &mut out)
                .expect("a rule that is defined and converges");
        });
        // The row is not copied, because the peers return a view of it as well.
        time(&mut group, "krum", THREADS, || {
            krum(Isa::detect(), &x, case.n, case.faulty).expect("a rule that is defined")
        });
        group.finish();
    }
}

fn pairs(c: &mut Criterion<Ratio>) {
    for case in CASES.into_iter().filter(|case| case.n <= 16) {
        let (x, mut out) = (rows(case.n, case.d), vec![0.0; case.d]);
        let mut group = c.benchmark_group(format!("w5 n = {} ratio", case.n));
        for (name, rule) in COORDINATE_WISE {
            let once = || read(&x);
            let name = format!("{name} to read once");
            ratio(&mut group, &name, || rule(case, &x, &mut out), once);
        }
        group.finish();
    }
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
