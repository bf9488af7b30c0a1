//! Label noise in the two forms of the papers.

use super::{ShareError, designate, mark};
use crate::forward;
use crate::random;
use crate::{Dataset, ReadError, Target};

/// A data set some of whose labels were changed at random.
///
/// An example is corrupt if its label differs from the original one. About one in `classes` of the
/// marked examples draws its original label and stays pristine. With ten classes of equal size and a
/// share `p` of noise, 1 − 0.9 `p` of the labels are correct, e.g. 77.5 % at 25 % ("proper accuracy"
/// in CG20 §2).
///
/// ```
/// use coherence_data::{Dataset, Designation, digits, noise::LabelNoise};
/// let noisy = LabelNoise::permute(digits::test(), 0.5, 1).unwrap();
/// let corrupt = (0..noisy.len())
///     .filter(|&i| noisy.target(i).designation == Designation::Corrupt)
///     .count();
/// assert!((850..950).contains(&corrupt), "about 0.9 · 0.5 · 2000: {corrupt}");
/// ```
#[derive(Clone, Debug)]
pub struct LabelNoise<D> {
    data: D,
    labels: Vec<u32>,
}

impl<D: Dataset> LabelNoise<D> {
    /// Marks each example with probability `p` and permutes the marked labels among themselves.
    ///
    /// The class histogram does not change. Source: CG20 §2.
    ///
    /// # Errors
    /// [`ShareError`] unless 0 ≤ `p` ≤ 1.
    pub fn permute(data: D, p: f64, seed: u64) -> Result<Self, ShareError> {
        let marks = mark(data.len(), p, seed, "label-noise.permute.mark")?;
        let mut labels = labels_of(&data);
        let mut marked: Vec<u32> =
            labels.iter().zip(&marks).filter(|(_, marked)| **marked).map(|(l, _)| *l).collect();
        random::shuffle(&mut random::stream(seed, "label-noise.permute.order"), &mut marked);
        for ((label, _), new) in labels.iter_mut().zip(marks).filter(|(_, m)| *m).zip(marked) {
            *label = new;
        }
        Ok(Self { data, labels })
    }

    /// Marks each example with probability `p` and redraws each marked label uniformly from all
    /// classes.
    ///
    /// The draw of an example does not depend on `p`. Source: WS20 §2.
    ///
    /// # Errors
    /// [`ShareError`] unless 0 ≤ `p` ≤ 1.
    pub fn redraw(data: D, p: f64, seed: u64) -> Result<Self, ShareError> {
        let marks = mark(data.len(), p, seed, "label-noise.redraw.mark")?;
        let classes = data.classes() as u64;
        let mut rng = random::stream(seed, "label-noise.redraw.label");
        let mut labels = labels_of(&data);
        for (label, marked) in labels.iter_mut().zip(marks) {
            let drawn = random::below(&mut rng, classes) as u32;
            if marked {
                *label = drawn;
            }
        }
        Ok(Self { data, labels })
    }

    fn noisy(&self, i: usize, original: Target) -> Target {
        let label = self.labels[i];
        let designation = designate(label != original.label, original.designation);
        Target { label, designation }
    }
}

fn labels_of(data: &impl Dataset) -> Vec<u32> {
    (0..data.len()).map(|i| data.target(i).label).collect()
}

impl<D: Dataset> Dataset for LabelNoise<D> {
    forward!(self => self.data; len, shape, classes, black);

    fn target(&self, i: usize) -> Target {
        self.noisy(i, self.data.target(i))
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let original = self.data.get(i, input)?;
        Ok(self.noisy(i, original))
    }
}
