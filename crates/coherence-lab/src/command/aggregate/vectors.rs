//! Vector rules: Krum in passes over blocks of columns, the others in memory.

use std::ops::Range;
use std::sync::Mutex;

use anyhow::Result;

use coherence_core::aggregate::{
    AggregateError, AnyCoordinateRule, AnyVectorRule, Mean, MultiKrum, Requirements, Rows, Scratch,
    VectorRule,
};
use coherence_core::finite::{NonFinite, Policy};
use coherence_cpu::Element;
use coherence_cpu::dense::{Columnwise, GramSum, KrumChoice, first_non_finite, square_between};
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
    if let (Some(krum), Some(shape)) =
        (rule.as_multi_krum(), BlockShape::with_all_rows::<T>(matrix))
    {
        let blocks = BlockwiseRows { matrix, shape, threads, scale: PowerOfTwo::ONE };
        if let Some(out) = blocks.multi_krum(krum, policy)? {
            return Ok(out);
        }
    }
    in_memory(matrix, rule, policy, threads)
}

/// Applies the core's rule to the matrix in memory.
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
    rule.aggregate(Rows::matrix(&values, d)?, policy, scratch, &mut out)
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
    /// Multi-Krum in two to four passes; `None` if there is a non-finite value that the policy accepts.
    fn multi_krum<T: Value + Element>(
        &self,
        rule: MultiKrum,
        policy: Policy,
    ) -> Result<Option<Vec<T>>> {
        let (n, d) = (self.matrix.rows(), self.matrix.cols());
        let what = format!("the distances between {n} rows");
        drop(zeros::<f64>(n.saturating_mul(n).saturating_mul(self.threads + 2), &what)?);
        let scaled = BlockwiseRows { scale: self.distance_scale::<T>()?, ..*self };
        let Some(gram) = scaled.gram::<T>(policy)? else { return Ok(None) };
        let choice = KrumChoice::from_gram::<T>(rule, &gram, n, d);
        let squares = scaled.squares::<T>(choice.undecided())?;
        let kept = choice.decide(&squares);
        if let [row] = kept[..] {
            let mut out = zeros::<T>(d, "the result")?;
            self.matrix.read(row..row + 1, 0..d, &mut out)?;
            return Ok(Some(out));
        }
        self.mean(&kept).map(Some)
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
        let whole = Mutex::new(Some(GramSum::new(self.matrix.rows())));
        self.pieces(|block: &[T], columns, sum: &mut Option<GramSum>| {
            if let Some(index) = first_non_finite(block) {
                if policy == Policy::Error {
                    let error = AggregateError::NonFinite(NonFinite { index });
                    return Err(located(error, 0, columns.start, columns.len()));
                }
                *whole.lock().expect("no panic") = None;
            }
            sum.get_or_insert_with(|| GramSum::new(self.matrix.rows())).add(block);
            Ok(())
        })
        .map(|sums| {
            let mut whole = whole.into_inner().expect("no panic")?;
            sums.iter().flatten().for_each(|sum| whole.merge(sum));
            Some(whole.gram())
        })
    }

    /// The squared distances of some rows to all rows, [some, n].
    fn squares<T: Value + Element>(&self, some: &[usize]) -> Result<Vec<f64>> {
        let n = self.matrix.rows();
        if some.is_empty() {
            return Ok(Vec::new());
        }
        let pieces = self.pieces(|block: &[T], columns, squares: &mut Vec<f64>| {
            squares.resize(some.len() * n, 0.0);
            let row = |e: usize| &block[e * columns.len()..][..columns.len()];
            for (squares, &e) in squares.chunks_exact_mut(n).zip(some) {
                for (f, square) in squares.iter_mut().enumerate() {
                    *square += square_between(row(e), row(f));
                }
            }
            Ok(())
        })?;
        let mut sum = vec![0.0; some.len() * n];
        for piece in pieces {
            sum.iter_mut().zip(piece).for_each(|(sum, square)| *sum += square);
        }
        Ok(sum)
    }

    /// The mean of some rows, in ascending order.
    fn mean<T: Value + Element>(&self, rows: &[usize]) -> Result<Vec<T>> {
        let (n, step) = (self.matrix.rows(), self.shape.columns);
        let mean = Columnwise::new(AnyCoordinateRule::Mean(Mean), rows.len())?;
        let mut out = zeros::<T>(self.matrix.cols(), "the result")?;
        let jobs = out.chunks_mut(step).enumerate();
        each(self.threads, jobs, Vec::new, |block, (at, out)| {
            let width = out.len();
            block.resize(n * width, T::default());
            self.matrix.read(0..n, at * step..at * step + width, block)?;
            for (to, &row) in rows.iter().enumerate() {
                block.copy_within(row * width..(row + 1) * width, to * width);
            }
            // The values were looked at when the rows were chosen.
            Ok(mean.aggregate_here(&block[..rows.len() * width], Policy::Propagate, out)?)
        })?;
        Ok(out)
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
