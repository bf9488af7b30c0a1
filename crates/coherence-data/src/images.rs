//! Labelled images held in memory as bytes.

use std::path::Path;

use crate::idx::{self, IdxError, IdxFault};
use crate::{Dataset, Designation, ReadError, Shape, Target};

/// Labelled images, one byte for each channel of a pixel, channels last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    shape: Shape,
    classes: usize,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    /// Joins grey images [m, height, width] with labels \[m\] of `classes` classes.
    ///
    /// # Errors
    /// [`IdxFault::Mismatch`] if the numbers of labels and images differ, [`IdxFault::Label`] if a
    /// label is not below `classes`.
    pub fn new(
        images: idx::Array<3>,
        labels: idx::Array<1>,
        classes: usize,
    ) -> Result<Self, IdxFault> {
        let [count, height, width] = images.dims;
        let [found] = labels.dims;
        if found != count {
            return Err(IdxFault::Mismatch {
                field: "number of labels",
                found: found as u64,
                expected: count as u64,
            });
        }
        if let Some(index) = labels.values.iter().position(|&label| usize::from(label) >= classes) {
            return Err(IdxFault::Label { index, found: labels.values[index], classes });
        }
        let shape = Shape { channels: 1, height, width };
        Ok(Self { shape, classes, pixels: images.values, labels: labels.values })
    }

    /// Reads a pair of IDX files, plain or gzip, each with at most `limit` values.
    ///
    /// # Errors
    /// [`IdxError`] with the file and the fault. If the two files do not match, it names the file of
    /// labels.
    pub fn read(
        images: &Path,
        labels: &Path,
        classes: usize,
        limit: u64,
    ) -> Result<Self, IdxError> {
        Self::new(idx::read(images, limit)?, idx::read(labels, limit)?, classes)
            .map_err(|fault| IdxError { file: labels.to_owned(), fault })
    }

    /// Images [m, height, width, channels] whose labels \[m\] are below `classes`.
    pub(crate) fn from_checked(
        shape: Shape,
        classes: usize,
        pixels: Vec<u8>,
        labels: Vec<u8>,
    ) -> Self {
        debug_assert_eq!(pixels.len(), labels.len() * shape.features());
        Self { shape, classes, pixels, labels }
    }

    fn image(&self, i: usize) -> &[u8] {
        let features = self.shape.features();
        &self.pixels[i * features..][..features]
    }
}

impl Dataset for Images {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn target(&self, i: usize) -> Target {
        Target { label: self.labels[i].into(), designation: Designation::Pristine }
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let image = self.image(i);
        assert_eq!(input.len(), image.len(), "the buffer must hold exactly one image");
        for (value, &pixel) in input.iter_mut().zip(image) {
            *value = f32::from(pixel) / 255.0;
        }
        Ok(self.target(i))
    }
}
