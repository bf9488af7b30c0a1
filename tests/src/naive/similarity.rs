//! Measures over pairs of gradients, from the definitions.

use super::{distance, dot, sq_norm};

/// All ordered pairs of different positions.
fn pairs(rows: &[Vec<f64>]) -> Vec<(&[f64], &[f64])> {
    let mut all = Vec::new();
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            if i != j {
                all.push((a.as_slice(), b.as_slice()));
            }
        }
    }
    all
}

fn mean_over_pairs(rows: &[Vec<f64>], f: impl Fn(&[f64], &[f64]) -> f64) -> Option<f64> {
    let values: Vec<f64> = pairs(rows).into_iter().map(|(a, b)| f(a, b)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// cos(a, b), 0 if one is zero.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let norms = (sq_norm(a) * sq_norm(b)).sqrt();
    if norms == 0.0 { 0.0 } else { dot(a, b) / norms }
}

/// E over z ≠ z′ of the sign of the product.
pub fn sign_stiffness(rows: &[Vec<f64>]) -> Option<f64> {
    mean_over_pairs(rows, |a, b| match dot(a, b) {
        positive if positive > 0.0 => 1.0,
        negative if negative < 0.0 => -1.0,
        _ => 0.0,
    })
}

/// E over z ≠ z′ of the cosine.
pub fn cosine_stiffness(rows: &[Vec<f64>]) -> Option<f64> {
    mean_over_pairs(rows, cosine)
}

/// The least cosine over z ≠ z′.
pub fn minimum_cosine(rows: &[Vec<f64>]) -> Option<f64> {
    pairs(rows).into_iter().map(|(a, b)| cosine(a, b)).reduce(f64::min)
}

/// The least product over z ≠ z′.
pub fn minimum_dot(rows: &[Vec<f64>]) -> Option<f64> {
    pairs(rows).into_iter().map(|(a, b)| dot(a, b)).reduce(f64::min)
}

/// The mean product over z ≠ z′.
pub fn mean_dot(rows: &[Vec<f64>]) -> Option<f64> {
    mean_over_pairs(rows, dot)
}

/// E‖g − g′‖ over all m² pairs.
pub fn pairwise_distance(rows: &[Vec<f64>]) -> f64 {
    let m = rows.len() as f64;
    rows.iter().flat_map(|a| rows.iter().map(move |b| distance(a, b))).sum::<f64>() / (m * m)
}

/// Mean and variance (divisor m) of coordinate j.
pub fn mean_and_variance(rows: &[Vec<f64>], j: usize) -> (f64, f64) {
    let m = rows.len() as f64;
    let mean = rows.iter().map(|g| g[j]).sum::<f64>() / m;
    (mean, rows.iter().map(|g| (g[j] - mean).powi(2)).sum::<f64>() / m)
}
