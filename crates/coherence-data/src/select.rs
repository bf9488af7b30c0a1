//! Subsets and orders of a data set.

use crate::forward;
use crate::random;
use crate::{Dataset, ReadError, Target};

/// The examples of a data set with given indices, in the order of the indices.
///
/// ```
/// use coherence_data::{Dataset, digits, select::Subset};
/// let digits = digits::test();
/// let zeros: Vec<usize> = (0..digits.len()).filter(|&i| digits.target(i).label == 0).collect();
/// let zeros = Subset::new(&digits, zeros).unwrap();
/// assert!((0..zeros.len()).all(|i| zeros.target(i).label == 0));
/// ```
#[derive(Clone, Debug)]
pub struct Subset<D> {
    data: D,
    indices: Vec<usize>,
}

/// An index beyond the last example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("index {index} is out of range: the data set has {len} examples")]
pub struct IndexError {
    /// The index.
    pub index: usize,
    /// The number of examples.
    pub len: usize,
}

impl<D: Dataset> Subset<D> {
    /// The examples `indices` of `data`; an index may occur more than once.
    ///
    /// # Errors
    /// [`IndexError`] if an index is not below the data set's length.
    pub fn new(data: D, indices: Vec<usize>) -> Result<Self, IndexError> {
        let len = data.len();
        match indices.iter().find(|&&index| index >= len) {
            Some(&index) => Err(IndexError { index, len }),
            None => Ok(Self { data, indices }),
        }
    }

    /// All examples of `data` in a random order, which is a pure function of the length and `seed`.
    pub fn shuffled(data: D, seed: u64) -> Self {
        let indices = random::permutation(&mut random::stream(seed, "shuffle"), data.len());
        Self { data, indices }
    }

    /// `count` examples of `data`, drawn without replacement: the first of
    /// [`shuffled`](Self::shuffled).
    ///
    /// # Errors
    /// [`IndexError`] if there are fewer than `count` examples.
    pub fn sample(data: D, count: usize, seed: u64) -> Result<Self, IndexError> {
        let mut all = Self::shuffled(data, seed);
        if count > all.indices.len() {
            return Err(IndexError { index: count - 1, len: all.indices.len() });
        }
        all.indices.truncate(count);
        Ok(all)
    }

    /// The indices into the wrapped data set.
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

/// The first `at` examples of `data`, and the rest.
///
/// # Errors
/// [`IndexError`] if there are fewer than `at` examples.
///
/// ```
/// use coherence_data::{Dataset, digits, select};
/// let digits = digits::test();
/// let (first, rest) = select::split(&digits, 500).unwrap();
/// assert_eq!((first.len(), rest.len()), (500, 1500));
/// ```
pub fn split<D: Dataset + Clone>(data: D, at: usize) -> Result<(Subset<D>, Subset<D>), IndexError> {
    let rest = Subset { indices: (at..data.len()).collect(), data: data.clone() };
    Ok((Subset::new(data, (0..at).collect())?, rest))
}

impl<D: Dataset> Dataset for Subset<D> {
    forward!(self => self.data; shape, classes, black);

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn target(&self, i: usize) -> Target {
        self.data.target(self.indices[i])
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        self.data.get(self.indices[i], input)
    }
}
