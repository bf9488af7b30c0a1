//! Stochastic gradient descent with momentum and weight decay, coordinate by coordinate.
//!
//! Legend: d: parameters, w: parameters \[d\], g: direction \[d\], v: velocity \[d\], η: rate.

use crate::Config;
use coherence_cpu::vectors::Descent;
use coherence_nn::device::{Device, Memory};
use core::ops::Range;

/// The settings of [`Config`] that turn a direction into an update, a [`Descent`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Optimizer {
    /// μ.
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
    /// λ.
    pub(crate) weight_decay: f64,
}

impl Optimizer {
    pub(crate) fn new(config: &Config) -> Self {
        let Config { momentum, nesterov, weight_decay, .. } = *config;
        Self { momentum, nesterov, weight_decay }
    }

    /// Whether an update is w ← w − η g.
    pub(crate) fn is_plain(self) -> bool {
        self.momentum == 0.0 && self.weight_decay == 0.0
    }

    /// The velocity before the first update: 0 \[d\], or empty without momentum.
    pub(crate) fn velocity<D: Memory>(self, device: &D, d: usize) -> D::Buffer<f32> {
        device.zeros(if self.momentum == 0.0 { 0 } else { d })
    }

    /// Updates the coordinates `range` of all parameters: `w` along the direction `g`, and their `velocity`, which
    /// is that of all, or empty.
    pub(crate) fn update<D: Device<f32>>(
        self,
        device: &D,
        rate: f64,
        g: D::Slice<'_, f32>,
        velocity: &mut D::Buffer<f32>,
        range: Range<usize>,
        w: D::SliceMut<'_, f32>,
    ) {
        let [rate, momentum, weight_decay] =
            [rate, self.momentum, self.weight_decay].map(|x| x as f32);
        let by = Descent { rate, momentum, nesterov: self.nesterov, weight_decay };
        let has_velocity = D::len(D::view(velocity)) > 0;
        let velocity = has_velocity.then(|| D::part_mut(D::view_mut(velocity), range));
        device.descend(by, g, velocity, w);
    }
}
