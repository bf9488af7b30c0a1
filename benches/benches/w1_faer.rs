//! W1 compared with its matrix products by faer, the fastest of another library.

use coherence_benches::{OURS, Product, Products, Ratio, THREADS, plain_to_products, ratios, time};
use coherence_cpu::product::{Dims, Output};
use criterion::{Criterion, criterion_group, criterion_main};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

const FAER: [Product; 3] = [
    |Dims { m, i, o }, a, w, output, out| {
        faer(rows(a, m, i), rows(w, o, i).transpose(), output, out);
    },
    |Dims { m, i, o }, delta, w, output, out| {
        faer(rows(delta, m, o), rows(w, o, i), output, out);
    },
    |Dims { m, i, o }, delta, a, output, out| {
        faer(rows(delta, m, o).transpose(), rows(a, m, i), output, out);
    },
];

fn rows(x: &[f32], rows: usize, cols: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(x, rows, cols)
}

fn faer(left: MatRef<'_, f32>, right: MatRef<'_, f32>, output: Output, out: &mut [f32]) {
    let out = MatMut::from_row_major_slice_mut(out, left.nrows(), right.ncols());
    let accum = if output == Output::Add { Accum::Add } else { Accum::Replace };
    matmul(out, accum, left, right, 1.0, Par::rayon(THREADS));
}

/// Both libraries' logits and first deltas.
fn check() {
    let [ours, faer] = [OURS, FAER].map(|by| {
        let mut products = Products::new();
        products.run(by);
        products.results().map(<[f32]>::to_vec)
    });
    for (ours, faer) in ours.iter().zip(&faer) {
        let largest = ours.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let near = |(x, y): (&f32, &f32)| (x - y).abs() <= 1e-4 * largest;
        assert!(ours.iter().zip(faer).all(near), "our products differ from those of faer");
    }
}

fn times(c: &mut Criterion) {
    check();
    let mut products = Products::new();
    let mut group = c.benchmark_group("w1");
    time(&mut group, "products alone by faer", THREADS, || products.run(FAER));
    group.finish();
}

fn pairs(c: &mut Criterion<Ratio>) {
    plain_to_products(c, "plain step to products alone by faer", FAER);
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
