//! Where the geometric median of few rows lies, from their distances alone.
//!
//! A point of the rows' affine hull is y = Σ λ_i x_i with Σ λ_i = 1, and with the squared distances D [n, n] of the
//! rows ‖x_i − y‖² = (D λ)_i − λᵀ D λ / 2 (Lagrange): the iteration of Weiszfeld then reads no rows.

/// The most steps; each takes n² multiplications.
const MOST_STEPS: usize = 1000;

/// A step that changes no weight by more leads nowhere.
const LEAST_CHANGE: f64 = 1e-12;

/// The weights λ [n] of a point near the geometric median of n rows, by their squared distances D [n, n]; `None` unless
/// these are finite.
///
/// As near as rounding lets D tell: the core's rule goes on from there, and proves what it finds.
pub(super) fn near_geometric_median(squares: &[f64], n: usize) -> Option<Vec<f64>> {
    if !squares.iter().all(|square| square.is_finite()) {
        return None;
    }
    let mut weights = vec![1.0 / n as f64; n];
    for _ in 0..MOST_STEPS {
        let sums: Vec<f64> = squares.chunks_exact(n).map(|row| dot(row, &weights)).collect();
        let half = dot(&sums, &weights) / 2.0;
        let mut next: Vec<f64> =
            sums.iter().map(|sum| 1.0 / (sum - half).max(f64::MIN_POSITIVE).sqrt()).collect();
        let total: f64 = next.iter().sum();
        next.iter_mut().for_each(|weight| *weight /= total);
        let change = next.iter().zip(&weights).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        weights = next;
        if change <= LEAST_CHANGE {
            break;
        }
    }
    Some(weights)
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::near_geometric_median;

    fn squares(points: &[[f64; 2]]) -> Vec<f64> {
        let square = |p: &[f64; 2], q: &[f64; 2]| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
        points.iter().flat_map(|p| points.iter().map(move |q| square(p, q))).collect()
    }

    #[test]
    fn the_median_of_a_convex_quadrangle_is_where_its_diagonals_meet() {
        let points = [[0.0, 0.0], [4.0, 1.0], [5.0, 5.0], [0.0, 3.0]];
        let weights = near_geometric_median(&squares(&points), 4).expect("ordinary distances");
        let y = [0, 1].map(|c| (0..4).map(|i| weights[i] * points[i][c]).sum::<f64>());
        // The diagonals from (0, 0) to (5, 5) and from (4, 1) to (0, 3).
        assert!(y.iter().all(|y| (y - 2.0).abs() < 1e-9), "{y:?}");
    }

    #[test]
    fn a_vertex_takes_nearly_all_weight_and_equal_rows_share_it() {
        let points = [[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
        let weights = near_geometric_median(&squares(&points), 5).expect("ordinary distances");
        assert!(weights[0] > 1.0 - 1e-6, "{weights:?}");
        assert_eq!(near_geometric_median(&[0.0; 9], 3), Some(vec![1.0 / 3.0; 3]));
    }

    #[test]
    fn distances_that_are_no_numbers_give_no_weights() {
        assert_eq!(near_geometric_median(&[0.0, f64::INFINITY, f64::INFINITY, 0.0], 2), None);
    }
}
