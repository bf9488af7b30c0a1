//! The Gram matrix of dense rows against plain dots.

mod naive;

use coherence_cpu::{Element, Isa, dense::gram_on};
use naive::Rng;

/// Up to one tile of rows and several bands of tiles; few columns, and passes that end before, at and
/// after the end of a vector.
fn shapes() -> impl Iterator<Item = (usize, usize)> {
    let widths = (1..=33).chain([383, 384, 385, 767, 1023, 1024, 1025, 4097]);
    let few = widths.flat_map(|d| (1..=5).map(move |n| (n, d)));
    few.chain([(12, 50), (13, 385), (33, 1025), (40, 20_000), (101, 400)])
}

/// `gram` of `rows` is symmetric and within `tolerance` ‖x_e‖ ‖x_f‖ of each dot.
#[track_caller]
fn check<T: Element>(isa: Isa, rows: &[T], n: usize, tolerance: f64) {
    let d = rows.len() / n;
    let g = gram_on(isa, rows, n);
    assert_eq!(g.len(), n * n);
    let dot = |e: usize, f: usize| -> f64 {
        (0..d).map(|j| rows[e * d + j].widen() * rows[f * d + j].widen()).sum()
    };
    let norms: Vec<f64> = (0..n).map(|e| dot(e, e).sqrt()).collect();
    for e in 0..n {
        for f in 0..=e {
            let error = (g[e * n + f] - dot(e, f)).abs();
            assert!(error <= tolerance * norms[e] * norms[f], "{isa:?} {n} × {d}: {e} {f} {error}");
            assert_eq!(g[e * n + f], g[f * n + e]);
        }
    }
}

#[test]
fn the_gram_matrix_holds_all_dots_on_every_instruction_set() {
    let mut rng = Rng::new(2);
    for (n, d) in shapes() {
        let rows = rng.normals(n * d);
        let wide: Vec<f64> = rows.iter().map(|&x| f64::from(x) / 3.0).collect();
        for &isa in Isa::available() {
            check(isa, &rows, n, 1e-6);
            check(isa, &wide, n, 1e-13);
        }
    }
}

#[test]
fn rounding_errors_of_one_sign_stay_within_the_stated_error() {
    let mut rng = Rng::new(3);
    for _ in 0..1000 {
        let (n, d) = (2, 384);
        let value = 1.0 + rng.uniform() as f32;
        for &isa in Isa::available() {
            check(isa, &vec![value; n * d], n, 3e-6);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit_of_the_gram_matrix() {
    let mut rng = Rng::new(4);
    for (n, d) in [(3, 100_000), (15, 30_001), (33, 5000)] {
        let rows = rng.normals(n * d);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| gram_on(Isa::detect(), &rows, n))
        };
        assert_eq!(on(1), on(2), "{n} × {d}");
    }
}
