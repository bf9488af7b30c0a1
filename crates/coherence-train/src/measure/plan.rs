//! In which order a sample is read, and in which chunks.

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
    /// The index in the data set, by place \[m\].
    pub(super) order: Vec<usize>,
    /// The target, by place \[m\].
    pub(super) targets: Vec<Target>,
    /// Consecutive: class by class, in each class pristine before corrupt.
    pub(super) chunks: Vec<Chunk>,
}

impl Plan {
    pub(super) fn new(data: &dyn Dataset, by_class: bool) -> Self {
        let key = |target: &Target| {
            let class = if by_class { target.label } else { 0 };
            (class, target.designation == Designation::Corrupt)
        };
        let mut order: Vec<usize> = (0..data.len()).collect();
        order.sort_by_cached_key(|&i| key(&data.target(i)));
        let targets: Vec<Target> = order.iter().map(|&i| data.target(i)).collect();
        let mut chunks = Vec::new();
        let mut start = 0;
        for cell in targets.chunk_by(|a, b| key(a) == key(b)) {
            chunks.extend(cut(start..start + cell.len()).map(|places| {
                let target = targets[places.start];
                Chunk { places, target }
            }));
            start += cell.len();
        }
        Self { order, targets, chunks }
    }

    /// The number of examples m.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The size of the largest chunk.
    pub(super) fn largest(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.places.len()).max().unwrap_or(0)
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

/// Cuts `places` into as few ranges as possible, of nearly equal length.
fn cut(places: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let count = places.len().div_ceil(CHUNK);
    let bound = move |c: usize| places.start + places.len() * c / count;
    (0..count).map(move |c| bound(c)..bound(c + 1))
}
