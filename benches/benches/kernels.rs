//! The selection kernels on each instruction set: one layer, 784 × 256, batch 100, no zeros.

use coherence_benches::{THREADS, normals, time};
use coherence_core::aggregate::Winsorized;
use coherence_cpu::{Isa, outer::robust_mean_on, product::Dims};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn selections(c: &mut Criterion) {
    let dims = Dims { m: 100, i: 784, o: 256 };
    let (a, delta) = (normals(1, dims.m * dims.i), normals(2, dims.m * dims.o));
    let mut portable = vec![0.0; dims.o * dims.i];
    let mut out = portable.clone();
    let mut group = c.benchmark_group("kernels");
    group.throughput(Throughput::Elements((dims.m * dims.i * dims.o) as u64));
    for clip in [1, 2, 4, 8, 16, 50] {
        robust_mean_on(Isa::Portable, dims, &a, &delta, Winsorized { clip }, &mut portable);
        for &isa in Isa::available() {
            robust_mean_on(isa, dims, &a, &delta, Winsorized { clip }, &mut out);
            assert_eq!(portable, out, "{isa:?}");
            time(&mut group, &format!("winsorized by c, {isa:?}/{clip}"), THREADS, || {
                robust_mean_on(isa, dims, &a, &delta, Winsorized { clip }, &mut out);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, selections);
criterion_main!(benches);
