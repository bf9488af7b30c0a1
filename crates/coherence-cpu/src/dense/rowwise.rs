//! Rules over whole rows that need distances to a point and weighted sums: around a centre, or by norms.
//!
//! `n`: rows, `d`: columns.

use coherence_core::{
    aggregate::{
        AggregateError, AnyCoordinateRule, AnyVectorRule, CenterRule, GeometricMedian,
        GeometricMedianOfMeans, Median, NormClipping, Requirements, Rows, Scratch, VectorRule,
        VectorSet, distance_scale, groups,
    },
    finite::{NonFinite, Policy},
};
use rayon::prelude::*;

use super::{
    Columnwise, barycentric::near_geometric_median, finite::first_non_finite, row_set::RowSet,
    sum::weighted_sum,
};
use crate::{Element, Isa};

/// Values that a thread looks at for one that is not finite.
const PIECE: usize = 1 << 16;

/// Rows of which all pairs are looked at, at most: more pairs take longer than the passes that they save.
const MOST_PAIRED: usize = 24;

/// The aggregate of `rows` [n, d] by a rule over whole rows, `out [d]`.
///
/// On all threads: [`GeometricMedian`], [`GeometricMedianOfMeans`],
/// [`CenteredClipping`](coherence_core::aggregate::CenteredClipping) and [`NormClipping`]. Sums run in `f64`. The
/// centre starts at the median of the columns in `T`; the geometric median of up to 24 rows starts where their
/// distances say that it lies. What the core defines for other rules, for values that are not finite, and for `f64`
/// values so large or small that squares of most distances leave the range, the core computes, on one thread.
/// Results depend neither on the number of threads nor on the instruction set.
///
/// `scratch` has the length that [`Requirements::scratch_len`] says for n and d.
///
/// # Errors
///
/// Those of [`VectorRule::aggregate`].
///
/// ```
/// use coherence_core::{aggregate::{AnyVectorRule, CenteredClipping, Requirements, ScratchBuffer}, finite::Policy};
/// use coherence_cpu::dense::aggregate_rows;
///
/// let rule = AnyVectorRule::CenteredClipping(CenteredClipping::new(2.0, 1).unwrap());
/// let mut scratch = ScratchBuffer::new(rule.scratch_len(5, 1));
/// let mut out = [0.0f32];
/// aggregate_rows(rule, &[0.0, 1.0, 5.0, 1.0, 1e9], Policy::Error, scratch.as_scratch(), &mut out)?;
/// assert_eq!(out, [1.6]); // 1 + (−1 + 0 + 2 + 0 + 2)/5
/// # Ok::<(), coherence_core::aggregate::AggregateError>(())
/// ```
pub fn aggregate_rows<T: Element>(
    rule: AnyVectorRule,
    rows: &[T],
    policy: Policy,
    scratch: Scratch<'_>,
    out: &mut [T],
) -> Result<(), AggregateError> {
    let view = Rows::matrix(rows, out.len())?;
    rule.check(view.len())?;
    let needed = rule.scratch_len(view.len(), view.dim());
    let values = scratch.values;
    if values.len() >= needed.values && is_ordinary(rows, policy, out.len())? {
        let set = RowSet { rows, d: out.len() };
        let is_done = match rule {
            AnyVectorRule::NormClipping(rule) => clip_norms(rule, set, values, out),
            AnyVectorRule::GeometricMedianOfMeans(rule) => median_of_means(rule, set, values, out)?,
            AnyVectorRule::GeometricMedian(rule) => {
                geometric_median(rule, set, values, out)?;
                true
            }
            rule => match rule.as_center_rule() {
                Some(rule) => {
                    from_median(rule, set, values, out)?;
                    true
                }
                None => false,
            },
        };
        if is_done {
            return Ok(());
        }
    }
    rule.aggregate(view, policy, Scratch { values, indices: scratch.indices }, out)
}

/// Whether all values are finite, and squares of most distances stay in `f64` without a scale.
fn is_ordinary<T: Element>(rows: &[T], policy: Policy, d: usize) -> Result<bool, NonFinite> {
    let pieces = rows.par_chunks(PIECE).enumerate();
    let first = pieces.find_map_first(|(at, piece)| Some(at * PIECE + first_non_finite(piece)?));
    match first {
        Some(index) if policy == Policy::Error => Err(NonFinite { index }),
        Some(_) => Ok(false),
        // Squares of `f32` stay in `f64` whatever they are.
        None => Ok(size_of::<T>() == size_of::<f32>() || has_unit_scale(rows, d)),
    }
}

/// Whether the core would take rows [n, d] as they are.
fn has_unit_scale<T: Element>(rows: &[T], d: usize) -> bool {
    let largest = |row: &[T]| row.iter().map(|x| x.widen().abs()).fold(0.0, f64::max);
    let mut magnitudes: Vec<f64> = rows.par_chunks(d.max(1)).map(largest).collect();
    distance_scale(&mut magnitudes) == 1.0
}

/// The geometric median: of few rows from nearby, of more from the coordinate-wise median on.
fn geometric_median<T: Element>(
    rule: GeometricMedian,
    set: RowSet<'_, T>,
    scratch: &mut [f64],
    out: &mut [T],
) -> Result<(), AggregateError> {
    let n = set.count();
    let weights =
        (n <= MOST_PAIRED).then(|| near_geometric_median(&set.squares_between(), n)).flatten();
    let Some(weights) = weights else {
        return from_median(&rule, set, scratch, out);
    };
    let (center, scratch) = scratch.split_at_mut(set.d);
    let origin = &mut scratch[..set.d];
    origin.fill(0.0);
    set.weighted_sum(origin, &weights, center);
    around_center(&rule, set, center, scratch, out)
}

/// The rule from the coordinate-wise median on.
fn from_median<T: Element>(
    rule: &dyn CenterRule,
    set: RowSet<'_, T>,
    scratch: &mut [f64],
    out: &mut [T],
) -> Result<(), AggregateError> {
    let (center, scratch) = scratch.split_at_mut(set.d);
    let median = Columnwise::new(AnyCoordinateRule::Median(Median), set.count())?;
    median.aggregate(set.rows, Policy::Error, out)?;
    center.iter_mut().zip(&*out).for_each(|(center, x)| *center = x.widen());
    around_center(rule, set, center, scratch, out)
}

/// The rule from `center` on.
fn around_center<T: Element>(
    rule: &dyn CenterRule,
    set: RowSet<'_, T>,
    center: &mut [f64],
    scratch: &mut [f64],
    out: &mut [T],
) -> Result<(), AggregateError> {
    match rule.move_center(&set, center, scratch)? {
        Some(i) => out.copy_from_slice(&set.rows[i * set.d..][..set.d]),
        None => out.iter_mut().zip(center).for_each(|(out, x)| *out = T::narrow(*x)),
    }
    Ok(())
}

/// The geometric median of the means of groups; not done where the means leave the range of ordinary numbers.
fn median_of_means<T: Element>(
    rule: GeometricMedianOfMeans,
    set: RowSet<'_, T>,
    scratch: &mut [f64],
    out: &mut [T],
) -> Result<bool, AggregateError> {
    let (n, d, k) = (set.count(), set.d, rule.groups);
    let (means, rest) = scratch.split_at_mut(k * d);
    let (middle, scratch) = rest.split_at_mut(d);
    middle.fill(0.0);
    for (group, mean) in groups(n, k).zip(means.chunks_exact_mut(d)) {
        let rows = &set.rows[group.start * d..group.end * d];
        RowSet { rows, d }.weighted_sum(middle, &vec![1.0; group.len()], mean);
        mean.iter_mut().for_each(|sum| *sum /= group.len() as f64);
    }
    let means = RowSet { rows: &*means, d };
    if !is_ordinary(means.rows, Policy::Propagate, d)? {
        return Ok(false);
    }
    geometric_median(rule.median, means, scratch, middle)?;
    out.iter_mut().zip(middle).for_each(|(out, x)| *out = T::narrow(*x));
    Ok(true)
}

/// The mean of the rows shortened to the limit; not done where a norm or a factor leaves the range of `f64`.
fn clip_norms<T: Element>(
    rule: NormClipping,
    set: RowSet<'_, T>,
    scratch: &mut [f64],
    out: &mut [T],
) -> bool {
    let factors = &mut scratch[..set.count()];
    set.distances(&vec![0.0; set.d], factors);
    factors.iter_mut().for_each(|norm| *norm = rule.factor(*norm));
    let is_exact = |factor: &f64| factor.is_normal() || rule.limit() == 0.0;
    let is_done = factors.iter().all(is_exact);
    if is_done {
        weighted_sum(Isa::detect(), set.rows, factors, factors.len() as f64, out);
    }
    is_done
}
