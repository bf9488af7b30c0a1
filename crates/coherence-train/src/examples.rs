//! A data set decoded once into contiguous memory.

use coherence_data::{Dataset, Designation, ReadError, Target};
use rayon::prelude::*;

/// All images [n, features] and targets \[n\] of a data set, ready to be gathered into batches.
#[derive(Debug, Clone)]
pub struct Examples {
    features: usize,
    classes: usize,
    inputs: Vec<f32>,
    labels: Vec<u32>,
    designations: Vec<Designation>,
}

impl Examples {
    /// Decodes every example of `data`, on all threads.
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
        let mut inputs = vec![0.0; data.len() * features];
        let rows = inputs.par_chunks_mut(features.max(1)).enumerate();
        let targets = rows.map(|(i, row)| data.get(i, row));
        let targets = targets.collect::<Result<Vec<Target>, _>>()?;
        Ok(Self {
            features,
            classes: data.classes(),
            inputs,
            labels: targets.iter().map(|target| target.label).collect(),
            designations: targets.iter().map(|target| target.designation).collect(),
        })
    }

    /// The number of examples n.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of values of an image.
    pub fn features(&self) -> usize {
        self.features
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

    /// The images [count, features] from example `start` on.
    pub(crate) fn inputs(&self, start: usize, count: usize) -> &[f32] {
        &self.inputs[start * self.features..][..count * self.features]
    }

    /// Copies the chosen examples to `x` [k, features] and `labels` \[k\].
    pub(crate) fn gather(&self, indices: &[usize], x: &mut [f32], labels: &mut [u32]) {
        let rows = x.par_chunks_exact_mut(self.features).zip(labels).zip(indices);
        rows.with_min_len(32).for_each(|((row, label), &i)| {
            row.copy_from_slice(self.inputs(i, 1));
            *label = self.labels[i];
        });
    }
}

/// Whether a network takes images of this shape: the same, or as many features.
pub(crate) fn accepts(input: coherence_nn::Shape, image: coherence_data::Shape) -> bool {
    input == shape(image) || input == coherence_nn::Shape::features(image.features())
}

/// The shape of an image as the network's layers see it.
pub(crate) fn shape(image: coherence_data::Shape) -> coherence_nn::Shape {
    coherence_nn::Shape::image(image.height, image.width, image.channels)
}
