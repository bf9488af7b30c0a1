//! Group normalisation: one mean and one variance for each example and group of channels.
//!
//! Layer normalisation over the channels is one group at one position ([`Groups::layer`]): then every
//! position of an example is normalised by itself, and counts as an item here.
//! x [n, positions, c] with n items; statistics [n, groups]. Examples are independent in training, too.

use core::fmt;

use rayon::prelude::*;

use super::{
    Standardization,
    moments::moments_here,
    rows::{Map, Sums},
    runs::{self, Runs},
};
use crate::{Element, Isa, product::Output, scratch::Scratch};

/// The values that are normalised together.
///
/// ```
/// use coherence_cpu::normalize::group::Groups;
/// assert_eq!(Groups::new(49, 64, 32)?.values(), 98);
/// assert!(Groups::new(49, 64, 3).is_err());
/// # Ok::<(), coherence_cpu::normalize::group::GroupsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    positions: usize,
    channels: usize,
    groups: usize,
}

/// Channels that cannot be divided into the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupsError {
    /// The number of channels.
    pub channels: usize,
    /// The number of groups.
    pub groups: usize,
}

impl fmt::Display for GroupsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channels, groups } = self;
        write!(
            f,
            "{channels} channels in {groups} groups (the groups must be of one size, at least 1)"
        )
    }
}

impl core::error::Error for GroupsError {}

impl Groups {
    /// `groups` groups of channels, each over all `positions` of an item.
    ///
    /// # Errors
    ///
    /// [`GroupsError`] unless the channels can be divided into the groups.
    pub fn new(positions: usize, channels: usize, groups: usize) -> Result<Self, GroupsError> {
        if groups == 0 || channels == 0 || !channels.is_multiple_of(groups) {
            return Err(GroupsError { channels, groups });
        }
        Ok(Self { positions, channels, groups })
    }

    /// Layer normalisation over `channels` at every position.
    ///
    /// # Errors
    ///
    /// [`GroupsError`] without channels.
    pub fn layer(channels: usize) -> Result<Self, GroupsError> {
        Self::new(1, channels, 1)
    }

    /// The number of values that share a mean: positions · c / groups.
    pub fn values(&self) -> usize {
        self.positions * self.width()
    }

    /// Positions of an item.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// Channels of an item.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The number of groups of channels.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Channels of a group.
    fn width(&self) -> usize {
        self.channels / self.groups
    }

    /// Values of an item.
    fn item(&self) -> usize {
        self.positions * self.channels
    }

    /// Whether the values of a group are contiguous.
    fn are_runs(&self) -> bool {
        self.positions == 1
    }

    /// The number of items of `len` values.
    ///
    /// # Panics
    ///
    /// Unless they are whole items.
    pub fn items(&self, len: usize) -> usize {
        if len == 0 {
            return 0;
        }
        assert!(self.item() > 0 && len.is_multiple_of(self.item()), "{len} values for {self:?}");
        len / self.item()
    }
}

/// Mean and biased variance of every item and group, [n, groups].
///
/// # Panics
///
/// When a slice's length does not fit.
///
/// ```
/// use coherence_cpu::{Isa, normalize::group::{Groups, moments}};
/// let (mut mean, mut variance) = ([0.0; 2], [0.0; 2]);
/// let groups = Groups::new(1, 4, 2)?;
/// moments(Isa::detect(), groups, &[1.0f32, 3.0, 5.0, 5.0], &mut mean, &mut variance);
/// assert_eq!((mean, variance), ([2.0, 5.0], [1.0, 0.0]));
/// # Ok::<(), coherence_cpu::normalize::group::GroupsError>(())
/// ```
pub fn moments<T: Element>(
    isa: Isa,
    groups: Groups,
    x: &[T],
    mean: &mut [f64],
    variance: &mut [f64],
) {
    let statistics = groups.items(x.len()) * groups.groups;
    assert_eq!((mean.len(), variance.len()), (statistics, statistics), "statistics of {groups:?}");
    if x.is_empty() {
        return;
    }
    if groups.are_runs() {
        let statistics = least_items(groups) * groups.groups;
        let chunks = x.par_chunks(statistics * groups.width());
        let out = mean.par_chunks_mut(statistics).zip(variance.par_chunks_mut(statistics));
        return chunks.zip(out).for_each(|(x, (mean, variance))| {
            runs::moments(isa, groups.width(), x, mean, variance);
        });
    }
    let c = groups.channels;
    let out =
        mean.par_chunks_exact_mut(groups.groups).zip(variance.par_chunks_exact_mut(groups.groups));
    x.par_chunks_exact(groups.item()).zip(out).with_min_len(least_items(groups)).for_each(
        |(x, (mean, variance))| {
            let channels = &mut *Scratch::<f64>::new(2 * c);
            let (means, variances) = channels.split_at_mut(c);
            moments_here(isa, x, means, variances);
            let group =
                means.chunks_exact(groups.width()).zip(variances.chunks_exact(groups.width()));
            for ((means, variances), (mean, variance)) in group.zip(mean.iter_mut().zip(variance)) {
                let width = means.len() as f64;
                *mean = means.iter().sum::<f64>() / width;
                let terms = means.iter().zip(variances).map(|(m, v)| v + (m - *mean) * (m - *mean));
                *variance = terms.sum::<f64>() / width;
            }
        },
    );
}

/// Forward: `out = scale[j] · x̂ + shift[j]`. x and out [n, positions, c]; scale and shift \[c\].
///
/// # Panics
///
/// When a slice's length does not fit.
///
/// ```
/// use coherence_cpu::{Isa, normalize::{Standardization, group}};
/// let groups = group::Groups::layer(2)?;
/// let by = Standardization::from_moments(vec![2.0], &[1.0], 0.0);
/// let mut out = [0.0f32; 2];
/// group::forward(Isa::detect(), groups, &[1.0, 3.0], &by, &[10.0, 1.0], &[0.5, 0.0], &mut out);
/// assert_eq!(out, [-9.5, 1.0]);
/// # Ok::<(), group::GroupsError>(())
/// ```
pub fn forward<T: Element>(
    isa: Isa,
    groups: Groups,
    x: &[T],
    by: &Standardization,
    scale: &[T],
    shift: &[T],
    out: &mut [T],
) {
    check(groups, x, by);
    assert_eq!((scale.len(), shift.len()), (groups.channels, groups.channels), "scale and shift");
    assert_eq!(x.len(), out.len(), "as many outputs as inputs");
    if x.is_empty() {
        return;
    }
    if groups.are_runs() {
        let items = least_items(groups);
        let len = items * groups.item();
        let chunks = x.par_chunks(len).zip(out.par_chunks_mut(len));
        return chunks.enumerate().for_each(|(chunk, (x, out))| {
            let runs = Runs::new(groups.width(), by, chunk * items * groups.groups);
            runs.forward(isa, x, [scale, shift], out);
        });
    }
    let items = x.par_chunks_exact(groups.item()).zip(out.par_chunks_exact_mut(groups.item()));
    items.enumerate().with_min_len(least_items(groups)).for_each(|(item, (x, out))| {
        let map = Map::new(isa, groups.channels, |j| {
            let at = item * groups.groups + j / groups.width();
            let factor = scale[j].widen() * by.inverse[at];
            [factor, shift[j].widen() - by.mean[at] * factor].map(T::narrow)
        });
        map.affine(x, out);
    });
}

/// Backward, through the statistics:
/// `out (+)= (γδ − mean(γδ) − x̂ · mean(γδ · x̂)) / √(σ² + ε)`, both means over the item's group.
/// x, delta and out [n, positions, c].
///
/// # Panics
///
/// When a slice's length does not fit.
///
/// ```
/// use coherence_cpu::{Isa, normalize::{Standardization, group}, product::Output};
/// // whatever two values are, they are normalised to -1 and 1: nothing depends on them
/// let groups = group::Groups::layer(2)?;
/// let by = Standardization::from_moments(vec![2.0], &[1.0], 0.0);
/// let mut out = [9.0f32; 2];
/// let inputs = [&[1.0, 3.0][..], &[5.0, 7.0]];
/// group::backward(Isa::detect(), groups, inputs, &by, &[1.0, 1.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [0.0, 0.0]);
/// # Ok::<(), group::GroupsError>(())
/// ```
pub fn backward<T: Element>(
    isa: Isa,
    groups: Groups,
    [x, delta]: [&[T]; 2],
    by: &Standardization,
    scale: &[T],
    output: Output,
    out: &mut [T],
) {
    check(groups, x, by);
    assert_eq!((delta.len(), out.len()), (x.len(), x.len()), "deltas and outputs of the inputs");
    assert_eq!(scale.len(), groups.channels, "a scale for every channel");
    if x.is_empty() {
        return;
    }
    if groups.are_runs() {
        let items = least_items(groups);
        let len = items * groups.item();
        let chunks = x.par_chunks(len).zip(delta.par_chunks(len)).zip(out.par_chunks_mut(len));
        return chunks.enumerate().for_each(|(chunk, ((x, delta), out))| {
            let runs = Runs::new(groups.width(), by, chunk * items * groups.groups);
            runs.backward(isa, [x, delta], scale, output == Output::Add, out);
        });
    }
    let len = groups.item();
    let items = x.par_chunks_exact(len).zip(delta.par_chunks_exact(len));
    items
        .zip(out.par_chunks_exact_mut(len))
        .enumerate()
        .with_min_len(least_items(groups))
        .for_each(|(item, ((x, delta), out))| {
            let item = item * groups.groups..(item + 1) * groups.groups;
            let statistics = [&by.mean[item.clone()], &by.inverse[item]];
            item_backward(isa, groups, [x, delta], statistics, scale)
                .backward(x, delta, output, out);
        });
}

/// The coefficients of backward for one item with its `[mean, inverse]`.
fn item_backward<T: Element>(
    isa: Isa,
    groups: Groups,
    inputs: [&[T]; 2],
    [mean, inverse]: [&[f64]; 2],
    scale: &[T],
) -> Map<T, 4> {
    let (c, width) = (groups.channels, groups.width());
    let sums = &mut *Scratch::<f64>::new(2 * c);
    let (products, deltas) = sums.split_at_mut(c);
    Sums::new(isa, c).products(inputs, |j| mean[j / width], products, deltas);
    for (sum, scale) in products.iter_mut().zip(scale).chain(deltas.iter_mut().zip(scale)) {
        *sum *= scale.widen();
    }
    let of_group = |sums: &mut [f64]| {
        for sums in sums.chunks_exact_mut(width) {
            let mean = sums.iter().sum::<f64>() / groups.values() as f64;
            sums.fill(mean);
        }
    };
    of_group(products);
    of_group(deltas);
    Map::new(isa, c, |j| {
        let (mean, inverse) = (mean[j / width], inverse[j / width]);
        let k = inverse * inverse * inverse * products[j];
        [scale[j].widen() * inverse, inverse * deltas[j], mean, k].map(T::narrow)
    })
}

/// The gradients of every example with respect to scale and shift:
/// `scale_rows[e, j] = Σ delta · x̂`, `shift_rows[e, j] = Σ delta` over the items and positions of
/// example e. The results [m, c]; an example has n / m items (one, or for layer normalisation as many as
/// it has positions). The gradients of the SUM loss are the column sums of the results.
///
/// # Panics
///
/// When a slice's length does not fit, or the items cannot be divided among the examples.
///
/// ```
/// use coherence_cpu::{Isa, normalize::{Standardization, group}};
/// let groups = group::Groups::layer(2)?;
/// let by = Standardization::from_moments(vec![2.0, 0.0], &[1.0, 1.0], 0.0);
/// let (x, delta) = ([1.0f32, 3.0, -1.0, 1.0], [5.0, 7.0, 1.0, 2.0]);
/// let (mut scale, mut shift) = ([0.0; 2], [0.0; 2]);
/// group::example_gradients(Isa::detect(), groups, &x, &delta, &by, &mut scale, &mut shift);
/// assert_eq!((scale, shift), ([-6.0, 9.0], [6.0, 9.0]));
/// # Ok::<(), group::GroupsError>(())
/// ```
pub fn example_gradients<T: Element>(
    isa: Isa,
    groups: Groups,
    x: &[T],
    delta: &[T],
    by: &Standardization,
    scale_rows: &mut [T],
    shift_rows: &mut [T],
) {
    let (c, items) = (groups.channels, check(groups, x, by));
    assert_eq!((x.len(), scale_rows.len()), (delta.len(), shift_rows.len()), "rows of one length");
    assert!(scale_rows.len().is_multiple_of(c), "rows of {c} channels");
    let m = scale_rows.len() / c;
    if items == 0 {
        scale_rows.fill(T::zero());
        shift_rows.fill(T::zero());
        return;
    }
    assert!(m > 0 && items.is_multiple_of(m), "{items} items of {m} examples");
    let (each, len) = (items / m, items / m * groups.item());
    let rows = scale_rows.par_chunks_exact_mut(c).zip(shift_rows.par_chunks_exact_mut(c));
    x.par_chunks_exact(len).zip(delta.par_chunks_exact(len)).zip(rows).enumerate().for_each(
        |(e, ((x, delta), (scale, shift)))| {
            let item = e * each * groups.groups..(e + 1) * each * groups.groups;
            let statistics = [&by.mean[item.clone()], &by.inverse[item]];
            example(isa, groups, [x, delta], statistics, scale, shift);
        },
    );
}

/// The gradients of one example with the `[mean, inverse]` of its items.
fn example<T: Element>(
    isa: Isa,
    groups: Groups,
    [x, delta]: [&[T]; 2],
    [mean, inverse]: [&[f64]; 2],
    scale: &mut [T],
    shift: &mut [T],
) {
    let (c, width) = (groups.channels, groups.width());
    let buffers = &mut *Scratch::<f64>::new(4 * c);
    let (totals, parts) = buffers.split_at_mut(2 * c);
    totals.fill(0.0);
    if groups.are_runs() {
        let (of_scale, of_shift) = totals.split_at_mut(c);
        Runs { width, mean, inverse }.add_gradients(isa, [x, delta], of_scale, of_shift);
    } else {
        add_gradients(isa, groups, [x, delta], [mean, inverse], totals, parts);
    }
    scale.iter_mut().zip(&totals[..c]).for_each(|(out, sum)| *out = T::narrow(*sum));
    shift.iter_mut().zip(&totals[c..]).for_each(|(out, sum)| *out = T::narrow(*sum));
}

/// Adds `Σ delta · x̂` and `Σ delta` of one example to `totals`, one after the other; `parts` is
/// overwritten.
fn add_gradients<T: Element>(
    isa: Isa,
    groups: Groups,
    [x, delta]: [&[T]; 2],
    [mean, inverse]: [&[f64]; 2],
    totals: &mut [f64],
    parts: &mut [f64],
) {
    let (c, width) = (groups.channels, groups.width());
    let (products, deltas) = parts.split_at_mut(c);
    let mut sums = Sums::new(isa, c);
    let items = x.chunks_exact(groups.item()).zip(delta.chunks_exact(groups.item()));
    let statistics = mean.chunks_exact(groups.groups).zip(inverse.chunks_exact(groups.groups));
    for ((x, delta), (mean, inverse)) in items.zip(statistics) {
        sums.products([x, delta], |j| mean[j / width], products, deltas);
        for j in 0..c {
            totals[j] += products[j] * inverse[j / width];
            totals[c + j] += deltas[j];
        }
    }
}

/// Asserts that there are statistics for all items of `x`, and returns their number.
fn check<T>(groups: Groups, x: &[T], by: &Standardization) -> usize {
    let items = groups.items(x.len());
    assert_eq!(by.mean.len(), items * groups.groups, "statistics of {items} items, {groups:?}");
    items
}

/// The least number of items for a thread.
fn least_items(groups: Groups) -> usize {
    1 + (1 << 13) / groups.item()
}
