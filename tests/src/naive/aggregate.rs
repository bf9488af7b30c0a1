//! Aggregators by sorting a copy, and by trying every subset.

use super::{distance, mean as mean_row};

/// The values in ascending order, −0 before +0.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut copy = values.to_vec();
    copy.sort_by(f64::total_cmp);
    copy
}

/// (1/n) Σ x
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The middle value, or the mean of the two middle values.
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let n = sorted.len();
    if n % 2 == 1 { sorted[n / 2] } else { (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0 }
}

/// Clip to the (clip+1)-smallest and the (clip+1)-largest, then the mean; 2·clip = n: the median.
pub fn winsorized(values: &[f64], clip: usize) -> f64 {
    if 2 * clip == values.len() {
        return median(values);
    }
    let mut sorted = sorted(values);
    let (lo, hi) = (sorted[clip], sorted[sorted.len() - 1 - clip]);
    for x in &mut sorted {
        *x = x.clamp(lo, hi);
    }
    mean(&sorted)
}

/// The mean without the `trim` lowest and the `trim` highest, 2·trim < n.
pub fn trimmed(values: &[f64], trim: usize) -> f64 {
    mean(&sorted(values)[trim..values.len() - trim])
}

/// Consecutive items in `k` groups. The sizes are found by dealing the items one by one, in turn,
/// so that the first n mod k groups have one item more.
pub fn groups<T: Clone>(items: &[T], k: usize) -> Vec<Vec<T>> {
    let mut lengths = vec![0; k];
    (0..items.len()).for_each(|i| lengths[i % k] += 1);
    let mut items = items.iter().cloned();
    lengths.into_iter().map(|length| items.by_ref().take(length).collect()).collect()
}

/// The median of the means of `k` groups, 1 ≤ k ≤ n.
pub fn median_of_means(values: &[f64], k: usize) -> f64 {
    median(&groups(values, k).iter().map(|group| mean(group)).collect::<Vec<_>>())
}

/// The mean of the n − f values closest to the median, n > f; of two equally close, the lower.
pub fn mean_around_median(values: &[f64], f: usize) -> f64 {
    let middle = median(values);
    let mut by_closeness = sorted(values);
    by_closeness.sort_by(|a, b| (a - middle).abs().total_cmp(&(b - middle).abs()));
    mean(&by_closeness[..values.len() - f])
}

/// The sign of Σ sign(x), which is −1, 0 or 1; sign(0) = 0.
pub fn sign_majority(values: &[f64]) -> f64 {
    let positive = values.iter().filter(|&&x| x > 0.0).count();
    let negative = values.iter().filter(|&&x| x < 0.0).count();
    (positive as f64 - negative as f64).signum() * f64::from(u8::from(positive != negative))
}

/// Σ ‖y − x_i‖, which the geometric median minimises.
pub fn sum_of_distances(rows: &[Vec<f64>], y: &[f64]) -> f64 {
    rows.iter().map(|x| distance(x, y)).sum()
}

/// For each row the sum of squared distances to its `neighbors` nearest others.
pub fn krum_scores(rows: &[Vec<f64>], neighbors: usize) -> Vec<f64> {
    let score = |i: usize| {
        let others = (0..rows.len()).filter(|&j| j != i);
        let squares: Vec<f64> = others.map(|j| distance(&rows[i], &rows[j]).powi(2)).collect();
        sorted(&squares)[..neighbors].iter().sum()
    };
    (0..rows.len()).map(score).collect()
}

/// The indices of the `keep` rows with the least Krum scores; of equal scores the earlier row first.
pub fn multi_krum(rows: &[Vec<f64>], f: usize, keep: usize) -> Vec<usize> {
    let scores = krum_scores(rows, rows.len() - f - 2);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order.truncate(keep);
    order
}

/// The mean of the n − f rows whose greatest pairwise distance is least.
pub fn minimum_diameter(rows: &[Vec<f64>], f: usize) -> Vec<f64> {
    let n = rows.len();
    let diameter = |subset: &[usize]| {
        let pairs = subset.iter().flat_map(|&i| subset.iter().map(move |&j| (i, j)));
        pairs.map(|(i, j)| distance(&rows[i], &rows[j])).fold(0.0, f64::max)
    };
    let subsets = (0..1u32 << n).filter(|bits| bits.count_ones() as usize == n - f);
    let subsets = subsets.map(|bits| (0..n).filter(|i| bits >> i & 1 == 1).collect::<Vec<_>>());
    let best = subsets.min_by(|a, b| diameter(a).total_cmp(&diameter(b))).expect("n ≥ f");
    mean_row(&best.iter().map(|&i| rows[i].clone()).collect::<Vec<_>>())
}

/// Each row replaced by the mean of itself and its n − f − 1 nearest others.
pub fn mix_nearest(rows: &[Vec<f64>], f: usize) -> Vec<Vec<f64>> {
    let mix = |row: &Vec<f64>| {
        let mut near = rows.to_vec();
        near.sort_by(|a, b| distance(a, row).total_cmp(&distance(b, row)));
        mean_row(&near[..rows.len() - f])
    };
    rows.iter().map(mix).collect()
}
