//! Steps along robust gradients against the materialised products.

mod naive;

use coherence_core::aggregate::Winsorized;
use coherence_cpu::{
    Element, Isa,
    outer::{median_of_sums_step_on, robust_mean_on, robust_step_on},
    product::Dims,
};
use naive::{Rng, products};

/// Sizes on both sides of a block's rows and columns, and of a panel's depth.
const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [2, 3, 1],
    [7, 15, 33],
    [9, 193, 2],
    [20, 49, 129],
    [100, 40, 24],
    [34, 400, 5],
    [300, 17, 131],
    [800, 7, 9],
];

/// The median over groups of the sums of the examples' values, and the sum of all absolute values.
fn median_of_sums(values: &[f64], groups: usize) -> (f64, f64) {
    let mut sums = Vec::new();
    let (mut at, m) = (0, values.len());
    for group in 0..groups {
        let size = m / groups + usize::from(group < m % groups);
        sums.push(values[at..at + size].iter().sum::<f64>());
        at += size;
    }
    sums.sort_by(f64::total_cmp);
    let middle = (sums[(groups - 1) / 2] + sums[groups / 2]) / 2.0;
    (middle, values.iter().map(|v| v.abs()).sum())
}

fn check<T: Element>(isa: Isa, [m, i, o]: [usize; 3], tolerance: f64) {
    let dims = Dims { m, i, o };
    let mut rng = Rng::new((m + i + o) as u64);
    let mut numbers =
        |len| -> Vec<T> { rng.normals(len).into_iter().map(|x| T::narrow(f64::from(x))).collect() };
    let (a, delta, before) = (numbers(m * i), numbers(m * o), numbers(o * i));
    for groups in [1, 2, 3, 4, 5, 17, 100].into_iter().filter(|&groups| groups <= m) {
        let mut weight = before.clone();
        let rate = T::narrow(0.25);
        median_of_sums_step_on(isa, dims, &a, &delta, groups, rate, &mut weight);
        for (at, (after, before)) in weight.iter().zip(&before).enumerate() {
            let (median, scale) = median_of_sums(&products(dims, &a, &delta, at), groups);
            let error = (after.widen() - (before.widen() - 0.25 * median)).abs();
            let bound = tolerance * (scale + before.widen().abs());
            assert!(error <= bound, "{isa:?} {dims:?} {groups} groups at {at}: {error}");
        }
    }
}

#[test]
fn a_step_along_groups_takes_the_median_of_their_sums() {
    for size in SIZES {
        for &isa in Isa::available() {
            check::<f32>(isa, size, 1e-6);
        }
        check::<f64>(Isa::Portable, size, 1e-14);
    }
}

#[test]
fn a_winsorised_step_is_the_mean_and_then_the_step() {
    let mut rng = Rng::new(1);
    for [m, i, o] in SIZES {
        let dims = Dims { m, i, o };
        let (a, delta, before) = (rng.normals(m * i), rng.normals(m * o), rng.normals(o * i));
        for &isa in Isa::available() {
            let step = |clip| {
                let (mut mean, mut weight) = (vec![0.0; o * i], before.clone());
                robust_mean_on(isa, dims, &a, &delta, Winsorized { clip }, &mut mean);
                robust_step_on(isa, dims, &a, &delta, Winsorized { clip }, 0.25, &mut weight);
                let expected = before.iter().zip(mean).map(|(before, mean)| before - 0.25 * mean);
                (weight, expected.collect::<Vec<f32>>())
            };
            for clip in [1, 2, 5, m / 2].into_iter().filter(|clip| 1 <= *clip && 2 * clip <= m) {
                let (weight, expected) = step(clip);
                assert!(weight == expected, "{isa:?} {dims:?} clip {clip}");
            }
            let (weight, expected) = step(0);
            for (at, ((after, expected), before)) in
                weight.iter().zip(expected).zip(&before).enumerate()
            {
                let error = (after - expected).abs();
                assert!(error <= 1e-6 * (1.0 + before.abs()), "{isa:?} {dims:?} at {at}: {error}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit_of_a_step() {
    let (dims, mut rng) = (Dims { m: 100, i: 300, o: 270 }, Rng::new(2));
    let (a, delta) = (rng.normals(dims.m * dims.i), rng.normals(dims.m * dims.o));
    let before = rng.normals(dims.o * dims.i);
    for groups in [1, 3, 10] {
        let [one, two] = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut weight = before.clone();
            let isa = Isa::detect();
            pool.install(|| {
                median_of_sums_step_on(isa, dims, &a, &delta, groups, 0.1, &mut weight);
            });
            weight
        });
        assert_eq!(one, two, "{groups} groups");
    }
}
