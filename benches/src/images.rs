//! Images of normal deviates, as the peers' script of W7 takes them.

use coherence_data::{Dataset, Designation, ReadError, Shape, Target};

use crate::normals;

/// Images with ten classes in turn. Their content does not matter for times.
#[derive(Clone, Debug)]
pub struct Images {
    shape: Shape,
    values: Vec<f32>,
}

impl Images {
    /// `m` colour images of `size` × `size` pixels.
    pub fn new(m: usize, size: usize) -> Self {
        let shape = Shape { height: size, width: size, channels: 3 };
        Self { shape, values: normals(7, m * shape.features()) }
    }
}

impl Dataset for Images {
    fn len(&self) -> usize {
        self.values.len() / self.shape.features()
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn classes(&self) -> usize {
        10
    }

    fn target(&self, i: usize) -> Target {
        assert!(i < self.len(), "image {i} of {}", self.len());
        Target { label: (i % 10) as u32, designation: Designation::Pristine }
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let n = self.shape.features();
        input.copy_from_slice(&self.values[i * n..][..n]);
        Ok(self.target(i))
    }
}
