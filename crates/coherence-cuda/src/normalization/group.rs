//! Group normalisation: one mean and one variance for each item and group of channels.

use super::{Normalized, StandardizationView, forward, narrow, segments::Segments};
use crate::{
    View, ViewMut,
    argument::{Arguments, add, blocks_of},
    engine::{Engine, Real},
};
use coherence_cpu::{normalize::group::Groups, product::Output};

/// Means and biased variances of every item and group, [n, groups].
pub fn group_moments<T: Real>(
    engine: &impl Engine,
    groups: Groups,
    x: View<'_, T>,
    mean: ViewMut<'_, f64>,
    variance: ViewMut<'_, f64>,
) {
    let count = groups.items(x.len()) * groups.groups();
    x.check(engine, x.len());
    mean.check(engine, count);
    variance.check(engine, count);
    let layout = Normalized::from_groups(groups, groups.items(x.len()));
    let arguments = (x, layout, mean, variance, count);
    // SAFETY: x has the items whose groups are counted, with a mean and a variance each, on this engine.
    unsafe { arguments.launch::<T>(engine, "group_moments", blocks_of(count)) }
}

/// `out = γ x̂ + β` by the moments of groups. x and out [n, positions, c].
pub fn group_forward<T: Real>(
    engine: &impl Engine,
    groups: Groups,
    x: View<'_, T>,
    by: StandardizationView<'_>,
    affine: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let items = groups.items(x.len());
    by.check(engine, items * groups.groups());
    forward(engine, Normalized::from_groups(groups, items), x, by, affine, out);
}

/// Backward through the statistics: `out (+)= (γδ − mean(γδ) − x̂ · mean(γδ · x̂)) / √(σ² + ε)`, both means over
/// the item's group. x, delta and out [n, positions, c].
pub fn group_backward<T: Real>(
    engine: &impl Engine,
    groups: Groups,
    [x, delta]: [View<'_, T>; 2],
    by: StandardizationView<'_>,
    scale: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let items = groups.items(x.len());
    let count = items * groups.groups();
    by.check(engine, count);
    scale.check(engine, groups.channels());
    x.check(engine, x.len());
    delta.check(engine, x.len());
    out.check(engine, x.len());
    let (mean, inverse) = (by.mean, by.inverse);
    let layout = Normalized::from_groups(groups, items);
    let arguments = (x, delta, mean, inverse, scale, layout, add(output), out, count);
    // SAFETY: x, delta and out have the items whose groups are counted, with statistics each, and scale has a
    // number for each channel, on this engine.
    unsafe { arguments.launch::<T>(engine, "group_backward", blocks_of(count)) }
}

/// The gradients [m, c] of each example's loss with respect to γ and β: Σ δ x̂ and Σ δ over the items and
/// positions of an example.
pub fn group_example_gradients<T: Real>(
    engine: &impl Engine,
    groups: Groups,
    [x, delta]: [View<'_, T>; 2],
    by: StandardizationView<'_>,
    gradients: [ViewMut<'_, T>; 2],
) {
    let (items, channels) = (groups.items(x.len()), groups.channels());
    by.check(engine, items * groups.groups());
    let m = gradients[0].len() / channels;
    let each = items.checked_div(m).unwrap_or(0);
    assert_eq!(each * m, items, "{items} items of {m} examples");
    let segments = Segments::with_count(m, each * groups.positions(), channels);
    let layout = Normalized::from_groups(groups, items);
    let sums = segments.gradients(engine, layout, [x, delta], by);
    sums.iter()
        .zip(gradients)
        .for_each(|(sums, out)| narrow(engine, sums.view(), Output::Overwrite, out));
}
