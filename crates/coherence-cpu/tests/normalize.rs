//! Normalisation against naive loops, finite differences and torch.

mod golden;
mod naive;

use coherence_cpu::{
    Element, Isa,
    normalize::{Standardization, affine, batch, group, group::Groups, moments, multiply},
    product::Output,
};
use golden::{assert_close, golden, numbers};
use naive::Rng;

const EPSILON: f64 = 1e-3;

fn random<T: Element>(rng: &mut Rng, len: usize) -> Vec<T> {
    rng.normals(len).into_iter().map(|x| T::narrow(f64::from(x))).collect()
}

fn wide<T: Element>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.widen()).collect()
}

/// x̂, given for every value the set that it is normalised in: mean and variance by two naive passes.
fn standardized(x: &[f64], set: impl Fn(usize) -> usize, epsilon: f64) -> Vec<f64> {
    let sets = (0..x.len()).map(&set).max().map_or(0, |last| last + 1);
    let (mut count, mut mean, mut variance) = (vec![0.0; sets], vec![0.0; sets], vec![0.0; sets]);
    (0..x.len()).for_each(|i| count[set(i)] += 1.0);
    (0..x.len()).for_each(|i| mean[set(i)] += x[i] / count[set(i)]);
    (0..x.len()).for_each(|i| variance[set(i)] += (x[i] - mean[set(i)]).powi(2) / count[set(i)]);
    (0..x.len()).map(|i| (x[i] - mean[set(i)]) / (variance[set(i)] + epsilon).sqrt()).collect()
}

/// Σ δ · y by naive loops, as a function of x.
fn loss(x: &[f64], delta: &[f64], scale: &[f64], set: impl Fn(usize) -> usize) -> f64 {
    let c = scale.len();
    let normalized = standardized(x, set, EPSILON);
    normalized.iter().zip(delta).enumerate().map(|(i, (x, d))| d * scale[i % c] * x).sum()
}

/// The gradient of [`loss`] by central differences.
fn differences(
    x: &[f64],
    delta: &[f64],
    scale: &[f64],
    set: impl Fn(usize) -> usize + Copy,
) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut x = x.to_vec();
    let at = |x: &mut Vec<f64>, i: usize, to: f64| {
        x[i] = to;
        loss(x, delta, scale, set)
    };
    let one = |i: usize| {
        let before = x[i];
        let rise = at(&mut x, i, before + STEP) - at(&mut x, i, before - STEP);
        x[i] = before;
        rise / (2.0 * STEP)
    };
    (0..delta.len()).map(one).collect()
}

fn batch_statistics<T: Element>(isa: Isa, x: &[T], c: usize) -> Standardization {
    let (mut mean, mut variance) = (vec![0.0; c], vec![0.0; c]);
    moments(isa, x, &mut mean, &mut variance);
    Standardization::from_moments(mean, &variance, EPSILON)
}

fn group_statistics<T: Element>(
    isa: Isa,
    groups: Groups,
    x: &[T],
    statistics: usize,
) -> Standardization {
    let (mut mean, mut variance) = (vec![0.0; statistics], vec![0.0; statistics]);
    group::moments(isa, groups, x, &mut mean, &mut variance);
    Standardization::from_moments(mean, &variance, EPSILON)
}

/// `scale · x̂ + shift`, Σ δ x̂ and Σ δ for each of m examples by naive loops.
struct Expected {
    out: Vec<f64>,
    scale_rows: Vec<f64>,
    shift_rows: Vec<f64>,
}

fn expected(x_hat: &[f64], delta: &[f64], m: usize, scale: &[f64], shift: &[f64]) -> Expected {
    let c = scale.len();
    let (mut scale_rows, mut shift_rows) = (vec![0.0; m * c], vec![0.0; m * c]);
    for (i, delta) in delta.iter().enumerate() {
        let row = i / (x_hat.len() / m) * c + i % c;
        scale_rows[row] += delta * x_hat[i];
        shift_rows[row] += delta;
    }
    let out = x_hat.iter().enumerate().map(|(i, x)| scale[i % c] * x + shift[i % c]).collect();
    Expected { out, scale_rows, shift_rows }
}

fn columns(rows: &[f64], c: usize) -> Vec<f64> {
    (0..c).map(|j| rows.iter().skip(j).step_by(c).sum()).collect()
}

fn check_batch<T: Element>(isa: Isa, m: usize, positions: usize, c: usize, tolerance: f64) {
    let mut rng = Rng::new((m * 1000 + positions * 100 + c) as u64);
    let len = m * positions * c;
    let [x, delta, before]: [Vec<T>; 3] = core::array::from_fn(|_| random(&mut rng, len));
    let [scale, shift]: [Vec<T>; 2] = core::array::from_fn(|_| random(&mut rng, c));
    let what = format!("batch {m} {positions} {c}");
    let by = batch_statistics(isa, &x, c);
    let x_hat = standardized(&wide(&x), |i| i % c, EPSILON);
    let want = expected(&x_hat, &wide(&delta), m, &wide(&scale), &wide(&shift));

    let mut out = vec![T::nan(); len];
    batch::forward(isa, &x, &by, &scale, &shift, &mut out);
    assert_close(&wide(&out), &want.out, tolerance, &what);
    let (mut scale_sums, mut shift_sums) = (vec![0.0; c], vec![0.0; c]);
    batch::gradients(isa, &x, &delta, &by, &mut scale_sums, &mut shift_sums);
    assert_close(&scale_sums, &columns(&want.scale_rows, c), tolerance, &what);
    assert_close(&shift_sums, &columns(&want.shift_rows, c), tolerance, &what);
    let (mut scale_rows, mut shift_rows) = (vec![T::nan(); m * c], vec![T::nan(); m * c]);
    batch::example_gradients(isa, &x, &delta, &by, &mut scale_rows, &mut shift_rows);
    assert_close(&wide(&scale_rows), &want.scale_rows, tolerance, &what);
    assert_close(&wide(&shift_rows), &want.shift_rows, tolerance, &what);

    let mut out = vec![T::nan(); len];
    let sums = (&scale_sums[..], &shift_sums[..]);
    batch::backward_training(isa, [&x, &delta], &by, &scale, sums, Output::Overwrite, &mut out);
    let dx = differences(&wide(&x), &wide(&delta), &wide(&scale), |i| i % c);
    assert_close(&wide(&out), &dx, tolerance.max(1e-6), &what);
    let mut added = before.clone();
    batch::backward_training(isa, [&x, &delta], &by, &scale, sums, Output::Add, &mut added);
    let sum: Vec<f64> = out.iter().zip(&before).map(|(a, b)| (*a + *b).widen()).collect();
    assert_close(&wide(&added), &sum, tolerance, &what);

    let mut out = before.clone();
    batch::backward_evaluation(isa, &delta, &by, &scale, Output::Add, &mut out);
    let dx: Vec<f64> = (0..len)
        .map(|i| before[i].widen() + delta[i].widen() * scale[i % c].widen() * by.inverse()[i % c])
        .collect();
    assert_close(&wide(&out), &dx, tolerance, &what);
}

fn check_group<T: Element>(
    isa: Isa,
    m: usize,
    positions: usize,
    c: usize,
    groups: usize,
    tolerance: f64,
) {
    let mut rng = Rng::new((m * 1000 + positions * 100 + c + groups) as u64);
    let len = m * positions * c;
    let [x, delta, before]: [Vec<T>; 3] = core::array::from_fn(|_| random(&mut rng, len));
    let [scale, shift]: [Vec<T>; 2] = core::array::from_fn(|_| random(&mut rng, c));
    let kinds = [
        (Groups::new(positions, c, groups).unwrap(), positions, c / groups, m * groups),
        (Groups::layer(c).unwrap(), 1, c, m * positions),
    ];
    for (sizes, item, width, statistics) in kinds {
        let set = |i: usize| (i / (item * c)) * (c / width) + i % c / width;
        let what = format!("{sizes:?} {m}");
        let by = group_statistics(isa, sizes, &x, statistics);
        let x_hat = standardized(&wide(&x), set, EPSILON);
        let want = expected(&x_hat, &wide(&delta), m, &wide(&scale), &wide(&shift));
        let mut out = vec![T::nan(); len];
        group::forward(isa, sizes, &x, &by, &scale, &shift, &mut out);
        assert_close(&wide(&out), &want.out, tolerance, &what);
        let (mut scale_rows, mut shift_rows) = (vec![T::nan(); m * c], vec![T::nan(); m * c]);
        group::example_gradients(isa, sizes, &x, &delta, &by, &mut scale_rows, &mut shift_rows);
        assert_close(&wide(&scale_rows), &want.scale_rows, tolerance, &what);
        assert_close(&wide(&shift_rows), &want.shift_rows, tolerance, &what);
        let mut out = vec![T::nan(); len];
        group::backward(isa, sizes, [&x, &delta], &by, &scale, Output::Overwrite, &mut out);
        let dx = differences(&wide(&x), &wide(&delta), &wide(&scale), set);
        assert_close(&wide(&out), &dx, tolerance.max(1e-6), &what);
        let mut added = before.clone();
        group::backward(isa, sizes, [&x, &delta], &by, &scale, Output::Add, &mut added);
        let sum: Vec<f64> = out.iter().zip(&before).map(|(a, b)| (*a + *b).widen()).collect();
        assert_close(&wide(&added), &sum, tolerance, &what);
    }
}

#[test]
fn batch_norm_is_the_naive_loop_and_its_differences() {
    for c in [1, 2, 3, 8, 17, 33, 65] {
        for (m, positions) in [(2, 1), (1, 3), (3, 5), (5, 4)] {
            check_batch::<f64>(Isa::Portable, m, positions, c, 1e-11);
            for &isa in Isa::available() {
                check_batch::<f32>(isa, m, positions, c, 2e-3);
            }
        }
    }
}

#[test]
fn group_and_layer_norm_are_the_naive_loops_and_their_differences() {
    for (c, groups) in [(2, 1), (2, 2), (3, 1), (6, 3), (8, 2), (33, 11), (64, 4), (66, 2)] {
        for (m, positions) in [(3, 1), (1, 2), (2, 3), (3, 4)] {
            check_group::<f64>(Isa::Portable, m, positions, c, groups, 1e-11);
            for &isa in Isa::available() {
                check_group::<f32>(isa, m, positions, c, groups, 2e-3);
            }
        }
    }
}

/// Values of many chunks.
#[test]
fn neither_threads_nor_instruction_sets_change_a_bit_of_batch_norm() {
    let mut rng = Rng::new(3);
    for (rows, c) in [(70_001, 1), (40_000, 3), (4_000, 64), (101, 1000)] {
        let [x, delta]: [Vec<f32>; 2] = core::array::from_fn(|_| random(&mut rng, rows * c));
        let [scale, shift]: [Vec<f32>; 2] = core::array::from_fn(|_| random(&mut rng, c));
        let (by, a, b, ..) = naive::assert_same_anywhere(|isa| {
            let by = batch_statistics(isa, &x, c);
            let (mut a, mut b) = (vec![0.0; c], vec![0.0; c]);
            batch::gradients(isa, &x, &delta, &by, &mut a, &mut b);
            let [mut out, mut dx, mut fixed] = [(); 3].map(|()| delta.clone());
            batch::forward(isa, &x, &by, &scale, &shift, &mut out);
            let sums = (&a[..], &b[..]);
            batch::backward_training(isa, [&x, &delta], &by, &scale, sums, Output::Add, &mut dx);
            batch::backward_evaluation(isa, &delta, &by, &scale, Output::Overwrite, &mut fixed);
            let [mut scales, mut shifts] = [(); 2].map(|()| vec![0.0; c]);
            batch::example_gradients(isa, &x, &delta, &by, &mut scales, &mut shifts);
            (by, a, b, [out, dx, fixed, scales, shifts])
        });
        let isa = Isa::detect();
        let x_hat = standardized(&wide(&x), |i| i % c, EPSILON);
        let want = expected(&x_hat, &wide(&delta), 1, &wide(&scale), &wide(&shift));
        assert_close(&a, &want.scale_rows, 1e-9, "scale");
        assert_close(&b, &want.shift_rows, 1e-9, "shift");
        let mut again = group_statistics(isa, Groups::new(rows, c, c).unwrap(), &x, c);
        assert_eq!(by, again, "groups of one channel are the batch's moments");
        again = group_statistics(isa, Groups::new(rows, c, 1).unwrap(), &x, 1);
        let all = standardized(&wide(&x), |_| 0, EPSILON);
        let first = (x[0].widen() - again.mean()[0]) * again.inverse()[0];
        assert!((first - all[0]).abs() < 1e-9);
    }
}

/// Groups of one position and of several, of few channels and of many.
#[test]
fn neither_threads_nor_instruction_sets_change_a_bit_of_group_norm() {
    let mut rng = Rng::new(5);
    for (m, positions, c, groups) in
        [(3, 1, 5, 1), (200, 1, 96, 3), (1, 700, 3, 3), (4, 30, 66, 2), (4, 300, 256, 32)]
    {
        let [x, delta]: [Vec<f32>; 2] =
            core::array::from_fn(|_| random(&mut rng, m * positions * c));
        let [scale, shift]: [Vec<f32>; 2] = core::array::from_fn(|_| random(&mut rng, c));
        let sizes = Groups::new(positions, c, groups).unwrap();
        naive::assert_same_anywhere(|isa| {
            let by = group_statistics(isa, sizes, &x, m * groups);
            let [mut out, mut dx] = [(); 2].map(|()| delta.clone());
            group::forward(isa, sizes, &x, &by, &scale, &shift, &mut out);
            group::backward(isa, sizes, [&x, &delta], &by, &scale, Output::Add, &mut dx);
            let [mut scales, mut shifts] = [(); 2].map(|()| vec![0.0; m * c]);
            group::example_gradients(isa, sizes, &x, &delta, &by, &mut scales, &mut shifts);
            (by, [out, dx, scales, shifts])
        });
    }
}

#[test]
fn moments_of_values_far_from_zero_do_not_cancel() {
    let x: Vec<f64> = (0..60_000).map(|i| 1e9 + f64::from(i % 2)).collect();
    let (mut mean, mut variance) = ([0.0], [0.0]);
    moments(Isa::detect(), &x, &mut mean, &mut variance);
    assert!(
        (mean[0] - 1e9 - 0.5).abs() < 1e-6 && (variance[0] - 0.25).abs() < 1e-9,
        "{variance:?}"
    );
    moments(Isa::detect(), &[1e30f32; 70_000], &mut mean, &mut variance);
    assert_eq!(variance, [0.0]);
}

#[test]
fn without_rows_statistics_are_not_numbers_and_gradients_zero() {
    let (mut mean, mut variance) = ([0.0; 2], [0.0; 2]);
    moments::<f32>(Isa::detect(), &[], &mut mean, &mut variance);
    assert!(mean.iter().chain(&variance).all(|x| x.is_nan()));
    let by = Standardization::from_moments(vec![0.0; 2], &[1.0; 2], 0.0);
    let (mut a, mut b) = ([7.0; 2], [7.0; 2]);
    batch::gradients::<f32>(Isa::detect(), &[], &[], &by, &mut a, &mut b);
    assert_eq!((a, b), ([0.0; 2], [0.0; 2]));
    batch::example_gradients::<f32>(Isa::detect(), &[], &[], &by, &mut [], &mut []);
    batch::forward::<f32>(Isa::detect(), &[], &by, &[1.0; 2], &[0.0; 2], &mut []);
    let (groups, none) =
        (Groups::layer(2).unwrap(), Standardization::from_moments(vec![], &[], 0.0));
    group::moments::<f32>(Isa::detect(), groups, &[], &mut [], &mut []);
    group::forward::<f32>(Isa::detect(), groups, &[], &none, &[1.0; 2], &[0.0; 2], &mut []);
    group::backward::<f32>(
        Isa::detect(),
        groups,
        [&[], &[]],
        &none,
        &[1.0; 2],
        Output::Add,
        &mut [],
    );
}

#[test]
fn affine_and_multiply_are_the_formulas() {
    let mut rng = Rng::new(4);
    for c in [1, 5, 64, 100] {
        let [x, before]: [Vec<f32>; 2] = core::array::from_fn(|_| random(&mut rng, 13 * c));
        let [a, b]: [Vec<f32>; 2] = core::array::from_fn(|_| random(&mut rng, c));
        let (out, scaled, added) = naive::assert_same_anywhere(|isa| {
            let [mut out, mut scaled, mut added] = [(); 3].map(|()| before.clone());
            affine(isa, &x, &a, &b, &mut out);
            multiply(isa, &x, &a, Output::Overwrite, &mut scaled);
            multiply(isa, &x, &a, Output::Add, &mut added);
            (out, scaled, added)
        });
        assert!((0..13 * c).all(|i| out[i] == a[i % c] * x[i] + b[i % c]));
        assert!((0..13 * c).all(|i| scaled[i] == a[i % c] * x[i]));
        assert!((0..13 * c).all(|i| added[i] == before[i] + scaled[i]));
    }
}

#[test]
fn normalisations_are_those_of_torch() {
    let golden = golden();
    let (m, positions, c) = (3, 10, 6);
    let len = m * positions * c;
    let (scale, shift) = (numbers(3, c), numbers(4, c));
    let close = |name: &str, got: &[f64]| assert_close(got, &golden[name], 1e-12, name);

    let (x, delta) = (numbers(1, len), numbers(2, len));
    let (mut mean, mut variance) = (vec![0.0; c], vec![0.0; c]);
    moments(Isa::detect(), &x, &mut mean, &mut variance);
    let (mut running_mean, mut running_variance) = (vec![0.0; c], vec![1.0; c]);
    let running = (&mut running_mean[..], &mut running_variance[..]);
    batch::update_running(running, (&mean, &variance), m * positions, 0.2);
    close("batch.running-mean", &running_mean);
    close("batch.running-variance", &running_variance);
    let by = Standardization::from_moments(mean, &variance, 1e-3);
    let (mut out, mut a, mut b) = (vec![0.0; len], vec![0.0; c], vec![0.0; c]);
    batch::forward(Isa::detect(), &x, &by, &scale, &shift, &mut out);
    close("batch.out", &out);
    batch::gradients(Isa::detect(), &x, &delta, &by, &mut a, &mut b);
    close("batch.scale", &a);
    close("batch.shift", &b);
    let sums = (&a[..], &b[..]);
    batch::backward_training(
        Isa::detect(),
        [&x, &delta],
        &by,
        &scale,
        sums,
        Output::Overwrite,
        &mut out,
    );
    close("batch.dx", &out);

    let (x_evaluation, delta_evaluation) = (numbers(5, len), numbers(6, len));
    let by = Standardization::from_moments(running_mean, &running_variance, 1e-3);
    batch::forward(Isa::detect(), &x_evaluation, &by, &scale, &shift, &mut out);
    close("batch-evaluation.out", &out);
    batch::gradients(Isa::detect(), &x_evaluation, &delta_evaluation, &by, &mut a, &mut b);
    close("batch-evaluation.scale", &a);
    close("batch-evaluation.shift", &b);
    batch::backward_evaluation(
        Isa::detect(),
        &delta_evaluation,
        &by,
        &scale,
        Output::Overwrite,
        &mut out,
    );
    close("batch-evaluation.dx", &out);

    let kinds = [
        ("group", Groups::new(positions, c, 3).unwrap(), m * 3, 1e-5),
        ("layer", Groups::layer(c).unwrap(), m * positions, 1e-6),
    ];
    for (name, groups, statistics, epsilon) in kinds {
        let (mut mean, mut variance) = (vec![0.0; statistics], vec![0.0; statistics]);
        group::moments(Isa::detect(), groups, &x, &mut mean, &mut variance);
        let by = Standardization::from_moments(mean, &variance, epsilon);
        group::forward(Isa::detect(), groups, &x, &by, &scale, &shift, &mut out);
        close(&format!("{name}.out"), &out);
        group::backward(
            Isa::detect(),
            groups,
            [&x, &delta],
            &by,
            &scale,
            Output::Overwrite,
            &mut out,
        );
        close(&format!("{name}.dx"), &out);
        let (mut scale_rows, mut shift_rows) = (vec![0.0; m * c], vec![0.0; m * c]);
        group::example_gradients(
            Isa::detect(),
            groups,
            &x,
            &delta,
            &by,
            &mut scale_rows,
            &mut shift_rows,
        );
        close(&format!("{name}.scale"), &columns(&scale_rows, c));
        close(&format!("{name}.shift"), &columns(&shift_rows, c));
    }
}

#[test]
fn channels_that_do_not_divide_into_groups_are_refused() {
    let message = "10 channels in 4 groups (the groups must be of one size, at least 1)";
    assert_eq!(Groups::new(5, 10, 4).unwrap_err().to_string(), message);
    assert!(Groups::new(5, 10, 0).is_err() && Groups::layer(0).is_err());
}
