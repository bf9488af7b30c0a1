//! Aggregates of the rows of a dense matrix [n, d].
//!
//! The mean, the winsorised and trimmed means and the median of columns are computed by
//! [`select_columns`].

use crate::{
    Buffer, View, ViewMut,
    argument::{Arguments, blocks_for, blocks_of},
    engine::{Engine, Real},
    select::select_columns,
};
use coherence_core::aggregate::{
    AggregateError, Median, MedianOfMeans, MultiKrum, Requirements, groups,
};
use coherence_cpu::dense::KrumChoice;

/// The median of the means of k groups of rows, `out [d]`; the groups are [`groups`]`(n, k)`, their means are
/// summed in `f64` and rounded to `T`. The means of some columns at a time are kept, in
/// [`Engine::scratch_bytes`] where a column is not larger.
///
/// # Errors
///
/// The core's error unless 1 ≤ k ≤ n.
///
/// # Panics
///
/// When `rows` is not rows of the length of `out`.
pub fn median_of_means<T: Real>(
    engine: &impl Engine,
    rule: MedianOfMeans,
    rows: View<'_, T>,
    mut out: ViewMut<'_, T>,
) -> Result<(), AggregateError> {
    let (d, k) = (out.len(), rule.groups);
    if d == 0 {
        return Ok(());
    }
    let n = rows.len() / d;
    rows.check(engine, n * d);
    out.check(engine, d);
    rule.check(n)?;
    let ends = groups(n, k).map(|group| index(group.end));
    let bounds = Buffer::from_host(engine, &[0].into_iter().chain(ends).collect::<Vec<_>>());
    let width = (engine.scratch_bytes() / size_of::<T>() / k).clamp(1, d);
    let mut means = Buffer::unspecified(engine, k * width);
    for start in (0..d).step_by(width) {
        let columns = start..d.min(start + width);
        let (width, len) = (columns.len(), k * columns.len());
        let to = means.view_mut().part(0..len);
        let arguments = (rows, bounds.view(), k, d, start, width, to);
        // SAFETY: rows are [n, d] with the columns, bounds k + 1 ascending numbers up to n, the means [k, width],
        // on this engine.
        unsafe { arguments.launch::<T>(engine, "means_of_groups", blocks_for(len)) }
        select_columns(
            engine,
            Median,
            means.view().part(0..len),
            None,
            out.reborrow().part(columns),
        );
    }
    Ok(())
}

/// The Gram matrix [n, n] of n rows, in `f64`: `G[e, f] = x_e · x_f`. It is exactly symmetric.
///
/// # Panics
///
/// When `rows` is not n > 0 rows of one width.
pub fn gram<T: Real>(engine: &impl Engine, rows: View<'_, T>, n: usize) -> Vec<f64> {
    let pairs: Vec<_> = (0..n).flat_map(|e| (0..=e).map(move |f| [e, f])).collect();
    let mut gram = vec![0.0; n * n];
    for ([e, f], dot) in pairs.iter().zip(of_pairs(engine, rows, n, &pairs, false)) {
        (gram[e * n + f], gram[f * n + e]) = (dot, dot);
    }
    gram
}

/// Multi-Krum: the mean of the rows that [`coherence_cpu::dense::multi_krum`] chooses, `out [d]`, and their
/// indices in ascending order. Krum keeps one.
///
/// # Errors
///
/// The core's error unless n ≥ 2f + 3 and 1 ≤ keep ≤ n − f.
///
/// # Panics
///
/// When `rows` is not `n` > 0 rows of the length of `out`.
pub fn multi_krum<T: Real>(
    engine: &impl Engine,
    rule: MultiKrum,
    rows: View<'_, T>,
    n: usize,
    out: ViewMut<'_, T>,
) -> Result<Vec<usize>, AggregateError> {
    rule.check(n)?;
    let d = out.len();
    out.check(engine, d);
    assert_eq!(rows.len(), n * d, "{n} rows of {d} values");
    let choice = KrumChoice::from_gram::<T>(rule, &gram(engine, rows, n), n, d);
    let squares = of_pairs(engine, rows, n, choice.pairs(), true);
    let kept = choice.decide(&squares);
    let chosen = Buffer::from_host(engine, &kept.iter().map(|&e| index(e)).collect::<Vec<_>>());
    let arguments = (rows, chosen.view(), kept.len(), d, out);
    // SAFETY: rows are [n, d], out [d], the chosen indices below n, on this engine.
    unsafe { arguments.launch::<T>(engine, "mean_of_rows", blocks_for(d)) }
    Ok(kept)
}

/// The dots, or squared distances, of pairs of rows.
fn of_pairs<T: Real>(
    engine: &impl Engine,
    rows: View<'_, T>,
    n: usize,
    pairs: &[[usize; 2]],
    are_distances: bool,
) -> Vec<f64> {
    assert!(n > 0 && rows.len().is_multiple_of(n), "{} values in {n} rows", rows.len());
    rows.check(engine, rows.len());
    let (d, count) = (rows.len() / n, pairs.len());
    let indices: Vec<u32> = pairs.as_flattened().iter().map(|&e| index(e)).collect();
    assert!(indices.iter().all(|&e| (e as usize) < n), "pairs of {n} rows");
    let (indices, mut out) =
        (Buffer::from_host(engine, &indices), Buffer::unspecified(engine, count));
    let arguments = (rows, indices.view(), count, d, u32::from(are_distances), out.view_mut());
    // SAFETY: rows are [n, d], the indices below n, two for each value of out, on this engine.
    unsafe { arguments.launch::<T>(engine, "pairs_of_rows", blocks_of(count)) }
    let mut values = vec![0.0; count];
    out.view().download(engine, &mut values);
    values
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("fewer than 2³² rows")
}
