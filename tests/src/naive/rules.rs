//! Every rule of the core by its definition, on rows \[n\]\[d\]: sorts, loops over all pairs and all
//! subsets.

use super::{aggregate as column, mean as mean_of_rows, sq_norm};

/// A rule of one coordinate, applied to each column.
pub fn by_column(rows: &[Vec<f64>], rule: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let column = |j: usize| rows.iter().map(|row| row[j]).collect::<Vec<_>>();
    (0..rows[0].len()).map(|j| rule(&column(j))).collect()
}

/// The winsorised mean at `percent` percent, by nearest rank: the count nearest to p (n − 1).
pub fn winsorized_percent(values: &[f64], percent: usize) -> f64 {
    let rank = percent as f64 / 100.0 * (values.len() - 1) as f64;
    column::winsorized(values, (rank + 0.5).floor() as usize)
}

fn sq_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

fn rows_of(rows: &[Vec<f64>], chosen: &[usize]) -> Vec<Vec<f64>> {
    chosen.iter().map(|&i| rows[i].clone()).collect()
}

/// The `keep` rows with the least Krum scores among those `left`; of equal scores the earlier row
/// first.
fn by_krum(rows: &[Vec<f64>], left: &[usize], neighbors: usize, keep: usize) -> Vec<usize> {
    let score = |i: usize| {
        let others = left.iter().filter(|&&j| j != i);
        let squares: Vec<f64> = others.map(|&j| sq_distance(&rows[i], &rows[j])).collect();
        column::sorted(&squares)[..neighbors].iter().sum::<f64>()
    };
    let mut order = left.to_vec();
    order.sort_by(|&a, &b| score(a).total_cmp(&score(b))); // stable
    order.truncate(keep);
    order
}

/// Krum: the row with the least sum of squared distances to its n − f − 2 nearest others.
pub fn krum(rows: &[Vec<f64>], f: usize) -> Vec<f64> {
    multi_krum(rows, f, 1)
}

/// The mean of the `keep` rows with the least Krum scores.
pub fn multi_krum(rows: &[Vec<f64>], f: usize, keep: usize) -> Vec<f64> {
    let all: Vec<usize> = (0..rows.len()).collect();
    mean_of_rows(&rows_of(rows, &by_krum(rows, &all, rows.len() - f - 2, keep)))
}

/// Selects n − 2f rows by repeated Krum among the remaining rows, then takes the mean around the median
/// without 2f values.
pub fn bulyan(rows: &[Vec<f64>], f: usize) -> Vec<f64> {
    let (mut left, mut chosen): (Vec<usize>, Vec<usize>) = ((0..rows.len()).collect(), Vec::new());
    while chosen.len() < rows.len() - 2 * f {
        let neighbors = left.len().saturating_sub(f + 2).max(1).min(left.len() - 1);
        let best = by_krum(rows, &left, neighbors, 1)[0];
        left.retain(|&i| i != best);
        chosen.push(best);
    }
    by_column(&rows_of(rows, &chosen), |values| column::mean_around_median(values, 2 * f))
}

/// All subsets of `keep` of 0 … n−1 in lexicographic order.
fn subsets(n: usize, keep: usize) -> Vec<Vec<usize>> {
    if keep == 0 {
        return vec![vec![]];
    }
    let with_first = |first: usize| {
        let rest = subsets(n - first - 1, keep - 1).into_iter();
        rest.map(move |tail| {
            [first].into_iter().chain(tail.into_iter().map(|i| i + first + 1)).collect()
        })
    };
    (0..n).flat_map(with_first).collect()
}

/// The mean of the n − f rows with the least diameter; of equal diameters the first in
/// lexicographic order.
pub fn minimum_diameter(rows: &[Vec<f64>], f: usize) -> Vec<f64> {
    let diameter = |subset: &Vec<usize>| {
        let pairs = subset.iter().flat_map(|&i| subset.iter().map(move |&j| (i, j)));
        pairs.map(|(i, j)| sq_distance(&rows[i], &rows[j])).fold(0.0, f64::max)
    };
    let all = subsets(rows.len(), rows.len() - f);
    let best = all.iter().min_by(|a, b| diameter(a).total_cmp(&diameter(b))).expect("n ≥ f");
    mean_of_rows(&rows_of(rows, best)) // `min_by` returns the first of equal elements
}

/// The mean of the rows shortened to a norm of at most `limit`.
pub fn norm_clipping(rows: &[Vec<f64>], limit: f64) -> Vec<f64> {
    let shorten = |row: &Vec<f64>| {
        let norm = sq_norm(row).sqrt();
        let factor = if norm <= limit { 1.0 } else { limit / norm };
        row.iter().map(|x| x * factor).collect()
    };
    mean_of_rows(&rows.iter().map(shorten).collect::<Vec<_>>())
}

/// v ← v + mean of (x − v) shortened to `radius`, `iterations` times from the coordinate-wise median.
pub fn centered_clipping(rows: &[Vec<f64>], radius: f64, iterations: usize) -> Vec<f64> {
    let mut v = by_column(rows, column::median);
    for _ in 0..iterations {
        let differences: Vec<Vec<f64>> =
            rows.iter().map(|x| x.iter().zip(&v).map(|(x, v)| x - v).collect()).collect();
        let step = norm_clipping(&differences, radius);
        v.iter_mut().zip(step).for_each(|(v, s)| *v += s);
    }
    v
}

/// The means of the groups of consecutive rows.
pub fn group_means(rows: &[Vec<f64>], k: usize) -> Vec<Vec<f64>> {
    column::groups(rows, k).iter().map(|group| mean_of_rows(group)).collect()
}

/// A point whose sum of distances is near the least: Weiszfeld's iteration with distances of at least
/// `1e-9` of the greatest, for a fixed number of iterations.
pub fn near_geometric_median(rows: &[Vec<f64>]) -> Vec<f64> {
    let mut y = mean_of_rows(rows);
    for _ in 0..2000 {
        let distances: Vec<f64> = rows.iter().map(|x| sq_distance(x, &y).sqrt()).collect();
        let floor = 1e-9 * distances.iter().copied().fold(0.0, f64::max);
        if floor == 0.0 {
            break;
        }
        let weights: Vec<f64> = distances.iter().map(|d| 1.0 / d.max(floor)).collect();
        let total: f64 = weights.iter().sum();
        for (j, y) in y.iter_mut().enumerate() {
            *y = rows.iter().zip(&weights).map(|(x, w)| x[j] * w).sum::<f64>() / total;
        }
    }
    y
}
