//! W1: a plain SGD step, MLP 784–256–256–256–10, batch 100, compared with only its matrix products,
//! with the fastest products of another library and with ours.

use coherence_benches::{BATCH, RATE, SMALL, THREADS, normals, ratio, ratios, step, time, trainer};
use coherence_cpu::product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn};
use coherence_train::{Aggregation, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

/// A product: sizes, left factor, right factor, whether to add or overwrite, result.
type Product = fn(Dims, &[f32], &[f32], Output, &mut [f32]);

/// The products of the forward pass, of the deltas, and of the gradient.
const OURS: [Product; 3] = [matmul_nt, matmul_nn, matmul_tn];

/// The same with `faer`.
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

/// The eleven products of a step in order, on buffers of a step's sizes, with nothing in between.
struct Products {
    /// The input of each layer, then the logits.
    activations: Vec<Vec<f32>>,
    /// The deltas of these.
    deltas: Vec<Vec<f32>>,
    weights: Vec<Vec<f32>>,
}

impl Products {
    fn new() -> Self {
        let buffers = |scale: f32| {
            let buffer = |width| normals(1, BATCH * width).iter().map(|x| scale * x).collect();
            SMALL.map(buffer).into()
        };
        let weights = SMALL.windows(2).map(|widths| normals(2, widths[0] * widths[1])).collect();
        // Deltas so small that the weights do not change.
        Self { activations: buffers(1.0), deltas: buffers(1e-20), weights }
    }

    fn run(&mut self, [forward, backward, gradient]: [Product; 3]) {
        let Self { activations, deltas, weights } = self;
        let dims = |l: usize| Dims { m: BATCH, i: SMALL[l], o: SMALL[l + 1] };
        for (l, weight) in weights.iter().enumerate() {
            let (a, out) = activations.split_at_mut(l + 1);
            forward(dims(l), &a[l], weight, Output::Overwrite, &mut out[0]);
        }
        for l in (1..weights.len()).rev() {
            let (out, delta) = deltas.split_at_mut(l + 1);
            backward(dims(l), &delta[0], &weights[l], Output::Overwrite, &mut out[l]);
        }
        for (l, weight) in weights.iter_mut().enumerate() {
            gradient(dims(l), &deltas[l + 1], &activations[l], Output::Add, weight);
        }
    }
}

fn plain() -> Trainer {
    let mut trainer = trainer(&SMALL, [10_000, BATCH], Aggregation::Mean, RATE);
    let before = trainer.model().parameters().to_vec();
    step(&mut trainer);
    assert_ne!(before, trainer.model().parameters(), "a step must change the parameters");
    trainer
}

/// Both libraries' logits and first deltas.
fn check() {
    let [ours, faer] = [OURS, FAER].map(|by| {
        let mut products = Products::new();
        products.run(by);
        let Products { mut activations, mut deltas, .. } = products;
        [activations.swap_remove(4), deltas.swap_remove(1)]
    });
    for (ours, faer) in ours.iter().zip(&faer) {
        let largest = ours.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let near = |(x, y): (&f32, &f32)| (x - y).abs() <= 1e-4 * largest;
        assert!(ours.iter().zip(faer).all(near), "our products differ from those of faer");
    }
}

fn times(c: &mut Criterion) {
    check();
    let (mut trainer, mut products) = (plain(), Products::new());
    let mut group = c.benchmark_group("w1");
    time(&mut group, "plain step", THREADS, || step(&mut trainer));
    time(&mut group, "products alone", THREADS, || products.run(OURS));
    time(&mut group, "products alone by faer", THREADS, || products.run(FAER));
    group.finish();
}

fn pairs(c: &mut Criterion<coherence_benches::Ratio>) {
    let (mut trainer, mut products) = (plain(), Products::new());
    let mut group = c.benchmark_group("w1 ratio");
    for (name, by) in [("products alone", OURS), ("products alone by faer", FAER)] {
        let name = format!("plain step to {name}");
        ratio(&mut group, &name, || step(&mut trainer), || products.run(by));
    }
    group.finish();
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
