//! Means, dots and α of a sample of gradients, from the definitions.

/// a · b
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// ‖a‖²
pub fn sq_norm(a: &[f64]) -> f64 {
    dot(a, a)
}

/// ‖a − b‖
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// S = Σ g_i
pub fn sum(rows: &[Vec<f64>]) -> Vec<f64> {
    let mut total = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (t, x) in total.iter_mut().zip(row) {
            *t += x;
        }
    }
    total
}

/// E g
pub fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    sum(rows).iter().map(|s| s / rows.len() as f64).collect()
}

/// Q = Σ ‖g_i‖²
pub fn sum_sq_norms(rows: &[Vec<f64>]) -> f64 {
    rows.iter().map(|g| sq_norm(g)).sum()
}

/// α as E[g · g′] / E[g · g], over all m² pairs; 0 if all gradients are zero.
pub fn alpha(rows: &[Vec<f64>]) -> f64 {
    let m = rows.len() as f64;
    let energy = sum_sq_norms(rows) / m;
    let mut pairs = 0.0;
    for a in rows {
        for b in rows {
            pairs += dot(a, b);
        }
    }
    if rows.is_empty() || energy == 0.0 { 0.0 } else { pairs / (m * m) / energy }
}

/// α for probabilities p_i: ‖Σ p g‖² / Σ p‖g‖².
pub fn weighted_alpha(weights: &[f64], rows: &[Vec<f64>]) -> f64 {
    let total: f64 = weights.iter().sum();
    let mut numerator = 0.0;
    let mut denominator = 0.0;
    for (p, a) in weights.iter().zip(rows) {
        denominator += p / total * sq_norm(a);
        for (q, b) in weights.iter().zip(rows) {
            numerator += p / total * q / total * dot(a, b);
        }
    }
    if denominator == 0.0 { 0.0 } else { numerator / denominator }
}
