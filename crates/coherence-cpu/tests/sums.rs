//! Means of dense rows, bit for bit, against sums in the order of the rows.

mod naive;

use coherence_core::aggregate::{Mean, Trimmed, Winsorized};
use coherence_cpu::{
    Element, Isa,
    dense::{add_dots, add_moments, robust_mean, robust_mean_on},
};
use naive::Rng;

fn plain_mean<T: Element>(rows: &[T], d: usize, j: usize) -> T {
    let column = rows.iter().skip(j).step_by(d);
    let sum = column.fold(0.0, |sum, x| sum + x.widen());
    T::narrow(sum / (rows.len() / d) as f64)
}

#[track_caller]
fn check_means<T: Element>(isa: Isa, rows: &[T], d: usize) {
    let (mut winsorized, mut trimmed) = (vec![T::nan(); d], vec![T::nan(); d]);
    robust_mean_on(isa, rows, Winsorized { clip: 0 }, &mut winsorized);
    robust_mean_on(isa, rows, Trimmed { trim: 0 }, &mut trimmed);
    for out in [winsorized, trimmed] {
        for (j, &out) in out.iter().enumerate() {
            assert_eq!(out, plain_mean(rows, d, j), "{isa:?} d = {d} column {j}");
            assert!(out != T::zero() || out.is_sign_positive(), "-0 in column {j}");
        }
    }
}

#[test]
fn means_are_sums_in_the_order_of_the_rows_on_every_instruction_set() {
    let mut rng = Rng::new(1);
    let few = (1..=5).flat_map(|n| [(n, 33), (n, 1023), (n, 4097)]);
    let narrow = (1..=33).map(|d| (3, d));
    for (n, d) in few.chain(narrow).chain([(16, 2048), (17, 4095), (33, 4097), (100, 300)]) {
        let rows = rng.normals(n * d);
        let wide: Vec<f64> = rows.iter().map(|&x| f64::from(x) / 3.0).collect();
        for &isa in Isa::available() {
            check_means(isa, &rows, d);
            check_means(isa, &wide, d);
        }
    }
}

#[test]
fn a_mean_that_underflows_is_plus_zero() {
    let least = f32::from_bits(1);
    for d in [1, 16, 19] {
        let rows = [vec![-least; d], vec![0.0; 2 * d]].concat();
        for &isa in Isa::available() {
            check_means(isa, &rows, d);
        }
    }
}

/// Sums and squares of columns, added in two parts, are those of a loop over the rows; dots and squared norms of rows
/// have the same bits on every instruction set.
#[test]
fn moments_and_dots_have_the_same_bits_on_every_instruction_set() {
    let mut rng = Rng::new(3);
    for (n, d) in [(1, 1), (5, 7), (9, 1025), (13, 300)] {
        let rows = rng.normals(n * d);
        let with: Vec<f64> = rng.normals(d).into_iter().map(f64::from).collect();
        let column = |j: usize| rows.iter().skip(j).step_by(d).map(|&x| f64::from(x));
        let sums: Vec<f64> = (0..d).map(|j| column(j).fold(0.0, |sum, x| sum + x)).collect();
        let squares: Vec<f64> = (0..d).map(|j| column(j).fold(0.0, |sum, x| sum + x * x)).collect();
        let [_, dots] = naive::assert_same_anywhere(|isa| {
            let mut moments = [vec![0.0; d], vec![0.0; d]];
            let [found_sums, found_squares] = &mut moments;
            let (first, rest) = rows.split_at(n / 2 * d);
            add_moments(isa, first, found_sums, found_squares);
            add_moments(isa, rest, found_sums, found_squares);
            assert!(*found_sums == sums && *found_squares == squares, "{isa:?} {n} × {d}");
            let mut dots = vec![[0.0; 2]; n];
            add_dots(isa, &rows, &with, &mut dots);
            [moments.concat(), dots.concat()]
        });
        for (row, dots) in rows.chunks(d).zip(dots.chunks(2)) {
            let dot: f64 = row.iter().zip(&with).map(|(&x, v)| f64::from(x) * v).sum();
            let square: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
            let error = (dots[0] - dot).abs().max((dots[1] - square).abs());
            assert!(error <= 1e-12 * d as f64, "{n} × {d}: {error}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit_of_a_mean() {
    let mut rng = Rng::new(5);
    for (n, d) in [(3, 100_000), (40, 9001), (1, 20_001)] {
        let rows = rng.normals(n * d);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut outs = [(); 2].map(|()| vec![f32::NAN; d]);
            let [plain, trimmed] = &mut outs;
            pool.install(|| {
                robust_mean(&rows, Mean, plain);
                robust_mean(&rows, Trimmed { trim: 1.min((n - 1) / 2) }, trimmed);
            });
            outs.map(|out| out.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        };
        assert_eq!(on(1), on(2), "{n} × {d}");
    }
}
