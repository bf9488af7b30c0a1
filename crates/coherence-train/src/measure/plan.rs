//! In which order a sample is read, and in which chunks.

use super::MeasureError;
use coherence_data::{Dataset, Designation, Target};
use core::ops::Range;

/// The most examples of a chunk. Fixed, so that results depend on nothing else; large enough that
/// adding a chunk's d sums in f64 is a small part of its products, and to hold a class of 10,000
/// digits.
const CHUNK: usize = 1536;

/// Examples that are read together: all of one designation, and of one class if classes are asked
/// for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Their places in the order.
    pub(super) places: Range<usize>,
    /// What they share; the class is the first example's where classes are not asked for.
    pub(super) target: Target,
}

/// A sample sorted by what its sums are wanted for. A *place* is a position in the order.
#[derive(Debug)]
pub(super) struct Plan {
    /// The index in the data set, by place \[m\]; `None` where both are the same, so that a sample
    /// in one piece takes no memory by example.
    order: Option<Vec<u32>>,
    /// Consecutive: class by class, in each class pristine before corrupt.
    pub(super) chunks: Vec<Chunk>,
}

impl Plan {
    /// Sorts the examples of `data`, of which there are some.
    pub(super) fn new(data: &dyn Dataset, by_class: bool) -> Result<Self, MeasureError> {
        let key = |i: usize| {
            let Target { label, designation } = data.target(i);
            (if by_class { label } else { 0 }, designation == Designation::Corrupt)
        };
        let first = key(0);
        let sorted = (1..data.len()).any(|i| key(i) != first).then(|| sort(data.len(), key));
        let order = sorted.transpose()?;
        let index = |place: usize| order.as_ref().map_or(place, |order| order[place] as usize);
        let mut chunks = Vec::new();
        let mut start = 0;
        while start < data.len() {
            let of = key(index(start));
            let len = (start..data.len()).take_while(|&place| key(index(place)) == of).count();
            let target = |place| data.target(index(place));
            let cell = cut(start..start + len);
            chunks.extend(cell.map(|places| Chunk { target: target(places.start), places }));
            start += len;
        }
        Ok(Self { order, chunks })
    }

    /// The number of examples m.
    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |chunk| chunk.places.end)
    }

    /// The index in the data set of the example at `place`.
    pub(super) fn index(&self, place: usize) -> usize {
        self.order.as_ref().map_or(place, |order| order[place] as usize)
    }

    /// Room for any chunk: beyond some size of the sample always the same.
    pub(super) fn capacity(&self) -> usize {
        self.len().min(CHUNK)
    }

    /// The numbers of the chunks of each class, class by class.
    pub(super) fn classes(&self) -> Vec<Vec<usize>> {
        let numbers: Vec<usize> = (0..self.chunks.len()).collect();
        let label = |c: usize| self.chunks[c].target.label;
        numbers.chunk_by(|&a, &b| label(a) == label(b)).map(<[usize]>::to_vec).collect()
    }

    /// The numbers of the chunks of one designation.
    pub(super) fn designated(&self, designation: Designation) -> Vec<usize> {
        let belongs = |&c: &usize| self.chunks[c].target.designation == designation;
        (0..self.chunks.len()).filter(belongs).collect()
    }

    /// The places of some chunks.
    pub(super) fn places(&self, chunks: &[usize]) -> impl Iterator<Item = usize> {
        chunks.iter().flat_map(|&c| self.chunks[c].places.clone())
    }
}

/// The indices below `m` by key; those of one key stay in their order.
fn sort<K: Ord>(m: usize, key: impl Fn(usize) -> K) -> Result<Vec<u32>, MeasureError> {
    let end = u32::try_from(m).map_err(|_| MeasureError::TooMany { found: m })?;
    let mut order: Vec<u32> = (0..end).collect();
    order.sort_by_cached_key(|&i| key(i as usize));
    Ok(order)
}

/// Cuts `places` into as few ranges as possible, of nearly equal length.
fn cut(places: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let count = places.len().div_ceil(CHUNK);
    let bound = move |c: usize| places.start + places.len() * c / count;
    (0..count).map(move |c| bound(c)..bound(c + 1))
}
