//! S and Q of a group of examples, tensor by tensor, in memory of d numbers.
//!
//! Legend: m: examples of a chunk, d: parameters, S = Σ g_e, Q = Σ ‖g_e‖².

use coherence_core::Coherence;
use coherence_cpu::norms::row_sq_norms;
use coherence_nn::{Layout, Mlp, Workspace};
use core::ops::Range;
use rayon::prelude::*;

/// Running sums over per-example gradients of the SUM loss.
///
/// A chunk's sum is a product of its factors in f32; chunks are added in f64.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    m: u64,
    /// S \[d\].
    sum: Vec<f64>,
    /// Q of each tensor.
    sum_sq_norms: Vec<f64>,
    ranges: Vec<Range<usize>>,
    /// One tensor's sum over a chunk, f32.
    product: Vec<f32>,
    /// Squared norms of a chunk's gradients in one tensor.
    sq_norms: Vec<f64>,
}

impl Tally {
    pub(crate) fn new(layout: &Layout) -> Self {
        let ranges: Vec<_> = layout.tensors().iter().map(|tensor| tensor.range.clone()).collect();
        Self {
            m: 0,
            sum: vec![0.0; layout.parameters()],
            sum_sq_norms: vec![0.0; ranges.len()],
            product: vec![0.0; ranges.iter().map(Range::len).max().unwrap_or(0)],
            sq_norms: Vec::new(),
            ranges,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.m = 0;
        self.sum.fill(0.0);
        self.sum_sq_norms.fill(0.0);
    }

    /// Adds the examples of a backward pass over `x` [m, features]; adds each one's squared norm
    /// over the whole network to `norms` \[m\].
    pub(crate) fn add(
        &mut self,
        mlp: &Mlp<f32>,
        x: &[f32],
        workspace: &Workspace<f32>,
        norms: &mut [f64],
    ) {
        self.m += norms.len() as u64;
        for (t, factors) in mlp.factors(x, workspace).enumerate() {
            self.sq_norms.clear();
            self.sq_norms.resize(norms.len(), 0.0);
            factors.sq_norms(&mut self.sq_norms);
            self.sum_sq_norms[t] += self.sq_norms.iter().sum::<f64>();
            norms.iter_mut().zip(&self.sq_norms).for_each(|(norm, q)| *norm += q);

            let product = &mut self.product[..factors.range.len()];
            factors.sum(product);
            add(&mut self.sum[factors.range.clone()], product);
        }
    }

    /// Adds another group's sums.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.m += other.m;
        add(&mut self.sum, &other.sum);
        self.sum_sq_norms.iter_mut().zip(&other.sum_sq_norms).for_each(|(q, o)| *q += o);
    }

    /// The statistics of the whole network.
    pub(crate) fn network(&self) -> Coherence {
        Coherence {
            m: self.m,
            sq_norm_of_sum: sq_norm(&self.sum),
            sum_sq_norms: self.sum_sq_norms.iter().sum(),
        }
    }

    /// The statistics of tensor `t` alone.
    pub(crate) fn tensor(&self, t: usize) -> Coherence {
        Coherence {
            m: self.m,
            sq_norm_of_sum: sq_norm(&self.sum[self.ranges[t].clone()]),
            sum_sq_norms: self.sum_sq_norms[t],
        }
    }

    /// S \[d\].
    pub(crate) fn sum(&self) -> &[f64] {
        &self.sum
    }
}

/// `sum += x`, on all threads: every coordinate is independent of the others.
fn add<T: Copy + Sync + Into<f64>>(sum: &mut [f64], x: &[T]) {
    const BLOCK: usize = 1 << 15;
    sum.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(sum, x)| {
        sum.iter_mut().zip(x).for_each(|(s, &x)| *s += x.into());
    });
}

fn sq_norm(v: &[f64]) -> f64 {
    let mut norm = [0.0];
    row_sq_norms(v, &mut norm);
    norm[0]
}
