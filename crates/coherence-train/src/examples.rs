//! The training and test sets of a run: images in memory, or decoded when they are needed.

use crate::Group;
use coherence_data::{Batches, Dataset, Designation, ReadError, Shape, Target};
use core::{fmt, ops::Range};
use rayon::prelude::*;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Decoded images of a set that are held in memory at most: 1 GiB.
pub(crate) const RESIDENT: u64 = 1 << 30;

/// The images [n, features] and targets \[n\] of a data set.
///
/// The images are either decoded once and held in memory, or decoded batch by batch by a thread while the network
/// computes. Results are bit for bit the same.
#[derive(Clone)]
pub struct Examples {
    shape: Shape,
    classes: usize,
    labels: Vec<u32>,
    designations: Vec<Designation>,
    groups: Vec<Group>,
    /// The value of a black pixel by channel.
    black: Vec<f32>,
    images: Images,
}

#[derive(Clone)]
enum Images {
    /// All of them [n, features].
    Resident(Vec<f32>),
    /// To be decoded.
    Streamed(Arc<dyn Dataset>),
}

/// Why a pass over examples ended early.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The stop flag was raised.
    Stopped,
    /// An image cannot be read.
    Read(ReadError),
}

impl From<ReadError> for Halt {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Examples {
    /// Holds the images of `data` in memory if they take at most 1 GiB as `f32`, else decodes them when they
    /// are needed.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file of an example that is decoded now cannot be read.
    pub fn open(data: Arc<dyn Dataset>) -> Result<Self, ReadError> {
        let image = data.shape().features().saturating_mul(size_of::<f32>()) as u64;
        if (data.len() as u64).saturating_mul(image) <= RESIDENT {
            Self::decode(&data)
        } else {
            Ok(Self::stream(data))
        }
    }

    /// Decodes every image of `data` into memory, on all threads.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file of an example cannot be read.
    ///
    /// ```
    /// use coherence_data::digits;
    /// use coherence_train::Examples;
    /// let test = Examples::decode(&digits::test())?;
    /// assert_eq!((test.len(), test.features(), test.labels().len()), (2000, 784, 2000));
    /// # Ok::<(), coherence_data::ReadError>(())
    /// ```
    pub fn decode(data: &dyn Dataset) -> Result<Self, ReadError> {
        let features = data.shape().features();
        let mut images = vec![0.0; data.len() * features];
        let rows = images.par_chunks_mut(features.max(1)).enumerate();
        let targets = rows.map(|(i, row)| data.get(i, row));
        let targets = targets.collect::<Result<Vec<Target>, _>>()?;
        Ok(Self::new(data, &targets, Images::Resident(images)))
    }

    /// Decodes the images of `data` batch by batch when they are needed, by a thread that is one batch ahead.
    pub fn stream(data: Arc<dyn Dataset>) -> Self {
        let targets: Vec<Target> = (0..data.len()).map(|i| data.target(i)).collect();
        Self::new(&data, &targets, Images::Streamed(Arc::clone(&data)))
    }

    fn new(data: &dyn Dataset, targets: &[Target], images: Images) -> Self {
        Self {
            shape: data.shape(),
            classes: data.classes(),
            labels: targets.iter().map(|target| target.label).collect(),
            designations: targets.iter().map(|target| target.designation).collect(),
            groups: Vec::new(),
            black: (0..data.shape().channels).map(|channel| data.black(channel)).collect(),
            images,
        }
    }

    /// The number of examples n.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The shape of an image.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The number of values of an image.
    pub fn features(&self) -> usize {
        self.shape.features()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels \[n\].
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Whether noise changed each example \[n\].
    pub fn designations(&self) -> &[Designation] {
        &self.designations
    }

    /// The same set, in which these groups are evaluated apart.
    ///
    /// # Panics
    ///
    /// If a member is not an index of an example.
    ///
    /// ```
    /// use coherence_data::digits;
    /// use coherence_train::{Examples, Group};
    /// let first = Group { name: "first".to_owned(), members: (0..100).collect() };
    /// let test = Examples::decode(&digits::test())?.with_groups(vec![first]);
    /// assert_eq!(test.groups()[0].members.len(), 100);
    /// # Ok::<(), coherence_data::ReadError>(())
    /// ```
    #[must_use]
    pub fn with_groups(mut self, groups: Vec<Group>) -> Self {
        let n = self.len();
        for Group { name, members } in &groups {
            let inside = members.iter().all(|&member| member < n);
            assert!(inside, "group {name} has members beyond the {n} examples");
        }
        self.groups = groups;
        self
    }

    /// The groups that are evaluated apart; none unless they were [given](Self::with_groups).
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Example `i` as a set of its own, held in memory and without groups.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it is decoded now and its file cannot be read.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`len`](Self::len).
    pub fn single(&self, i: usize) -> Result<Self, ReadError> {
        let mut image = vec![0.0; self.features()];
        match &self.images {
            Images::Resident(images) => {
                image.copy_from_slice(&images[i * self.features()..][..self.features()]);
            }
            Images::Streamed(data) => drop(data.get(i, &mut image)?),
        }
        Ok(Self {
            shape: self.shape,
            classes: self.classes,
            labels: vec![self.labels[i]],
            designations: vec![self.designations[i]],
            groups: Vec::new(),
            black: self.black.clone(),
            images: Images::Resident(image),
        })
    }

    /// The value of a black pixel by channel.
    pub(crate) fn black(&self) -> &[f32] {
        &self.black
    }

    /// The data set, if its images are not held in memory.
    pub(crate) fn streamed(&self) -> Option<&Arc<dyn Dataset>> {
        match &self.images {
            Images::Resident(_) => None,
            Images::Streamed(data) => Some(data),
        }
    }

    /// Copies the labels of the chosen examples to `labels` \[k\], and their images, if they are held in
    /// memory, to `x` [k, features].
    pub(crate) fn gather(&self, indices: &[usize], x: &mut [f32], labels: &mut [u32]) {
        labels.iter_mut().zip(indices).for_each(|(label, &i)| *label = self.labels[i]);
        if let Images::Resident(images) = &self.images {
            let features = self.features();
            let rows = x.par_chunks_exact_mut(features).zip(indices);
            rows.with_min_len(32).for_each(|(row, &i)| {
                row.copy_from_slice(&images[i * features..][..features]);
            });
        }
    }

    /// Calls `visit` with the images [k, features] and the labels \[k\] of each list of indices, in order.
    ///
    /// # Errors
    ///
    /// [`Halt::Stopped`] as soon as `stop` is raised, which is checked before each list; [`Halt::Read`] if an
    /// image cannot be read.
    pub(crate) fn visit(
        &self,
        stop: &AtomicBool,
        lists: impl Iterator<Item = Vec<usize>> + Send + 'static,
        mut visit: impl FnMut(&[f32], &[u32]),
    ) -> Result<(), Halt> {
        let check = || if stop.load(Ordering::Relaxed) { Err(Halt::Stopped) } else { Ok(()) };
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        let data = match &self.images {
            Images::Streamed(data) => Arc::clone(data),
            Images::Resident(images) => {
                for indices in lists {
                    check()?;
                    labels.resize(indices.len(), 0);
                    if let Some(run) = as_range(&indices) {
                        labels.copy_from_slice(&self.labels[run.clone()]);
                        let features = self.features();
                        visit(&images[run.start * features..run.end * features], &labels);
                    } else {
                        x.resize(indices.len() * self.features(), 0.0);
                        self.gather(&indices, &mut x, &mut labels);
                        visit(&x, &labels);
                    }
                }
                return Ok(());
            }
        };
        for batch in Batches::new(data, lists) {
            check()?;
            let batch = batch?;
            labels.clear();
            labels.extend(batch.targets.iter().map(|target| target.label));
            visit(&batch.inputs, &labels);
        }
        Ok(())
    }
}

/// The range that consecutive indices are.
fn as_range(indices: &[usize]) -> Option<Range<usize>> {
    let start = *indices.first()?;
    let is_run = indices.iter().enumerate().all(|(at, &i)| i == start + at);
    is_run.then(|| start..start + indices.len())
}

/// Prints the sizes only: there may be millions of values.
impl fmt::Debug for Examples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut examples = f.debug_struct("Examples");
        examples.field("len", &self.len()).field("shape", &self.shape).finish_non_exhaustive()
    }
}
