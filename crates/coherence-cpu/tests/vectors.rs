//! Norms, rules based on the Gram matrix, and the elementwise loops of a step, against plain loops.

mod naive;

use coherence_core::aggregate::median_of_three;
use coherence_cpu::{
    Isa,
    dense::krum,
    elementwise::{add_bias, axpy, bias_relu, column_sums, median_of_three_update, relu_backward},
    norms::{dots_with, row_dots, row_sq_norms},
    product::Output,
    vectors::{self, Descent, accumulate, descend},
};
use naive::Rng;

fn dot(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

#[test]
fn row_dots_equal_plain_loops() {
    let mut rng = Rng::new(1);
    let sizes = [(1, 1), (3, 7), (2, 16), (5, 33), (70, 100), (300, 784)];
    for (&isa, (m, width)) in Isa::available().iter().flat_map(|isa| sizes.map(|size| (isa, size)))
    {
        let (x, y) = (rng.normals(m * width), rng.normals(m * width));
        let [mut dots, mut squares, mut with_first] = [(); 3].map(|()| vec![0.0; m]);
        row_dots(isa, &x, &y, &mut dots);
        row_sq_norms(isa, &x, &mut squares);
        let first = &y[..width];
        dots_with(isa, &x, first, &mut with_first);
        for e in 0..m {
            let (x, y) = (&x[e * width..][..width], &y[e * width..][..width]);
            let scale = (dot(x, x) * dot(y, y)).sqrt();
            assert!((dots[e] - dot(x, y)).abs() <= 1e-14 * scale, "{isa:?} {m} {width}");
            assert!((squares[e] - dot(x, x)).abs() <= 1e-14 * dot(x, x), "{isa:?} {m} {width}");
            let scale = (dot(x, x) * dot(first, first)).sqrt();
            assert!((with_first[e] - dot(x, first)).abs() <= 1e-14 * scale, "{isa:?} {m} {width}");
        }
    }
}

#[test]
fn krum_chooses_the_row_with_the_nearest_neighbours() {
    let mut rng = Rng::new(3);
    for (n, d, faulty) in [(3, 5, 0), (7, 40, 2), (15, 300, 4)] {
        let rows = rng.normals(n * d);
        let score = |e: usize| {
            let distance = |f: usize| -> f64 {
                (0..d).map(|j| f64::from(rows[e * d + j] - rows[f * d + j]).powi(2)).sum()
            };
            let mut others: Vec<f64> = (0..n).filter(|&f| f != e).map(distance).collect();
            others.sort_by(f64::total_cmp);
            others[..n - faulty - 2].iter().sum::<f64>()
        };
        let best = (0..n).min_by(|&e, &f| score(e).total_cmp(&score(f))).unwrap();
        for &isa in Isa::available() {
            assert_eq!(krum(isa, &rows, n, faulty), Ok(best), "{isa:?}");
        }
    }
}

#[test]
fn loops_of_a_step_equal_their_definitions() {
    let mut rng = Rng::new(5);
    for (m, o) in [(1, 1), (3, 10), (100, 256), (7, 33), (600, 300)] {
        let (x, bias, y) = (rng.normals(m * o), rng.normals(o), rng.normals(m * o));
        let (sum, relu, delta, moved, sums, added) = naive::assert_same_anywhere(|isa| {
            let (mut sum, mut relu) = (x.clone(), x.clone());
            add_bias(isa, &bias, &mut sum);
            bias_relu(isa, &bias, &mut relu);
            let (mut delta, mut moved) = (y.clone(), y.clone());
            relu_backward(isa, &relu, &mut delta);
            axpy(isa, -0.5, &x, &mut moved);
            let (mut sums, mut added) = (vec![0.0; o], bias.clone());
            column_sums(isa, &x, Output::Overwrite, &mut sums);
            column_sums(isa, &x, Output::Add, &mut added);
            (sum, relu, delta, moved, sums, added)
        });
        for at in 0..m * o {
            let z = x[at] + bias[at % o];
            assert_eq!((sum[at], relu[at]), (z, z.max(0.0)));
            assert_eq!(delta[at], if z > 0.0 { y[at] } else { 0.0 });
            assert_eq!(moved[at], y[at] - 0.5 * x[at]);
        }
        for j in 0..o {
            let column: f64 = (0..m).map(|e| f64::from(x[e * o + j])).sum();
            for (sum, column) in [(sums[j], column), (added[j], column + f64::from(bias[j]))] {
                assert!((f64::from(sum) - column).abs() <= 1e-6 * column.abs() + 1e-9);
            }
        }
    }
}

/// The law that holds the kernel to the definition in the core, which distinguishes the signs of zeros, too.
#[test]
fn the_median_step_takes_the_cores_median_of_three() {
    let mut rng = Rng::new(6);
    for d in [1, 17, 200_000] {
        let [a, b, c] = [(); 3].map(|()| rng.normals(d));
        let before = rng.normals(d);
        let scales = [1.0, 0.5, 2.0];
        let params = naive::assert_same_anywhere(|isa| {
            let mut params = before.clone();
            let gradients = [(&a[..], scales[0]), (&b, scales[1]), (&c, scales[2])];
            median_of_three_update(isa, &mut params, gradients, 0.25);
            params
        });
        for at in 0..d {
            let median = median_of_three(a[at] * scales[0], b[at] * scales[1], c[at] * scales[2]);
            assert_eq!(params[at], before[at] - 0.25 * median);
        }
    }
    let values = [-f32::INFINITY, -2.5, -0.0, 0.0, 1e-30, 1.0, f32::INFINITY];
    for a in values {
        for b in values {
            for c in values {
                // As many as a vector holds, and one more.
                let [x, y, z] = [a, b, c].map(|value| [value; 17]);
                for &isa in Isa::available() {
                    let mut found = [0.0; 17];
                    let gradients = [(&x[..], 1.0), (&y, 1.0), (&z, 1.0)];
                    median_of_three_update(isa, &mut found, gradients, -1.0);
                    assert_eq!(found, [median_of_three(a, b, c); 17], "{isa:?} {a} {b} {c}");
                }
            }
        }
    }
}

#[test]
fn dots_and_running_sums_of_long_vectors_equal_plain_loops() {
    let mut rng = Rng::new(7);
    for d in [0, 1, 100, 16_384, 16_385, 50_000] {
        let (x, y) = (rng.normals(d), rng.normals(d));
        let scale = (dot(&x, &x) * dot(&y, &y)).sqrt();
        for &isa in Isa::available() {
            let found = vectors::dot(isa, &x, &y);
            assert!((found - dot(&x, &y)).abs() <= 1e-14 * scale, "{isa:?} {d}");
        }
        let mut sum = vec![f64::NAN; d];
        accumulate(&x, Output::Overwrite, &mut sum);
        accumulate(&y, Output::Add, &mut sum);
        let expected: Vec<f64> =
            x.iter().zip(&y).map(|(&x, &y)| f64::from(x) + f64::from(y)).collect();
        assert_eq!(sum, expected, "{d}");
    }
}

#[test]
fn descent_is_that_of_every_coordinate_alone() {
    let mut rng = Rng::new(8);
    for (d, nesterov) in [(1, false), (20_000, false), (20_000, true)] {
        let (g, start, first) = (rng.normals(d), rng.normals(d), rng.normals(d));
        let by = Descent { rate: 0.1, momentum: 0.9, nesterov, weight_decay: 0.01 };
        let (mut w, mut v) = (start.clone(), first.clone());
        descend(by, &g, Some(&mut v), &mut w);
        let mut without = start.clone();
        descend(by, &g, None, &mut without);
        for j in 0..d {
            let decayed = g[j] + 0.01 * start[j];
            let velocity = 0.9 * first[j] + decayed;
            let step = if nesterov { decayed + 0.9 * velocity } else { velocity };
            assert_eq!((v[j], w[j]), (velocity, start[j] - 0.1 * step), "{d}: {j}");
            assert_eq!(without[j], start[j] - 0.1 * decayed, "{d}: {j}");
        }
    }
}
