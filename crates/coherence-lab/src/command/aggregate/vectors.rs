//! Vector rules: those by distances in passes over blocks of columns, the others in memory.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::Result;

use coherence_core::aggregate::{
    AggregateError, AnyCoordinateRule, AnyVectorRule, DistanceRule, Mean, Requirements, Scratch,
    ScratchBuffer, ScratchLen,
};
use coherence_core::finite::{NonFinite, Policy};
use coherence_cpu::dense::{
    Columnwise, GramSum, KrumChoice, aggregate_rows, first_non_finite, square_between,
};
use coherence_cpu::{Element, Isa};
use coherence_data::matrix::{Dtype, Matrix, Source, Value};

use super::located;
use crate::command::matrix::blocks::{BlockShape, parts};
use crate::command::matrix::memory::{check, zeros};
use crate::command::matrix::scale::{PowerOfTwo, largest};
use crate::command::matrix::workers::each;

/// Pieces of the columns; their sums are added in order.
const PIECES: usize = 16;

/// Applies the rule to all rows on `threads` threads.
pub(super) fn aggregate<T: Value + Element>(
    matrix: &Matrix<impl Source>,
    rule: AnyVectorRule,
    policy: Policy,
    threads: usize,
) -> Result<Vec<T>> {
    if let Some(shape) = BlockShape::with_all_rows::<T>(matrix) {
        let blocks = BlockwiseRows { matrix, shape, threads, scale: PowerOfTwo::ONE };
        if let Some(chosen) = blocks.choose::<T>(rule, policy)? {
            return blocks.combine(rule, &chosen);
        }
    }
    in_memory(matrix, rule, policy, threads)
}

/// Applies the rule to the matrix in memory.
fn in_memory<T: Value + Element>(
    matrix: &Matrix<impl Source>,
    rule: AnyVectorRule,
    policy: Policy,
    threads: usize,
) -> Result<Vec<T>> {
    let (n, d) = (matrix.rows(), matrix.cols());
    let what = format!("a rule over whole rows holds all {n} × {d} values, which");
    check::<T>(n.saturating_mul(d), &what)?;
    // Before the matrix what may be out of all proportion, such as the distances between many short rows.
    let need = rule.scratch_len(n, d);
    let mut scratch = zeros::<f64>(need.values, "the rule's scratch")?;
    let mut indices = zeros::<usize>(need.indices, "the rule's scratch")?;
    let mut values = zeros::<T>(n.saturating_mul(d), &what)?;
    let scratch = Scratch { values: &mut scratch, indices: &mut indices };
    let mut out = zeros::<T>(d, "the result")?;
    let height = n.div_ceil(threads);
    let jobs = values.chunks_mut(height * d).enumerate();
    each(
        threads,
        jobs,
        || (),
        |(), (at, values)| {
            let rows = at * height..at * height + values.len() / d;
            Ok(matrix.read(rows, 0..d, values)?)
        },
    )?;
    aggregate_rows(rule, &values, policy, scratch, &mut out)
        .map_err(|error| located(error, 0, 0, d))?;
    Ok(out)
}

/// How blocks with all rows are read.
struct BlockwiseRows<'a, S> {
    matrix: &'a Matrix<S>,
    shape: BlockShape,
    threads: usize,
    /// By which values are multiplied before their products are taken.
    scale: PowerOfTwo,
}

impl<S: Source> BlockwiseRows<'_, S> {
    /// The rows that a rule by distances chooses, in up to three passes; `None` if there is a non-finite value
    /// that the policy accepts, or the rule is of another kind.
    fn choose<T: Value + Element>(
        &self,
        rule: AnyVectorRule,
        policy: Policy,
    ) -> Result<Option<Vec<usize>>> {
        let Some(by_distances) = rule.as_distance_rule() else { return Ok(None) };
        let (n, d) = (self.matrix.rows(), self.matrix.cols());
        let what = format!("the distances between {n} rows");
        drop(zeros::<f64>(n.saturating_mul(n).saturating_mul(self.threads + PIECES), &what)?);
        let scaled = BlockwiseRows { scale: self.distance_scale::<T>()?, ..*self };
        if let Some(krum) = rule.as_multi_krum() {
            let Some(gram) = scaled.gram::<T>(policy)? else { return Ok(None) };
            let choice = KrumChoice::from_gram::<T>(krum, &gram, n, d);
            let squares = scaled.squares::<T>(choice.pairs())?;
            return Ok(Some(choice.decide(&squares)));
        }
        let Some(squares) = scaled.squares_between_all::<T>(policy)? else { return Ok(None) };
        let mut buffer = ScratchBuffer::new(ScratchLen::new(2 * n, 2 * n));
        Ok(Some(by_distances.choose(&squares, buffer.as_scratch()).to_vec()))
    }

    /// The scale at which products of `f64` values stay in range; those of `f32` are looked after by
    /// [`KrumChoice`].
    fn distance_scale<T: Value + Element>(&self) -> Result<PowerOfTwo> {
        let n = self.matrix.rows();
        if T::DTYPE == Dtype::F32 {
            return Ok(PowerOfTwo::ONE);
        }
        let pieces = self.pieces(|block: &[T], columns, magnitudes: &mut Vec<f64>| {
            magnitudes.resize(n, 0.0);
            for (magnitude, row) in magnitudes.iter_mut().zip(block.chunks_exact(columns.len())) {
                *magnitude = magnitude.max(largest(row));
            }
            Ok(())
        })?;
        let greatest = |e: usize| pieces.iter().map(|piece| piece[e]).fold(0.0, f64::max);
        Ok(PowerOfTwo::for_distances(&mut (0..n).map(greatest).collect::<Vec<_>>()))
    }

    fn gram<T: Value + Element>(&self, policy: Policy) -> Result<Option<Vec<f64>>> {
        // In whatever order they come: what rounding could change is not decided by these sums.
        let n = self.matrix.rows();
        let sums = self.finite_pieces(policy, |block: &[T], _, sum: &mut Option<GramSum>| {
            sum.get_or_insert_with(|| GramSum::new(Isa::detect(), n)).add(block);
        })?;
        Ok(sums.map(|sums| {
            let mut whole = GramSum::new(Isa::detect(), n);
            sums.iter().flatten().for_each(|sum| whole.merge(sum));
            whole.gram()
        }))
    }

    /// The squared distances between all rows, [n, n].
    fn squares_between_all<T: Value + Element>(&self, policy: Policy) -> Result<Option<Vec<f64>>> {
        let n = self.matrix.rows();
        let pairs: Vec<[usize; 2]> = (0..n).flat_map(|e| (0..e).map(move |f| [e, f])).collect();
        let sums = self.finite_pieces(policy, |block: &[T], columns, squares: &mut Vec<f64>| {
            add_squares(&pairs, block, columns.len(), squares);
        })?;
        Ok(sums.map(|sums| {
            let mut whole = vec![0.0; n * n];
            for (&[e, f], square) in pairs.iter().zip(sum_of(sums, pairs.len())) {
                (whole[e * n + f], whole[f * n + e]) = (square, square);
            }
            whole
        }))
    }

    /// The squared distances of pairs of rows.
    fn squares<T: Value + Element>(&self, pairs: &[[usize; 2]]) -> Result<Vec<f64>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let pieces = self.pieces(|block: &[T], columns, squares: &mut Vec<f64>| {
            add_squares(pairs, block, columns.len(), squares);
            Ok(())
        })?;
        Ok(sum_of(pieces, pairs.len()))
    }

    /// The aggregate of the rows chosen, in ascending order.
    fn combine<T: Value + Element>(&self, rule: AnyVectorRule, chosen: &[usize]) -> Result<Vec<T>> {
        if let AnyVectorRule::Bulyan(rule) = rule {
            return self.by_columns(chosen, |rows: &[T], out| {
                let (mut column, width) = (vec![0.0; chosen.len()], out.len());
                for (j, slot) in out.iter_mut().enumerate() {
                    let values = rows.iter().skip(j).step_by(width);
                    column.iter_mut().zip(values).for_each(|(to, x)| *to = x.widen());
                    *slot = T::narrow(rule.combine(&mut column));
                }
                Ok(())
            });
        }
        if let [row] = *chosen {
            let mut out = zeros::<T>(self.matrix.cols(), "the result")?;
            self.matrix.read(row..row + 1, 0..self.matrix.cols(), &mut out)?;
            return Ok(out);
        }
        let mean = Columnwise::new(AnyCoordinateRule::Mean(Mean), chosen.len())?;
        // The values were looked at when the rows were chosen.
        self.by_columns(chosen, |rows: &[T], out| {
            Ok(mean.aggregate_here(rows, Policy::Propagate, out)?)
        })
    }

    /// `work` for the rows chosen of each block, [chosen, columns], into its part of the result.
    fn by_columns<T: Value + Element>(
        &self,
        chosen: &[usize],
        work: impl Fn(&[T], &mut [T]) -> Result<()> + Sync,
    ) -> Result<Vec<T>> {
        let (n, step) = (self.matrix.rows(), self.shape.columns);
        let mut out = zeros::<T>(self.matrix.cols(), "the result")?;
        let jobs = out.chunks_mut(step).enumerate();
        each(self.threads, jobs, Vec::new, |block, (at, out)| {
            let width = out.len();
            block.resize(n * width, T::default());
            self.matrix.read(0..n, at * step..at * step + width, block)?;
            for (to, &row) in chosen.iter().enumerate() {
                block.copy_within(row * width..(row + 1) * width, to * width);
            }
            work(&block[..chosen.len() * width], out)
        })?;
        Ok(out)
    }

    /// [`pieces`](Self::pieces) where all values are finite. A value that is not is an error or, under a policy that
    /// accepts it, `None`.
    fn finite_pieces<T: Value + Element, A: Default + Send>(
        &self,
        policy: Policy,
        work: impl Fn(&[T], Range<usize>, &mut A) + Sync,
    ) -> Result<Option<Vec<A>>> {
        let finite = AtomicBool::new(true);
        let pieces = self.pieces(|block: &[T], columns, accumulator: &mut A| {
            if let Some(index) = first_non_finite(block) {
                if policy == Policy::Error {
                    let error = AggregateError::NonFinite(NonFinite { index });
                    return Err(located(error, 0, columns.start, columns.len()));
                }
                finite.store(false, Relaxed);
            }
            work(block, columns, accumulator);
            Ok(())
        })?;
        Ok(finite.into_inner().then_some(pieces))
    }

    /// Calls `work` for the blocks of each piece of the columns in order, with an accumulator per
    /// piece, and returns the accumulators.
    fn pieces<T: Value + Element, A: Default + Send>(
        &self,
        work: impl Fn(&[T], Range<usize>, &mut A) -> Result<()> + Sync,
    ) -> Result<Vec<A>> {
        let (n, d) = (self.matrix.rows(), self.matrix.cols());
        let blocks = d.div_ceil(self.shape.columns);
        let pieces = parts(0..d, blocks.div_ceil(PIECES) * self.shape.columns);
        each(self.threads, pieces, Vec::new, |block: &mut Vec<T>, piece| {
            let mut accumulator = A::default();
            for columns in parts(piece, self.shape.columns) {
                block.resize(n * columns.len(), T::default());
                self.matrix.read(0..n, columns.clone(), block)?;
                self.scale.apply(block);
                work(block, columns, &mut accumulator)?;
            }
            Ok(accumulator)
        })
    }
}

/// Adds the squared distances of pairs of rows of a block [rows, width] to `squares`, one a pair or none yet.
fn add_squares<T: Element>(
    pairs: &[[usize; 2]],
    block: &[T],
    width: usize,
    squares: &mut Vec<f64>,
) {
    let isa = Isa::detect();
    squares.resize(pairs.len(), 0.0);
    let row = |e: usize| &block[e * width..][..width];
    for (square, &[e, f]) in squares.iter_mut().zip(pairs) {
        *square += square_between(isa, row(e), row(f));
    }
}

/// The sum of the pieces' numbers \[len\], in the order of the pieces.
fn sum_of(pieces: Vec<Vec<f64>>, len: usize) -> Vec<f64> {
    let mut sum = vec![0.0; len];
    for piece in pieces {
        sum.iter_mut().zip(piece).for_each(|(sum, x)| *sum += x);
    }
    sum
}
