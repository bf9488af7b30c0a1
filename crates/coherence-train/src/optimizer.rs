//! Stochastic gradient descent with momentum and weight decay, coordinate by coordinate.
//!
//! Legend: d: parameters, w: parameters \[d\], g: direction \[d\], v: velocity \[d\], η: rate.

use crate::Config;
use rayon::prelude::*;

/// The settings of [`Config`] that turn a direction into an update.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Optimizer {
    /// μ.
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
    /// λ.
    pub(crate) weight_decay: f64,
}

/// Coordinates in a thread's unit of work. Coordinates are independent of each other, so that results do
/// not depend on it.
const PIECE: usize = 1 << 14;

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
    pub(crate) fn velocity(self, d: usize) -> Vec<f32> {
        if self.momentum == 0.0 { Vec::new() } else { vec![0.0; d] }
    }

    /// g ← g + λ w; v ← μ v + g; w ← w − η v, or w ← w − η (g + μ v) for Nesterov's momentum; without momentum
    /// `velocity` is empty and w ← w − η g. As `torch.optim.SGD` without dampening.
    pub(crate) fn update(self, rate: f64, w: &mut [f32], g: &[f32], velocity: &mut [f32]) {
        let [rate, momentum, decay] = [rate, self.momentum, self.weight_decay].map(|x| x as f32);
        let pieces = w.par_chunks_mut(PIECE).zip(g.par_chunks(PIECE));
        if velocity.is_empty() {
            pieces.for_each(|(w, g)| {
                w.iter_mut().zip(g).for_each(|(w, g)| *w -= rate * (g + decay * *w));
            });
            return;
        }
        pieces.zip(velocity.par_chunks_mut(PIECE)).for_each(|((w, g), v)| {
            for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
                let g = g + decay * *w;
                *v = momentum * *v + g;
                *w -= rate * if self.nesterov { g + momentum * *v } else { *v };
            }
        });
    }
}
