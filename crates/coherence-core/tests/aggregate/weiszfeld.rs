//! Each step towards the geometric median is the one that its documentation describes.
//!
//! The oracle has dense Hessians and Gaussian elimination where the library has conjugate gradients.
//! It starts each step at the library's own iterate and gives no answer where a choice is close.

use coherence_core::aggregate::{AggregateError, GeometricMedian, Scratch};
use coherence_tests::naive::{self, aggregate as rules};
use proptest::prelude::*;

use crate::support::{assert_close, with_rows};

type Vector = Vec<f64>;

/// What the vectors exert on a point y.
struct Field {
    /// R = Σ u_i over the vectors elsewhere.
    pull: Vector,
    /// ‖R‖
    norm: f64,
    /// Σ 1/‖x_i − y‖ over the vectors elsewhere.
    weight: f64,
    /// H = Σ (1 − u_i u_iᵀ)/‖x_i − y‖ [d, d]
    hessian: Vec<Vector>,
    /// max(0, 1 − w/‖R‖)
    free: f64,
    /// ρ = max(0, ‖R‖ − w)/n
    residual: f64,
}

fn field(rows: &[Vector], y: &[f64]) -> Field {
    let d = y.len();
    let elsewhere: Vec<&Vector> = rows.iter().filter(|x| naive::distance(x, y) > 0.0).collect();
    let (mut pull, mut weight, mut hessian) = (vec![0.0; d], 0.0, vec![vec![0.0; d]; d]);
    for x in &elsewhere {
        let distance = naive::distance(x, y);
        let u: Vector = (0..d).map(|j| (x[j] - y[j]) / distance).collect();
        weight += 1.0 / distance;
        for j in 0..d {
            pull[j] += u[j];
            for k in 0..d {
                hessian[j][k] += (f64::from(u8::from(j == k)) - u[j] * u[k]) / distance;
            }
        }
    }
    let here = (rows.len() - elsewhere.len()) as f64;
    let norm = naive::sq_norm(&pull).sqrt();
    let excess = (norm - here).max(0.0);
    let free = if norm == 0.0 { 0.0 } else { excess / norm };
    Field { pull, norm, weight, hessian, free, residual: excess / rows.len() as f64 }
}

fn times(matrix: &[Vector], v: &[f64]) -> Vector {
    matrix.iter().map(|row| naive::dot(row, v)).collect()
}

/// y + t v
fn along(y: &[f64], t: f64, v: &[f64]) -> Vector {
    y.iter().zip(v).map(|(y, v)| y + t * v).collect()
}

/// The solution of a symmetric positive definite system, by elimination.
fn solve(mut a: Vec<Vector>, mut b: Vector) -> Vector {
    let d = b.len();
    for k in 0..d {
        let (pivot, value) = (a[k].clone(), b[k]);
        for i in (0..d).filter(|&i| i != k) {
            let factor = a[i][k] / pivot[k];
            a[i] = along(&a[i], -factor, &pivot);
            b[i] -= factor * value;
        }
    }
    (0..d).map(|k| b[k] / a[k][k]).collect()
}

/// Whether a < b, unless that is too close to call.
fn is_less(a: f64, b: f64) -> Option<bool> {
    ((a - b).abs() > 1e-9 * a.abs().max(b.abs())).then_some(a < b)
}

/// The row of the nearest vector elsewhere, the first of equals.
fn nearest(rows: &[Vector], y: &[f64]) -> usize {
    let distances: Vec<f64> = rows.iter().map(|x| naive::distance(x, y)).collect();
    let elsewhere = (0..rows.len()).filter(|&i| distances[i] > 0.0);
    elsewhere.min_by(|&i, &j| distances[i].total_cmp(&distances[j])).expect("a vector elsewhere")
}

/// Weiszfeld's step, or where the nearest vector is left to, whichever has the lesser residual.
fn look(rows: &[Vector], vertex: &[f64], stepped: Vector) -> Option<Vector> {
    let there = field(rows, vertex);
    if there.residual <= TOLERANCE {
        return Some(vertex.to_vec());
    }
    let bend = naive::dot(&there.pull, &times(&there.hessian, &there.pull));
    let left = along(vertex, there.free * there.norm * there.norm / bend, &there.pull);
    let is_better = is_less(field(rows, &left).residual, field(rows, &stepped).residual)?;
    Some(if is_better { left } else { stepped })
}

/// Weiszfeld's step, and if it is slow Newton's after it, halved until F falls or the residual is less.
fn hasten(rows: &[Vector], before: &Field, step: &[f64], stepped: Vector) -> Option<Vector> {
    let there = field(rows, &stepped);
    let slope = before.norm * naive::sq_norm(step).sqrt();
    if is_less(naive::dot(&there.pull, step), slope / 2.0)? {
        return Some(stepped);
    }
    let newton = solve(there.hessian, there.pull);
    for halvings in 0..12 {
        let end = along(&stepped, 0.5f64.powi(halvings), &newton);
        let beyond = field(rows, &end);
        let (length, fall) = (naive::sq_norm(&newton).sqrt(), naive::dot(&beyond.pull, &newton));
        if !is_less(fall + beyond.norm * length, beyond.norm * length)?
            || is_less(beyond.residual, there.residual)?
        {
            return Some(end);
        }
    }
    Some(stepped)
}

const TOLERANCE: f64 = 1e-9;

/// The library's iterate after at most `steps` steps, and whether it is the last.
fn iterate(rows: &[Vector], steps: usize) -> (Vector, bool) {
    let rule = GeometricMedian { tolerance: TOLERANCE, max_iterations: steps };
    let mut y = vec![f64::NAN; rows[0].len()];
    let found = {
        let mut values = vec![f64::NAN; 99];
        let scratch = Scratch { values: &mut values, indices: &mut [] };
        with_rows(rows, |view| rule.solve(view, scratch, &mut y))
    };
    assert!(matches!(found, Ok(_) | Err(AggregateError::NotConverged { .. })), "{found:?}");
    (y, found.is_ok())
}

fn sample() -> impl Strategy<Value = Vec<Vector>> {
    let value = prop_oneof![3 => -10.0..10.0f64, 1 => (-2i8..=2).prop_map(f64::from)];
    (3..12usize, 2..5usize).prop_flat_map(move |(n, d)| {
        prop::collection::vec(prop::collection::vec(value.clone(), d), n)
    })
}

/// Up to 20 steps over `rows` [n, d], as long as the oracle can tell.
#[track_caller]
fn check_steps(rows: &[Vector]) {
    let column = |j: usize| rows.iter().map(|x| x[j]).collect::<Vector>();
    let start: Vector = (0..rows[0].len()).map(|j| rules::median(&column(j))).collect();
    let (mut y, mut is_last) = iterate(rows, 0);
    assert_close(&y, &start, 1e-12);
    let mut looked_at = None;
    for k in 1..=20 {
        let here = field(rows, &y);
        if is_last || here.residual < 1e-6 {
            break;
        }
        let near = nearest(rows, &y);
        let step = along(&vec![0.0; y.len()], here.free / here.weight, &here.pull);
        let stepped = along(&y, 1.0, &step);
        let Some(is_fast) = is_less(field(rows, &stepped).residual, here.residual / 2.0) else {
            break;
        };
        let expected = if is_fast {
            Some(stepped)
        } else if looked_at == Some(near) {
            hasten(rows, &here, &step, stepped)
        } else {
            looked_at = Some(near);
            look(rows, &rows[near], stepped)
        };
        (y, is_last) = iterate(rows, k);
        let Some(expected) = expected else { break };
        let size = expected.iter().fold(1.0f64, |most, x| most.max(x.abs()));
        assert_close(&y, &expected, 1e-6 * size);
    }
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn a19_each_step_is_weiszfelds_newtons_or_leaves_the_nearest_vector(rows in sample()) {
        check_steps(&rows);
    }
}

#[test]
fn a19_of_equally_near_vectors_the_earlier_is_looked_at() {
    check_steps(&[vec![-1.0, -1.0], vec![0.0, 0.0], vec![0.0, -2.0]]);
}

#[test]
fn a19_a_newton_step_too_long_is_halved_and_one_too_short_is_taken() {
    check_steps(&[vec![-2.0, 7.36], vec![-2.0, -2.31], vec![-1.0, -1.87]]);
    check_steps(&[vec![-2.0, 2.89], vec![0.0, 2.0], vec![-1.79, -9.78]]);
    check_steps(&[vec![8.15, -1.0], vec![-2.92, -2.0], vec![8.64, -2.28]]);
}
