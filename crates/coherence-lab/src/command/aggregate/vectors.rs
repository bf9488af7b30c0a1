//! Vector rules: Krum in passes over blocks of columns, the others in memory.

use std::ops::Range;
use std::sync::Mutex;

use anyhow::Result;

use coherence_core::aggregate::{
    AggregateError, AnyVectorRule, CenteredClipping, MultiKrum, NormClipping, Requirements, Rows,
    Scratch, VectorRule,
};
use coherence_core::finite::{NonFinite, Policy};
use coherence_cpu::Element;
use coherence_cpu::dense::{
    GramSum, KrumChoice, first_non_finite, square_between, weighted_mean_here,
};
use coherence_data::matrix::{Dtype, Matrix, Source, Value};

use super::located;
use crate::command::matrix::blocks::{BlockShape, parts};
use crate::command::matrix::memory::zeros;
use crate::command::matrix::scale::{self, PowerOfTwo};
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
    let krum = match rule {
        AnyVectorRule::Krum(rule) => Some(MultiKrum { f: rule.f, keep: 1 }),
        AnyVectorRule::MultiKrum(rule) => Some(rule),
        _ => None,
    };
    if let (Some(krum), Some(shape)) = (krum, BlockShape::with_all_rows::<T>(matrix)) {
        let blocks = BlockwiseRows { matrix, shape, threads };
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
    let mut values = zeros::<T>(n.saturating_mul(d), &what)?;
    let need = rule.scratch_len(n, d);
    let mut scratch = zeros::<f64>(need.values, "the rule's scratch")?;
    let mut indices = zeros::<usize>(need.indices, "the rule's scratch")?;
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
    let scale = PowerOfTwo::from_largest(scale::largest(&values));
    scale.apply(&mut values);
    scaled(rule, scale)?
        .aggregate(Rows::matrix(&values, d)?, policy, scratch, &mut out)
        .map_err(|error| located(error, 0, 0, d))?;
    scale.undo(&mut out);
    Ok(out)
}

/// The rule with its lengths scaled like the vectors.
fn scaled(rule: AnyVectorRule, scale: PowerOfTwo) -> Result<AnyVectorRule> {
    Ok(match rule {
        AnyVectorRule::NormClipping(rule) => {
            AnyVectorRule::NormClipping(NormClipping::new(scale.scale_length(rule.limit()))?)
        }
        AnyVectorRule::CenteredClipping(rule) => {
            let radius = scale.scale_length(rule.radius());
            AnyVectorRule::CenteredClipping(CenteredClipping::new(radius, rule.iterations())?)
        }
        other => other,
    })
}

/// A matrix with its division into blocks of columns that have all rows.
struct BlockwiseRows<'a, S> {
    matrix: &'a Matrix<S>,
    shape: BlockShape,
    threads: usize,
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
        let scale = self.scale::<T>()?;
        let Some(gram) = self.gram::<T>(scale, policy)? else { return Ok(None) };
        let choice = KrumChoice::from_gram::<T>(rule, &gram, n, d);
        let squares = self.squares::<T>(choice.undecided(), scale)?;
        let kept = choice.decide(&squares);
        if let [row] = kept[..] {
            let mut out = zeros::<T>(d, "the result")?;
            self.matrix.read(row..row + 1, 0..d, &mut out)?;
            return Ok(Some(out));
        }
        self.mean(&kept, scale).map(Some)
    }

    /// The scale that keeps products of `f64` values in range; [`KrumChoice`] handles products of
    /// `f32`.
    fn scale<T: Value + Element>(&self) -> Result<PowerOfTwo> {
        if T::DTYPE == Dtype::F32 {
            return Ok(PowerOfTwo::ONE);
        }
        let largest = self.pieces(PowerOfTwo::ONE, |block: &[T], _, largest: &mut f64| {
            *largest = largest.max(scale::largest(block));
            Ok(())
        })?;
        Ok(PowerOfTwo::from_largest(largest.into_iter().fold(0.0, f64::max)))
    }

    fn gram<T: Value + Element>(
        &self,
        scale: PowerOfTwo,
        policy: Policy,
    ) -> Result<Option<Vec<f64>>> {
        // The order of the sums is arbitrary: what rounding could change is not decided by them.
        let whole = Mutex::new(Some(GramSum::new(self.matrix.rows())));
        self.pieces(scale, |block: &[T], columns, sum: &mut Option<GramSum>| {
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

    /// The squared distances of the rows `some` to all rows, [some, n].
    fn squares<T: Value + Element>(&self, some: &[usize], scale: PowerOfTwo) -> Result<Vec<f64>> {
        let n = self.matrix.rows();
        if some.is_empty() {
            return Ok(Vec::new());
        }
        let pieces = self.pieces(scale, |block: &[T], columns, squares: &mut Vec<f64>| {
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

    /// The mean of the given rows.
    fn mean<T: Value + Element>(&self, rows: &[usize], scale: PowerOfTwo) -> Result<Vec<T>> {
        let (n, width) = (self.matrix.rows(), self.shape.columns);
        let mut weights = vec![0.0; n];
        rows.iter().for_each(|&row| weights[row] = 1.0);
        let mut out = zeros::<T>(self.matrix.cols(), "the result")?;
        let jobs = out.chunks_mut(width).enumerate();
        each(self.threads, jobs, Vec::new, |block, (at, out)| {
            block.resize(n * out.len(), T::default());
            self.matrix.read(0..n, at * width..at * width + out.len(), block)?;
            scale.apply(block);
            weighted_mean_here(block, &weights, rows.len() as f64, out);
            scale.undo(out);
            Ok(())
        })?;
        Ok(out)
    }

    /// Calls `work` for the blocks of each piece of the columns in order, with an accumulator per
    /// piece, and returns the accumulators.
    fn pieces<T: Value + Element, A: Default + Send>(
        &self,
        scale: PowerOfTwo,
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
                scale.apply(block);
                work(block, columns, &mut accumulator)?;
            }
            Ok(accumulator)
        })
    }
}
