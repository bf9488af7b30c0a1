//! Vectors of all parameters: dots and running sums in `f64`, and the update of gradient descent.
//!
//! Legend: d: length of a vector, w: parameters \[d\], g: direction \[d\], v: velocity \[d\], η: rate.
//!
//! Work is cut into fixed blocks for the ambient threads; sums over blocks are added in order.

use rayon::prelude::*;

use crate::{Element, Isa, norms::row_dots, product::Output};

/// Coordinates in a thread's unit of work.
const BLOCK: usize = 1 << 14;

/// x · y in `f64`; 0 for vectors of no coordinates.
///
/// # Panics
///
/// When the lengths differ.
///
/// ```
/// use coherence_cpu::{Isa, vectors::dot};
/// assert_eq!(dot(Isa::detect(), &[1.0f32, 2.0], &[3.0, 4.0]), 11.0);
/// ```
pub fn dot<T: Element>(isa: Isa, x: &[T], y: &[T]) -> f64 {
    assert_eq!(x.len(), y.len(), "vectors of one length");
    let blocks = x.par_chunks(BLOCK).zip(y.par_chunks(BLOCK)).map(|(x, y)| {
        let mut dot = [0.0];
        row_dots(isa, x, y, &mut dot);
        dot[0]
    });
    blocks.collect::<Vec<f64>>().into_iter().sum()
}

/// `sum [d] (+)= x`, in `f64`.
///
/// # Panics
///
/// When the lengths differ.
///
/// ```
/// use coherence_cpu::{product::Output, vectors::accumulate};
/// let mut sum = [1.0];
/// accumulate(&[2.0f32], Output::Add, &mut sum);
/// assert_eq!(sum, [3.0]);
/// ```
pub fn accumulate<T: Element>(x: &[T], output: Output, sum: &mut [f64]) {
    assert_eq!(x.len(), sum.len(), "vectors of one length");
    let blocks = sum.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK));
    match output {
        Output::Overwrite => {
            blocks.for_each(|(sum, x)| sum.iter_mut().zip(x).for_each(|(sum, x)| *sum = x.widen()))
        }
        Output::Add => {
            blocks.for_each(|(sum, x)| sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x.widen()))
        }
    }
}

/// An update of stochastic gradient descent with momentum μ and weight decay λ.
///
/// g ← g + λ w; v ← μ v + g; w ← w − η v, or w ← w − η (g + μ v) for Nesterov's momentum. As
/// `torch.optim.SGD` without dampening. The direction itself is not changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Descent<T> {
    /// η.
    pub rate: T,
    /// μ.
    pub momentum: T,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// λ.
    pub weight_decay: T,
}

/// Updates w along g. Without a `velocity` there is no momentum: w ← w − η (g + λ w).
///
/// # Panics
///
/// When the lengths differ.
///
/// ```
/// use coherence_cpu::vectors::{Descent, descend};
/// let by = Descent { rate: 0.5, momentum: 0.5, nesterov: false, weight_decay: 0.0 };
/// let (mut w, mut velocity) = ([1.0f32], [2.0]);
/// descend(by, &[1.0], Some(&mut velocity), &mut w);
/// assert_eq!((w, velocity), ([0.0], [2.0]));
/// ```
pub fn descend<T: Element>(by: Descent<T>, g: &[T], velocity: Option<&mut [T]>, w: &mut [T]) {
    let Descent { rate, momentum, nesterov, weight_decay } = by;
    assert_eq!(g.len(), w.len(), "vectors of one length");
    let pieces = w.par_chunks_mut(BLOCK).zip(g.par_chunks(BLOCK));
    let Some(velocity) = velocity else {
        return pieces.for_each(|(w, g)| {
            w.iter_mut().zip(g).for_each(|(w, &g)| *w = *w - rate * (g + weight_decay * *w));
        });
    };
    assert_eq!(g.len(), velocity.len(), "vectors of one length");
    pieces.zip(velocity.par_chunks_mut(BLOCK)).for_each(|((w, g), v)| {
        for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
            let g = g + weight_decay * *w;
            *v = momentum * *v + g;
            *w = *w - rate * if nesterov { g + momentum * *v } else { *v };
        }
    });
}
