//! One step of Weiszfeld's iteration, and bounds for the point that it reached.
//!
//! n vectors x_i, d coordinates, y the iterate; the proofs are in [`GeometricMedian`](super::GeometricMedian).

use num_traits::Float;

use super::coordinate::OverValues;
use super::scaled::{Scaled, norm};
use super::{Median, VectorSet};
use crate::number::dot;

/// Bounds for a point that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// The steps made.
    pub iterations: usize,
    /// ρ, the length per vector of the shortest subgradient.
    pub residual: f64,
    /// F, the sum of distances there.
    pub sum_of_distances: f64,
    /// L, a lower bound for the sum of distances of any point.
    pub lower_bound: f64,
}

/// The coordinate-wise median of `rows` `[n, d]` into `y` `[d]`; `column` `[at least n]`.
pub(super) fn start<T: Float>(rows: Scaled<'_, T>, column: &mut [f64], y: &mut [f64]) {
    let column = &mut column[..rows.len()];
    for (j, slot) in y.iter_mut().enumerate() {
        column.iter_mut().enumerate().for_each(|(i, value)| *value = rows.value(i, j));
        *slot = Median.compute(column);
    }
}

/// ‖x − y‖ for a vector x `[d]` and a point y `[d]`.
pub(super) fn distance(x: impl Iterator<Item = f64> + Clone, y: &[f64]) -> f64 {
    norm(x.zip(y).map(|(x, y)| x - y))
}

/// How often a Newton step is halved before it is abandoned.
const MOST_HALVINGS: usize = 12;

/// Vectors, and what is known of each at the point where they were looked at last.
pub(super) struct Around<'a> {
    vectors: &'a dyn VectorSet,
    /// 1/‖x_i − y‖ `[n]`, 0 for the x_i at y.
    weights: &'a mut [f64],
    /// Room for a number of each vector `[n]`.
    numbers: &'a mut [f64],
}

impl<'a> Around<'a> {
    /// `scratch` [at least 2n].
    pub(super) fn new(vectors: &'a dyn VectorSet, scratch: &'a mut [f64]) -> Self {
        let n = vectors.count();
        let (weights, rest) = scratch.split_at_mut(n);
        Self { vectors, weights, numbers: &mut rest[..n] }
    }
}

/// The pull of the sample on a point.
pub(super) struct Field {
    n: usize,
    /// ‖R‖, R the sum of the unit vectors towards the x_i elsewhere.
    pull: f64,
    /// Σ 1/‖x_i − y‖ over the x_i elsewhere.
    weight: f64,
    /// w, the number of x_i here: so near that 1/‖x_i − y‖ is no `f64`.
    here: usize,
    /// Σ ‖x_i − y‖.
    sum_of_distances: f64,
    /// The row of the nearest x_i elsewhere.
    pub(super) nearest: usize,
}

impl Field {
    /// The field of n vectors at `y` `[d]`; `pull` `[d]` becomes R.
    pub(super) fn at(around: &mut Around<'_>, y: &[f64], pull: &mut [f64]) -> Self {
        let (mut weight, mut here, mut sum_of_distances) = (0.0, 0, 0.0);
        let mut least = (f64::INFINITY, 0);
        around.vectors.distances(y, around.weights);
        for (i, slot) in around.weights.iter_mut().enumerate() {
            let distance = *slot;
            *slot = 1.0 / distance;
            if slot.is_infinite() {
                here += 1;
                *slot = 0.0;
                continue;
            }
            sum_of_distances += distance;
            weight += *slot;
            if distance < least.0 {
                least = (distance, i);
            }
        }
        around.vectors.weighted_sum(y, around.weights, pull);
        let norm = libm::sqrt(dot(pull, pull));
        let n = around.vectors.count();
        Self { n, pull: norm, weight, here, sum_of_distances, nearest: least.1 }
    }

    /// ρ = max(0, ‖R‖ − w)/n.
    pub(super) fn residual(&self) -> f64 {
        (self.pull - self.here as f64).max(0.0) / self.n as f64
    }

    /// The share of R that exceeds the pull of the x_i at y, max(0, 1 − w/‖R‖).
    fn free(&self) -> f64 {
        (1.0 - self.here as f64 / self.pull).max(0.0) // 0 too where R = 0: the greater of NaN and 0
    }

    /// Makes the step from `y`, given R, and says whether it moved; `step` `[d]` becomes the step.
    pub(super) fn step(&self, y: &mut [f64], pull: &[f64], step: &mut [f64]) -> bool {
        let length = self.free() / self.weight;
        let mut moved = false;
        for ((y, s), r) in y.iter_mut().zip(step).zip(pull) {
            *s = length * r;
            let there = *y + *s;
            moved |= there != *y;
            *y = there;
        }
        moved
    }

    /// This field, where `step` led from `before`, or the one after a Newton step from here if Weiszfeld's was slow; R
    /// there.
    ///
    /// `work` [4d]. A step is slow if F falls more than half as fast along it after it as before. The
    /// Newton step is halved until F still falls at its end, and so is less, or the residual is.
    pub(super) fn hastened(
        self,
        before: &Self,
        around: &mut Around<'_>,
        y: &mut [f64],
        pull: &mut [f64],
        step: &[f64],
        work: &mut [f64],
    ) -> Self {
        // Before the step R was a multiple of it.
        if dot(pull, step) <= before.pull * libm::sqrt(dot(step, step)) / 2.0 {
            return self;
        }
        let (newton, work) = work.split_at_mut(y.len());
        self.newton(around, y, pull, newton, work);
        let kept = &mut work[..y.len()];
        kept.copy_from_slice(y);
        for _ in 0..MOST_HALVINGS {
            for ((y, kept), p) in y.iter_mut().zip(&*kept).zip(&mut *newton) {
                *y = kept + *p;
                *p /= 2.0;
            }
            let beyond = Self::at(around, y, pull);
            if dot(pull, newton) >= 0.0 || beyond.residual() < self.residual() {
                return beyond;
            }
        }
        y.copy_from_slice(kept);
        Self::at(around, y, pull)
    }

    /// The solution p of H p = R by conjugate gradients, H = Σ (1 − u_i u_iᵀ)/‖x_i − y‖ over the x_i
    /// elsewhere: a multiple of 1 less a matrix of rank n, so that at most n + 1 rounds are exact.
    ///
    /// `work` [3d]: the remainder, the direction, and H times it.
    fn newton(
        &self,
        around: &mut Around<'_>,
        y: &[f64],
        pull: &[f64],
        p: &mut [f64],
        work: &mut [f64],
    ) {
        let (remainder, work) = work.split_at_mut(y.len());
        let (direction, image) = work.split_at_mut(y.len());
        p.fill(0.0);
        remainder.copy_from_slice(pull);
        direction.copy_from_slice(pull);
        let mut square = dot(remainder, remainder);
        let small = square * 1e-24;
        for _ in 0..=self.n.min(y.len()) {
            if square <= small {
                return;
            }
            self.curvature(around, y, direction, image);
            let length = square / dot(direction, image);
            if !length.is_finite() {
                return;
            }
            p.iter_mut().zip(&*direction).for_each(|(p, s)| *p += length * s);
            remainder.iter_mut().zip(&*image).for_each(|(r, q)| *r -= length * q);
            let next = dot(remainder, remainder);
            for (s, r) in direction.iter_mut().zip(&*remainder) {
                *s = r + next / square * *s;
            }
            square = next;
        }
    }

    /// Moves the vertex `y` along R to where a quadratic model of F has its minimum; `image` `[d]` is scratch.
    pub(super) fn leave(
        &self,
        around: &mut Around<'_>,
        y: &mut [f64],
        pull: &[f64],
        image: &mut [f64],
    ) {
        self.curvature(around, y, pull, image);
        let length = self.free() * self.pull * self.pull / dot(pull, image);
        if length.is_finite() {
            y.iter_mut().zip(pull).for_each(|(y, r)| *y += length * r);
        }
    }

    /// H times `v` `[d]` into `out` `[d]`, at the point `y` where the vectors were looked at last.
    fn curvature(&self, around: &mut Around<'_>, y: &[f64], v: &[f64], out: &mut [f64]) {
        let Around { vectors, weights, numbers } = around;
        vectors.projections(y, weights, v, numbers); // u_i · v
        for (number, weight) in numbers.iter_mut().zip(&**weights) {
            *number *= weight * weight;
        }
        vectors.weighted_sum(y, numbers, out);
        out.iter_mut().zip(v).for_each(|(q, v)| *q = self.weight * v - *q);
    }

    /// F and L at `y`, given R, where `y` has not been stepped from since.
    pub(super) fn certificate(
        &self,
        around: &mut Around<'_>,
        y: &[f64],
        pull: &[f64],
        iterations: usize,
    ) -> Certificate {
        let Around { vectors, weights, numbers } = around;
        weights.fill(1.0);
        vectors.projections(y, weights, pull, numbers);
        let across = self.free() * numbers.iter().sum::<f64>() / self.n as f64; // ⟨r/n, Σ (x_i − y)⟩
        let residual = self.residual();
        let gap = ((residual * self.sum_of_distances + across) / (1.0 + residual)).max(0.0);
        Certificate {
            iterations,
            residual,
            sum_of_distances: self.sum_of_distances / vectors.scale(),
            lower_bound: (self.sum_of_distances - gap) / vectors.scale(),
        }
    }
}
