//! Robust means of dense matrices against sorting each column.

mod naive;

use coherence_core::aggregate::{Median, Trimmed, Winsorized};
use coherence_cpu::{Isa, dense::robust_mean_on};
use naive::{Rng, assert_same_mean, median, trimmed, winsorized};

fn matrix(rng: &mut Rng, len: usize, kind: usize) -> Vec<f32> {
    let subnormal = f32::from_bits(1);
    (0..len)
        .map(|_| match kind {
            0 => rng.normal(),
            1 => [-1.0, -0.0, 0.0, 1.0][rng.below(4)],
            2 => subnormal * (rng.below(9) as f32 - 4.0),
            3 => [f32::MAX, f32::MIN, 1.0, 0.5 * f32::MAX][rng.below(4)],
            _ => 0.0,
        })
        .collect()
}

fn check(isa: Isa, rows: &[f32], n: usize, d: usize) {
    let column = |j: usize| -> Vec<f64> { (0..n).map(|e| f64::from(rows[e * d + j])).collect() };
    let mut out = vec![f32::NAN; d];
    for clip in [0, 1, 2, 4, 7, 8, 9, n / 2].into_iter().filter(|clip| 2 * clip <= n) {
        let context = format!("{isa:?} {n} × {d} clip {clip}");
        robust_mean_on(isa, rows, Winsorized { clip }, &mut out);
        (0..d).for_each(|j| assert_same_mean(out[j], &winsorized(column(j), clip), &context));
        if 2 * clip == n {
            continue; // no values would be left
        }
        robust_mean_on(isa, rows, Trimmed { trim: clip }, &mut out);
        (0..d).for_each(|j| assert_same_mean(out[j], &trimmed(column(j), clip), &context));
    }
    robust_mean_on(isa, rows, Median, &mut out);
    (0..d)
        .for_each(|j| assert_same_mean(out[j], &median(column(j)), &format!("{isa:?} {n} × {d}")));
}

#[test]
fn robust_means_equal_a_sort_of_each_column_on_every_instruction_set() {
    let mut rng = Rng::new(1);
    for n in (1..=33).chain([64, 100, 129, 1000]) {
        let d = if n > 500 { 3 } else { 1 + rng.below(40) };
        for kind in 0..5 {
            let rows = matrix(&mut rng, n * d, kind);
            for &isa in Isa::available() {
                check(isa, &rows, n, d);
            }
        }
    }
}

#[test]
fn many_blocks_of_columns_equal_few() {
    let mut rng = Rng::new(2);
    let (n, d) = (100, 5000);
    let rows = rng.normals(n * d);
    let mut out = vec![0.0; d];
    robust_mean_on(Isa::detect(), &rows, Winsorized { clip: 8 }, &mut out);
    for j in (0..d).step_by(97).chain([d - 1]) {
        let column = (0..n).map(|e| f64::from(rows[e * d + j])).collect();
        assert_same_mean(out[j], &winsorized(column, 8), "many blocks");
    }
}

/// The last vector of a block has unused lanes beside the used ones.
#[test]
fn earlier_computations_change_no_bit() {
    let (n, d) = (100, 5);
    let mut rng = Rng::new(4);
    let rows = rng.normals(n * d);
    let mean = || {
        let mut out = vec![0.0; d];
        robust_mean_on(Isa::detect(), &rows, Winsorized { clip: 2 }, &mut out);
        out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let first = mean();
    let mut out = vec![0.0; 16];
    robust_mean_on(Isa::detect(), &vec![f32::MAX; n * 16], Winsorized { clip: 2 }, &mut out);
    assert_eq!(mean(), first);
}
