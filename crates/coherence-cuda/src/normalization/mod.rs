//! Normalisation by moments: the definitions of `coherence_cpu::normalize`.
//!
//! x [rows, c] for batch normalisation, x [n, positions, c] of n items for group normalisation. Statistics and
//! sums are `f64`: means μ, biased variances σ² and inverse deviations 1/√(σ² + ε). `affine` [2 c] is the scale
//! γ \[c\], then the shift β \[c\].

mod batch;
mod group;
mod segments;

pub use batch::{
    backward_evaluation, backward_training, batch_example_gradients, batch_forward,
    batch_gradients, batch_moments, running_moments, update_running,
};
pub use group::{group_backward, group_example_gradients, group_forward, group_moments};
pub(crate) use segments::{Segments, sum_segments};

use crate::{
    View, ViewMut,
    argument::{Arguments, ByValue, Structure, add, blocks_for},
    engine::{Engine, Real},
};
use coherence_cpu::{normalize::group::Groups, product::Output};

/// Means and inverse deviations of a batch's channels \[c\], or of items and groups [n, groups].
#[derive(Debug, Clone, Copy)]
pub struct StandardizationView<'a> {
    /// The means μ.
    pub mean: View<'a, f64>,
    /// The inverse deviations 1/√(σ² + ε).
    pub inverse: View<'a, f64>,
}

impl StandardizationView<'_> {
    fn check(&self, engine: &impl Engine, len: usize) {
        self.mean.check(engine, len);
        self.inverse.check(engine, len);
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Normalized {
    items: u64,
    positions: u64,
    channels: u64,
    groups: u64,
    width: u64,
}

// SAFETY: five numbers in the order of structures.h.
unsafe impl Structure for Normalized {
    const NAME: &'static str = "Normalized";
}

impl Normalized {
    /// The rows of a batch are one item, whose channels are its groups.
    fn from_batch(rows: usize, channels: usize) -> ByValue<Self> {
        let (positions, channels) = (rows as u64, channels as u64);
        ByValue(Self { items: 1, positions, channels, groups: channels, width: 1 })
    }

    fn from_groups(groups: Groups, items: usize) -> ByValue<Self> {
        let [items, positions, channels, groups] =
            [items, groups.positions(), groups.channels(), groups.groups()].map(|size| size as u64);
        ByValue(Self { items, positions, channels, groups, width: channels / groups })
    }
}

/// `out = γ (x − μ)/√(σ² + ε) + β`; the statistics are checked.
fn forward<T: Real>(
    engine: &impl Engine,
    layout: ByValue<Normalized>,
    x: View<'_, T>,
    by: StandardizationView<'_>,
    affine: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let n = x.len();
    x.check(engine, n);
    out.check(engine, n);
    affine.check(engine, 2 * layout.0.channels as usize);
    let arguments = (x, by.mean, by.inverse, affine, layout, out, n);
    // SAFETY: x and out have n values, whole items of the layout, whose statistics `by` has; affine has two
    // numbers for each channel.
    unsafe { arguments.launch::<T>(engine, "normalize", blocks_for(n)) }
}

/// `inverse = 1/√(variance + ε)`.
pub fn inverse_deviations(
    engine: &impl Engine,
    variance: View<'_, f64>,
    epsilon: f64,
    inverse: ViewMut<'_, f64>,
) {
    let n = variance.len();
    variance.check(engine, n);
    inverse.check(engine, n);
    let arguments = (variance, epsilon, inverse, n);
    // SAFETY: both have n numbers on this engine.
    unsafe { arguments.launch::<f64>(engine, "inverse_deviations", blocks_for(n)) }
}

/// `to` (+)= `from`, rounded to the nearest element.
pub fn narrow<T: Real>(
    engine: &impl Engine,
    from: View<'_, f64>,
    output: Output,
    to: ViewMut<'_, T>,
) {
    let n = from.len();
    from.check(engine, n);
    to.check(engine, n);
    // SAFETY: both have n numbers on this engine.
    unsafe { (from, add(output), to, n).launch::<T>(engine, "narrow", blocks_for(n)) }
}
