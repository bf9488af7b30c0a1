//! The order in which a sample is read, its chunks, and the pieces of each chunk.

use super::MeasureError;
use crate::collective::{Collective, block};
use coherence_data::{Dataset, Designation, Target};
use core::ops::Range;

/// The most examples of a chunk. Constant, so that results do not depend on settings. Large enough that
/// adding the d sums of a chunk in f64 is cheap compared with its matrix products, and that one
/// class of 10,000 digits fits.
pub(super) const CHUNK: usize = 1536;

/// Consecutive examples of one chunk that are summed together: all have one designation and, if classes
/// are requested, one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Their places in the order.
    pub(super) places: Range<usize>,
    /// The index of their chunk.
    pub(super) chunk: usize,
    /// The class and designation that they share; without classes, the class of the first example.
    pub(super) target: Target,
}

/// A sample, sorted by the groups that it is summed over. A *place* is a position in this order.
///
/// Forward and backward passes go chunk by chunk, which costs less than piece by piece; sums are taken
/// piece by piece.
#[derive(Debug)]
pub(super) struct Plan {
    /// The index in the data set of each place \[m\]; `None` if both are equal, so that a sample
    /// without classes and noise takes no memory per example.
    order: Option<Vec<u32>>,
    /// Consecutive: class by class, and within a class pristine before corrupt.
    pub(super) pieces: Vec<Piece>,
    /// The places of each chunk, consecutive.
    pub(super) chunks: Vec<Range<usize>>,
    /// The chunks of this worker: of one worker all of them, of several a run of them.
    pub(super) own: Range<usize>,
    /// Examples of a chunk at most.
    chunk: usize,
}

impl Plan {
    /// Sorts the examples of `data`, which must not be empty.
    pub(super) fn new(
        workers: &dyn Collective,
        data: &dyn Dataset,
        by_class: bool,
        chunk: usize,
    ) -> Result<Self, MeasureError> {
        let m = data.len();
        let key = |i: usize| {
            let Target { label, designation } = data.target(i);
            (if by_class { label } else { 0 }, designation == Designation::Corrupt)
        };
        let first = key(0);
        let sorted = (1..m).any(|i| key(i) != first).then(|| sort(m, key));
        let order = sorted.transpose()?;
        let mut plan = Self { order, pieces: Vec::new(), chunks: Vec::new(), own: 0..0, chunk };
        let mut start = 0;
        while start < m {
            let of = key(plan.index(start));
            let end = (start..m).find(|&p| key(plan.index(p)) != of).unwrap_or(m);
            cut(start..end, chunk).for_each(|places| plan.push(places, data));
            start = end;
        }
        plan.own = block(plan.chunks.len(), workers.size(), workers.rank());
        Ok(plan)
    }

    /// Appends a piece, to the last chunk if it fits.
    fn push(&mut self, places: Range<usize>, data: &dyn Dataset) {
        match self.chunks.last_mut() {
            Some(last) if places.end - last.start <= self.chunk => last.end = places.end,
            _ => self.chunks.push(places.clone()),
        }
        let (chunk, target) = (self.chunks.len() - 1, data.target(self.index(places.start)));
        self.pieces.push(Piece { places, chunk, target });
    }

    /// The number of examples m.
    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |chunk| chunk.end)
    }

    /// The index in the data set of the example at `place`.
    pub(super) fn index(&self, place: usize) -> usize {
        self.order.as_ref().map_or(place, |order| order[place] as usize)
    }

    /// The size of the largest chunk.
    pub(super) fn capacity(&self) -> usize {
        self.len().min(self.chunk)
    }

    /// The indices of the pieces, class by class.
    pub(super) fn classes(&self) -> Vec<Vec<usize>> {
        let numbers: Vec<usize> = (0..self.pieces.len()).collect();
        let label = |p: usize| self.pieces[p].target.label;
        numbers.chunk_by(|&a, &b| label(a) == label(b)).map(<[usize]>::to_vec).collect()
    }

    /// The indices of the pieces of one designation.
    pub(super) fn designated(&self, designation: Designation) -> Vec<usize> {
        let belongs = |&p: &usize| self.pieces[p].target.designation == designation;
        (0..self.pieces.len()).filter(belongs).collect()
    }

    /// The places of some pieces.
    pub(super) fn places(&self, pieces: &[usize]) -> impl Iterator<Item = usize> {
        pieces.iter().flat_map(|&p| self.pieces[p].places.clone())
    }

    /// Whether a piece is of a chunk of this worker.
    pub(super) fn is_own(&self, piece: usize) -> bool {
        self.own.contains(&self.pieces[piece].chunk)
    }

    /// The same places in as few ranges as possible, each with the index of its chunk.
    pub(super) fn runs(&self, pieces: &[usize]) -> Vec<(usize, Range<usize>)> {
        let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
        for Piece { places, chunk, .. } in pieces.iter().map(|&p| &self.pieces[p]) {
            match runs.last_mut() {
                Some((of, run)) if of == chunk && run.end == places.start => run.end = places.end,
                _ => runs.push((*chunk, places.clone())),
            }
        }
        runs
    }
}

/// The indices below `m`, stably sorted by key.
fn sort<K: Ord>(m: usize, key: impl Fn(usize) -> K) -> Result<Vec<u32>, MeasureError> {
    let end = u32::try_from(m).map_err(|_| MeasureError::TooMany { found: m })?;
    let mut order: Vec<u32> = (0..end).collect();
    order.sort_by_cached_key(|&i| key(i as usize));
    Ok(order)
}

/// Divides `places` into as few ranges as possible, of nearly equal lengths.
fn cut(places: Range<usize>, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    let count = places.len().div_ceil(chunk);
    let bound = move |c: usize| places.start + places.len() * c / count;
    (0..count).map(move |c| bound(c)..bound(c + 1))
}
