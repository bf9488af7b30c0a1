//! Instructions of the kernels for one layer, 784 × 256, batch 100, counted by gungraun under valgrind:
//! exact, unlike times.
//!
//! Valgrind hides AVX-512 from programs, so that the AVX2 path is counted, on one thread.

#![allow(missing_docs, reason = "gungraun's macros generate modules and functions")]

use coherence_benches::normals;
use coherence_core::aggregate::Winsorized;
use coherence_cpu::{
    outer::{robust_mean, sq_norms},
    product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn},
};
use gungraun::{library_benchmark, library_benchmark_group, main};
use rayon::{ThreadPool, ThreadPoolBuilder};

const DIMS: Dims = Dims { m: 100, i: 784, o: 256 };

/// A layer's factors, a buffer for every result, and a pool of only the calling thread.
struct Layer {
    a: Vec<f32>,
    delta: Vec<f32>,
    weight: Vec<f32>,
    clip: usize,
    /// Kept alive so that the calling thread stays the pool.
    _pool: ThreadPool,
}

fn layer(clip: usize) -> Layer {
    let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    Layer {
        a: normals(1, DIMS.m * DIMS.i),
        delta: normals(2, DIMS.m * DIMS.o),
        weight: normals(3, DIMS.o * DIMS.i),
        clip,
        _pool: pool.build().expect("a pool of this thread"),
    }
}

#[library_benchmark]
#[bench::c1(args = (1), setup = layer)]
#[bench::c2(args = (2), setup = layer)]
#[bench::c4(args = (4), setup = layer)]
#[bench::c8(args = (8), setup = layer)]
#[bench::median(args = (50), setup = layer)]
fn winsorized(mut layer: Layer) -> Layer {
    robust_mean(DIMS, &layer.a, &layer.delta, Winsorized { clip: layer.clip }, &mut layer.weight);
    layer
}

#[library_benchmark]
#[bench::layer(args = (0), setup = layer)]
fn forward(mut layer: Layer) -> Layer {
    matmul_nt(DIMS, &layer.a, &layer.weight, Output::Overwrite, &mut layer.delta);
    layer
}

#[library_benchmark]
#[bench::layer(args = (0), setup = layer)]
fn backward(mut layer: Layer) -> Layer {
    matmul_nn(DIMS, &layer.delta, &layer.weight, Output::Overwrite, &mut layer.a);
    layer
}

#[library_benchmark]
#[bench::layer(args = (0), setup = layer)]
fn gradient(mut layer: Layer) -> Layer {
    matmul_tn(DIMS, &layer.delta, &layer.a, Output::Overwrite, &mut layer.weight);
    layer
}

#[library_benchmark]
#[bench::layer(args = (0), setup = layer)]
fn ghost_norms(layer: Layer) -> (Layer, [f64; DIMS.m]) {
    let mut norms = [0.0; DIMS.m];
    sq_norms(DIMS, &layer.a, &layer.delta, &mut norms);
    (layer, norms)
}

library_benchmark_group!(
    name = kernels,
    benchmarks = [winsorized, forward, backward, gradient, ghost_norms]
);

main!(library_benchmark_groups = kernels);
