//! Products against triple loops in `f64`.

mod naive;

use coherence_cpu::{
    Isa,
    product::{Dims, Output, matmul_nn_on, matmul_nt, matmul_nt_on, matmul_tn_on},
};
use naive::Rng;

type Product = fn(Isa, Dims, &[f32], &[f32], Output, &mut [f32]);

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
    for &isa in Isa::available() {
        for (output, before) in [(Output::Overwrite, f32::NAN), (Output::Add, 3.0)] {
            let mut out = vec![before; want.len()];
            product(isa, dims, l, r, output, &mut out);
            let offset = if output == Output::Add { f64::from(before) } else { 0.0 };
            for (&got, &(sum, scale)) in out.iter().zip(want) {
                let error = (f64::from(got) - sum - offset).abs();
                let far = error > 3e-6 * (scale + offset) || got.is_nan();
                assert!(!far, "{isa:?} {dims:?} {output:?} {got} {sum}");
            }
        }
    }
}

#[test]
fn products_equal_triple_loops() {
    let mut rng = Rng::new(1);
    let sizes = (1..=33).map(|n| (n, 34 - n, n * 7 % 33 + 1));
    let odd = [(1, 1, 1), (16, 64, 48), (5, 0, 3), (0, 4, 3), (100, 256, 10), (130, 257, 170)];
    for (m, i, o) in sizes.chain(odd).chain([(9, 600, 50), (530, 20, 49)]) {
        let dims = Dims { m, i, o };
        let (a, w, delta) = (rng.normals(m * i), rng.normals(o * i), rng.normals(m * o));
        let want = oracle([m, i, o], |e, k| a[e * i + k], |k, j| w[j * i + k]);
        assert_product(matmul_nt_on, dims, &a, &w, &want);
        let want = oracle([m, o, i], |e, j| delta[e * o + j], |j, k| w[j * i + k]);
        assert_product(matmul_nn_on, dims, &delta, &w, &want);
        let want = oracle([o, m, i], |j, e| delta[e * o + j], |e, k| a[e * i + k]);
        assert_product(matmul_tn_on, dims, &delta, &a, &want);
    }
}

/// An element does not depend on its neighbours, so that threads and batches do not matter.
#[test]
fn rows_of_a_product_are_bit_for_bit_products_of_rows() {
    let mut rng = Rng::new(3);
    let dims = Dims { m: 21, i: 300, o: 37 };
    let (a, w) = (rng.normals(dims.m * dims.i), rng.normals(dims.o * dims.i));
    for &isa in Isa::available() {
        let mut whole = vec![0.0f32; dims.m * dims.o];
        matmul_nt_on(isa, dims, &a, &w, Output::Overwrite, &mut whole);
        for (a, whole) in a.chunks_exact(dims.i).zip(whole.chunks_exact(dims.o)) {
            let mut row = vec![0.0f32; dims.o];
            matmul_nt_on(isa, Dims { m: 1, ..dims }, a, &w, Output::Overwrite, &mut row);
            assert_eq!(row, whole, "{isa:?}");
        }
    }
}

#[test]
fn vector_instruction_sets_agree_to_the_bit() {
    let mut rng = Rng::new(4);
    let dims = Dims { m: 27, i: 290, o: 53 };
    let (a, w) = (rng.normals(dims.m * dims.i), rng.normals(dims.o * dims.i));
    let vectors = Isa::available().iter().filter(|&&isa| isa != Isa::Portable);
    let results: Vec<Vec<f32>> = vectors
        .map(|&isa| {
            let mut out = vec![0.0; dims.m * dims.o];
            matmul_nt_on(isa, dims, &a, &w, Output::Overwrite, &mut out);
            out
        })
        .collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut rng = Rng::new(2);
    let dims = Dims { m: 100, i: 400, o: 256 };
    let (a, w) = (rng.normals(dims.m * dims.i), rng.normals(dims.o * dims.i));
    let [one, others @ ..] = [1, 2, 3, 7].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut out = vec![0.0f32; dims.m * dims.o];
        pool.install(|| matmul_nt(dims, &a, &w, Output::Overwrite, &mut out));
        out
    });
    assert!(others.iter().all(|other| *other == one));
}

/// The chain that defines an element: fused multiply-adds in the order of `inner` within blocks of 256
/// terms, each block's sum added to those before.
fn chain(terms: impl ExactSizeIterator<Item = (f32, f32)>, before: Option<f32>) -> f32 {
    let terms: Vec<(f32, f32)> = terms.collect();
    let sums = terms.chunks(256).map(|block| block.iter().fold(0.0, |s, &(l, r)| l.mul_add(r, s)));
    before.into_iter().chain(sums).reduce(|out, sum| out + sum).unwrap_or(0.0)
}

/// Each element of the three products is [`chain`] on every instruction set with fused multiply-adds.
fn assert_chains(dims: Dims, a: &[f32], w: &[f32], delta: &[f32]) {
    let Dims { m, i, o } = dims;
    let is_same = |got: f32, want: f32| got == want || got.is_nan() && want.is_nan();
    for &isa in Isa::available().iter().filter(|&&isa| isa != Isa::Portable) {
        for (output, before) in [(Output::Overwrite, None), (Output::Add, Some(3.0))] {
            let product = |product: Product, l: &[f32], r: &[f32], len| {
                let mut out = vec![before.unwrap_or(f32::NAN); len];
                product(isa, dims, l, r, output, &mut out);
                out
            };
            let [nt, nn, tn] = [
                product(matmul_nt_on, a, w, m * o),
                product(matmul_nn_on, delta, w, m * i),
                product(matmul_tn_on, delta, a, o * i),
            ];
            for (n, &got) in nt.iter().enumerate() {
                let (e, j) = (n / o, n % o);
                let want = chain((0..i).map(|k| (a[e * i + k], w[j * i + k])), before);
                assert!(is_same(got, want), "nt {isa:?} {dims:?} {output:?} {n}: {got} {want}");
            }
            for (n, &got) in nn.iter().enumerate() {
                let (e, k) = (n / i, n % i);
                let want = chain((0..o).map(|j| (delta[e * o + j], w[j * i + k])), before);
                assert!(is_same(got, want), "nn {isa:?} {dims:?} {output:?} {n}: {got} {want}");
            }
            for (n, &got) in tn.iter().enumerate() {
                let (j, k) = (n / i, n % i);
                let want = chain((0..m).map(|e| (delta[e * o + j], a[e * i + k])), before);
                assert!(is_same(got, want), "tn {isa:?} {dims:?} {output:?} {n}: {got} {want}");
            }
        }
    }
}

/// Left factors read in place and packed (their columns up to 1.2 KiB and 16 KiB apart), whole and broken
/// panels and tiles, one block of depth and several.
#[test]
fn an_element_is_one_chain_of_fused_additions_cut_every_256_terms() {
    let mut rng = Rng::new(5);
    for (m, i, o) in [(100, 70, 300), (259, 33, 300), (517, 50, 131), (13, 515, 40), (40, 17, 4096)]
    {
        let (a, w, delta) = (rng.normals(m * i), rng.normals(o * i), rng.normals(m * o));
        assert_chains(Dims { m, i, o }, &a, &w, &delta);
    }
}

/// Zeros in stretches of columns that differ from row to row, as an image's background; some are −0.
fn background(rng: &mut Rng, [rows, cols]: [usize; 2]) -> Vec<f32> {
    let mut values = rng.normals(rows * cols);
    for (e, row) in values.chunks_exact_mut(cols).enumerate() {
        for (k, x) in row.iter_mut().enumerate() {
            if (k / 19 + e / 31) % 3 != 0 {
                *x = if (k + e) % 5 == 0 { -0.0 } else { 0.0 };
            }
        }
    }
    values
}

/// Terms of a tile that are all zero are left out, in all three products: nothing is seen of it, with more
/// blocks of depth than one, broken tiles and an infinite or NaN factor of zeros, either.
#[test]
fn zeros_left_out_change_no_element() {
    let mut rng = Rng::new(6);
    for (m, i, o) in [(100, 784, 96), (517, 143, 131), (49, 300, 64), (23, 70, 300)] {
        let dims = Dims { m, i, o };
        let (a, mut w) = (background(&mut rng, [m, i]), rng.normals(o * i));
        let mut delta = background(&mut rng, [m, o]);
        assert_chains(dims, &a, &w, &delta);
        w[(o - 1) * i + i / 2] = f32::INFINITY;
        delta[(m - 1) * o + 3] = f32::NAN;
        assert_chains(dims, &a, &w, &delta);
    }
}
