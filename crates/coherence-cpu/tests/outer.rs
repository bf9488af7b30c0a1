//! Robust means of outer products against sorting and clipping the materialised products.

mod naive;

use coherence_core::aggregate::{Requirements, Trimmed, Winsorized};
use coherence_cpu::{
    Isa,
    outer::{robust_mean_on, sq_norms_on},
    product::Dims,
};
use naive::{Rng, assert_same_mean, products, trimmed, winsorized};

/// Sizes that leave remainders on every vector and block width.
const SIZES: [(usize, usize, usize); 14] = [
    (1, 1, 1),
    (2, 3, 1),
    (3, 1, 5),
    (4, 2, 17),
    (5, 16, 16),
    (7, 15, 33),
    (8, 33, 15),
    (9, 31, 2),
    (16, 17, 31),
    (17, 5, 47),
    (31, 9, 20),
    (33, 64, 8),
    (100, 40, 24),
    (257, 3, 18),
];

fn clips(m: usize) -> Vec<usize> {
    let mut clips = vec![0, 1, 2, 3, 4, 5, 8, 9, 15, m / 4, m / 2 - m / 2 % 2, m / 2];
    clips.retain(|clip| 2 * clip <= m);
    clips.sort_unstable();
    clips.dedup();
    clips
}

/// Factors with different shares of zeros, ties and extreme values.
fn factor(rng: &mut Rng, len: usize, kind: usize) -> Vec<f32> {
    (0..len)
        .map(|_| match kind {
            0 => rng.normal(),
            1 => [0.0, rng.normal()][usize::from(rng.below(5) == 0)],
            2 => [-1.0, -0.0, 0.0, 1.0, 2.0][rng.below(5)],
            3 => rng.normal() * 1e-30,
            4 => rng.normal() * 1e18,
            5 => 0.0,
            _ => rng.normal().max(0.0),
        })
        .collect()
}

fn check(isa: Isa, dims: Dims, a: &[f32], delta: &[f32]) {
    let mut out = vec![f32::NAN; dims.o * dims.i];
    for clip in clips(dims.m) {
        robust_mean_on(isa, dims, a, delta, Winsorized { clip }, &mut out);
        let context = format!("{isa:?} {dims:?} clip {clip}");
        for (at, &got) in out.iter().enumerate() {
            let values = products(dims, a, delta, at);
            assert_same_mean(got, &winsorized(values, clip), &context);
        }
        if 2 * clip == dims.m {
            continue; // no values would be left
        }
        robust_mean_on(isa, dims, a, delta, Trimmed { trim: clip }, &mut out);
        for (at, &got) in out.iter().enumerate() {
            let values = products(dims, a, delta, at);
            assert_same_mean(got, &trimmed(values, clip), &context);
        }
    }
}

#[test]
fn robust_means_equal_sort_and_clip_on_every_instruction_set() {
    let mut rng = Rng::new(1);
    for (m, i, o) in SIZES {
        for kind in 0..7 {
            let dims = Dims { m, i, o };
            let a = factor(&mut rng, m * i, kind);
            let delta = factor(&mut rng, m * o, [0, 6, 2, 3, 0, 0, 1][kind]);
            for &isa in Isa::available() {
                check(isa, dims, &a, &delta);
            }
        }
    }
}

/// The panic message of `f`.
fn panic_of(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(f).expect_err("a panic");
    *panic.downcast().expect("a message")
}

#[test]
fn too_few_examples_for_a_rule_panic_with_the_cores_error() {
    let dims = Dims { m: 4, i: 1, o: 1 };
    let winsorized = |clip| {
        panic_of(move || {
            robust_mean_on(
                Isa::detect(),
                dims,
                &[1.0f32; 4],
                &[1.0; 4],
                Winsorized { clip },
                &mut [0.0],
            )
        })
    };
    let trimmed = |trim| {
        panic_of(move || {
            robust_mean_on(
                Isa::detect(),
                dims,
                &[1.0f32; 4],
                &[1.0; 4],
                Trimmed { trim },
                &mut [0.0],
            )
        })
    };
    for clip in [3, 4, usize::MAX] {
        let error = Winsorized { clip }.check(4).expect_err("2 clip > m");
        assert_eq!(winsorized(clip), error.to_string());
    }
    for trim in [2, 3, usize::MAX] {
        let error = Trimmed { trim }.check(4).expect_err("2 trim >= m");
        assert_eq!(trimmed(trim), error.to_string());
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let mut rng = Rng::new(2);
    let dims = Dims { m: 50, i: 37, o: 29 };
    let a = factor(&mut rng, dims.m * dims.i, 6);
    let delta = factor(&mut rng, dims.m * dims.o, 0);
    for clip in [1, 2, 4, 8, 12, 25] {
        let results: Vec<Vec<u32>> = Isa::available()
            .iter()
            .map(|&isa| {
                let mut out = vec![0.0f32; dims.o * dims.i];
                robust_mean_on(isa, dims, &a, &delta, Winsorized { clip }, &mut out);
                out.iter().map(|x| x.to_bits()).collect()
            })
            .collect();
        assert!(results.iter().all(|bits| *bits == results[0]), "clip {clip}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut rng = Rng::new(3);
    let dims = Dims { m: 100, i: 150, o: 70 };
    let a = factor(&mut rng, dims.m * dims.i, 6);
    let delta = factor(&mut rng, dims.m * dims.o, 0);
    for clip in [0, 2, 50] {
        let [one, two] = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![0.0f32; dims.o * dims.i];
            pool.install(|| {
                robust_mean_on(Isa::detect(), dims, &a, &delta, Winsorized { clip }, &mut out)
            });
            out
        });
        assert_eq!(one, two, "clip {clip}");
    }
}

#[test]
fn f64_robust_means_equal_sort_and_clip() {
    let mut rng = Rng::new(4);
    let dims = Dims { m: 21, i: 9, o: 11 };
    let wide = |v: Vec<f32>| v.into_iter().map(f64::from).collect::<Vec<_>>();
    let a = wide(factor(&mut rng, dims.m * dims.i, 6));
    let delta = wide(factor(&mut rng, dims.m * dims.o, 0));
    let mut out = vec![0.0f64; dims.o * dims.i];
    for clip in [0, 1, 3, 10] {
        robust_mean_on(Isa::Portable, dims, &a, &delta, Winsorized { clip }, &mut out);
        for (at, &got) in out.iter().enumerate() {
            let want = winsorized(products(dims, &a, &delta, at), clip);
            assert!((got - want.mean).abs() <= 1e-14 * want.scale, "{got} {want:?}");
        }
    }
}

#[test]
fn squared_norms_are_those_of_the_materialised_products() {
    let mut rng = Rng::new(5);
    for (m, i, o) in SIZES {
        let dims = Dims { m, i, o };
        let a = factor(&mut rng, m * i, 6);
        let delta = factor(&mut rng, m * o, 0);
        let squared = |e: usize| -> f64 {
            let (a, delta) = (&a[e * i..][..i], &delta[e * o..][..o]);
            let products =
                a.iter().flat_map(|x| delta.iter().map(|y| f64::from(*x) * f64::from(*y)));
            products.map(|product| product.powi(2)).sum()
        };
        for &isa in Isa::available() {
            let mut got = vec![1.0; m];
            sq_norms_on(isa, dims, &a, &delta, &mut got);
            for (e, got) in got.into_iter().enumerate() {
                let want = 1.0 + squared(e);
                assert!((got - want).abs() <= 1e-12 * want, "{isa:?} {dims:?} {got} {want}");
            }
        }
    }
}
