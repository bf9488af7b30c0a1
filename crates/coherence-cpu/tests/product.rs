//! Products against triple loops in `f64`.

mod naive;

use coherence_cpu::product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn};
use naive::Rng;

type Product = fn(Dims, &[f32], &[f32], Output, &mut [f32]);

/// `out[r, c] += Σ_k left(r, k) right(k, c)` and the scale Σ|left · right| of each.
fn oracle(
    [rows, inner, cols]: [usize; 3],
    left: impl Fn(usize, usize) -> f32,
    right: impl Fn(usize, usize) -> f32,
) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for r in 0..rows {
        for c in 0..cols {
            let terms = (0..inner).map(|k| f64::from(left(r, k)) * f64::from(right(k, c)));
            out.push(terms.fold((0.0, 0.0), |(sum, scale), t| (sum + t, scale + t.abs())));
        }
    }
    out
}

fn assert_product(product: Product, dims: Dims, l: &[f32], r: &[f32], want: &[(f64, f64)]) {
    for (output, before) in [(Output::Overwrite, f32::NAN), (Output::Add, 3.0)] {
        let mut out = vec![before; want.len()];
        product(dims, l, r, output, &mut out);
        let offset = if output == Output::Add { f64::from(before) } else { 0.0 };
        for (&got, &(sum, scale)) in out.iter().zip(want) {
            let error = (f64::from(got) - sum - offset).abs();
            assert!(error <= 3e-6 * (scale + offset), "{dims:?} {output:?} {got} {sum}");
        }
    }
}

#[test]
fn products_equal_triple_loops() {
    let mut rng = Rng::new(1);
    let small =
        [(1, 1, 1), (2, 3, 5), (7, 16, 33), (17, 1, 31), (33, 31, 1), (16, 64, 48), (5, 0, 3)];
    for (m, i, o) in small.into_iter().chain([(100, 256, 10), (130, 150, 170)]) {
        let dims = Dims { m, i, o };
        let (a, w, delta) = (rng.normals(m * i), rng.normals(o * i), rng.normals(m * o));
        let want = oracle([m, i, o], |e, k| a[e * i + k], |k, j| w[j * i + k]);
        assert_product(matmul_nt, dims, &a, &w, &want);
        let want = oracle([m, o, i], |e, j| delta[e * o + j], |j, k| w[j * i + k]);
        assert_product(matmul_nn, dims, &delta, &w, &want);
        let want = oracle([o, m, i], |j, e| delta[e * o + j], |e, k| a[e * i + k]);
        assert_product(matmul_tn, dims, &delta, &a, &want);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut rng = Rng::new(2);
    let dims = Dims { m: 100, i: 400, o: 256 };
    let (a, w) = (rng.normals(dims.m * dims.i), rng.normals(dims.o * dims.i));
    let [one, two] = [1, 2].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut out = vec![0.0f32; dims.m * dims.o];
        pool.install(|| matmul_nt(dims, &a, &w, Output::Overwrite, &mut out));
        out
    });
    assert_eq!(one, two);
}
