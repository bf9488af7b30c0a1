//! The measurement: the sums of every group, then the statistics that depend on them.

use super::{
    By, Group, MeasureError, Measurement, Statistics, agree, check,
    plan::{CHUNK, Plan},
    sample::Sample,
};
use crate::{
    collective::{Collective, Solo},
    memory,
    passes::on_worker_thread,
    tally::{ChunkSums, Tally},
};
use coherence_data::{Dataset, Designation, ReadError};
use coherence_nn::{
    Model,
    device::{Cpu, Device},
};
use core::fmt;
use rayon::prelude::*;
use std::sync::Arc;

/// A network and a sample, with all buffers to measure the network on the sample repeatedly.
///
/// ```
/// use coherence_data::{digits, select};
/// use coherence_nn::{Model, model::mlp};
/// use coherence_train::measure::{By, Meter};
///
/// let (data, _) = select::split(digits::test(), 100)?;
/// let model = Model::zeros(mlp(&[784, 8, 10])?);
/// let by = By { example: true, ..By::default() };
/// let mut unlimited = Meter::new(&model, &data, by, usize::MAX)?;
/// let mut without_memory = Meter::new(&model, &data, by, 0)?;
/// assert_eq!(unlimited.measure()?, without_memory.measure()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Meter<'a, D: Device<f32> = Cpu> {
    workers: Arc<dyn Collective>,
    by: By,
    sample: Sample<'a, D>,
    piece: ChunkSums<D>,
    /// The second piece of a class that has two.
    other: ChunkSums<D>,
    /// The pristine and the corrupt examples.
    designations: Vec<Designated<D>>,
    /// The sums over each class in turn, then over all examples.
    sums: Tally<D>,
}

impl<'a, D: Device<f32>> Meter<'a, D> {
    /// Buffers to measure `model` on `data`, with at most `budget` bytes (but at least one chunk)
    /// for the activations and deltas that a second pass needs.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] if the data do not fit the network or there are too many examples to sort.
    pub fn new(
        model: &'a Model<f32, D>,
        data: &'a dyn Dataset,
        by: By,
        budget: usize,
    ) -> Result<Self, MeasureError> {
        Self::among(Arc::new(Solo), model, data, by, budget)
    }

    /// As [`new`](Self::new), as one of several workers with the same network and data, which call the same functions
    /// and get the same measurement.
    ///
    /// Each worker passes over a run of the chunks of the sample. S and Q of a group of examples are added in the
    /// order of ranks, in f64: their last bits depend on the number of workers, and are the same on every run.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`MeasureError::Differing`] if the workers differ in network, data or request.
    pub fn among(
        workers: Arc<dyn Collective>,
        model: &'a Model<f32, D>,
        data: &'a dyn Dataset,
        by: By,
        budget: usize,
    ) -> Result<Self, MeasureError> {
        check(model, data)?;
        agree(&*workers, model, data, by)?;
        let chunk = memory::chunk(model.graph(), CHUNK);
        let plan = Plan::new(&*workers, data, by.class, chunk)?;
        let (device, layout) = (model.device(), model.layout());
        let designations = Designation::ALL
            .map(|designation| (designation, plan.designated(designation)))
            .into_iter()
            .filter(|(_, pieces)| !pieces.is_empty())
            .map(|(designation, pieces)| (designation, pieces, Tally::new(device, layout)))
            .collect();
        let second_pass = (by.example || by.errors).then_some(budget);
        Ok(Self {
            sample: Sample::new(Arc::clone(&workers), model, data, plan, second_pass, by.example),
            piece: ChunkSums::new(device),
            other: ChunkSums::new(device),
            designations,
            sums: Tally::new(device, layout),
            workers,
            by,
        })
    }

    /// The reference for the cost of [`measure`](Self::measure): decodes this worker's examples chunk by
    /// chunk, runs the forward and backward passes, and writes the sum of gradients of each chunk
    /// to `sum` \[d\], which is overwritten.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file of an example cannot be read.
    ///
    /// # Panics
    ///
    /// If `sum` does not have d values.
    pub fn passes(&mut self, mut sum: D::SliceMut<'_, f32>) -> Result<(), ReadError> {
        on_worker_thread(|| {
            self.sample.begin();
            let mut chunks = self.sample.plan.own.clone();
            chunks.try_for_each(|c| self.sample.gradient(c, D::reborrow(&mut sum)))
        })
    }

    /// Measures the network on the sample.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] if a loss is not finite, or the file of an example cannot be read.
    pub fn measure(&mut self) -> Result<Measurement, MeasureError> {
        on_worker_thread(|| self.measure_on_this_thread())
    }

    fn measure_on_this_thread(&mut self) -> Result<Measurement, MeasureError> {
        self.sample.begin();
        self.designations.iter_mut().for_each(|(.., sums)| sums.clear());
        let classes = if self.by.class { self.by_class()? } else { self.at_once()? };
        self.sample.gather();
        self.designations.iter_mut().for_each(|(.., sums)| sums.sum_over(&*self.workers));
        if let Some((index, loss)) = self.sample.not_finite() {
            return Err(MeasureError::NonFinite { index, loss });
        }
        let (network, tensors) = self.whole()?;
        let coherence = network.coherence;
        let classes = classes.into_iter().map(|(class, statistics, pieces)| {
            let helpfulness = self.sample.helpfulness(coherence, &pieces);
            (class, Group { statistics, helpfulness })
        });
        Ok(Measurement {
            loss: self.sample.loss(),
            accuracy: self.sample.accuracy(),
            network,
            tensors,
            classes: classes.collect(),
            examples: if self.by.example { self.sample.examples(coherence) } else { Vec::new() },
            designations: self.by_designation(network)?,
        })
    }

    /// The first pass, without classes.
    fn at_once(&mut self) -> Result<Vec<MeasuredClass>, ReadError> {
        for p in 0..self.sample.plan.pieces.len() {
            if self.sample.plan.is_own(p) {
                self.compute(p)?;
                self.take(p);
            }
        }
        Ok(Vec::new())
    }

    /// The first pass, class by class, so that one accumulator suffices for all classes.
    fn by_class(&mut self) -> Result<Vec<MeasuredClass>, ReadError> {
        let classes = self.sample.plan.classes().into_iter().map(|pieces| {
            let label = self.sample.plan.pieces[pieces[0]].target.label;
            Ok((label, self.class(&pieces)?, pieces))
        });
        classes.collect()
    }

    /// The first pass over one class. The sum is accumulated only for standard errors, for several workers, or
    /// if the class has more than two pieces.
    fn class(&mut self, pieces: &[usize]) -> Result<Statistics, ReadError> {
        let accumulate = self.by.errors || !self.workers.is_solo();
        let coherence = match pieces {
            [c] if !accumulate => {
                self.compute(*c)?;
                let coherence = self.piece.network();
                self.take(*c);
                coherence
            }
            [a, b] if !accumulate => {
                self.compute(*a)?;
                core::mem::swap(&mut self.piece, &mut self.other);
                self.compute(*b)?;
                let coherence = self.piece.network_with(&self.other);
                let of_other = self.sample.plan.pieces[*a].target.designation;
                tally_of(&mut self.designations, of_other).take(&mut self.other);
                self.take(*b);
                coherence
            }
            _ => {
                self.sums.clear();
                for &p in pieces {
                    if self.sample.plan.is_own(p) {
                        self.compute(p)?;
                        self.sums.add(&self.piece);
                        self.take(p);
                    }
                }
                self.sums.sum_over(&*self.workers);
                let coherence = self.sums.network();
                return self.sample.statistics(coherence, &self.sums, pieces, self.by.errors);
            }
        };
        Ok(Statistics { coherence, alpha_debiased: None })
    }

    /// Computes the sums of piece `p`.
    fn compute(&mut self, p: usize) -> Result<(), ReadError> {
        self.sample.sum(p, &mut self.piece)
    }

    /// Adds piece `p`, which was computed, to the sums of its designation, which take it.
    fn take(&mut self, p: usize) {
        let designation = self.sample.plan.pieces[p].target.designation;
        tally_of(&mut self.designations, designation).take(&mut self.piece);
    }

    /// The network and its tensors over all examples; runs the second pass if it is needed.
    fn whole(&mut self) -> Result<(Statistics, Vec<(String, Statistics)>), ReadError> {
        if let [(.., sums)] = &mut self.designations[..] {
            core::mem::swap(sums, &mut self.sums); // not needed any more, and a copy of d numbers takes long
        } else {
            self.sums.clear();
            self.designations.iter().for_each(|(.., sums)| self.sums.merge(sums));
        }
        let all: Vec<usize> = (0..self.sample.plan.pieces.len()).collect();
        let (network, tensors) = self.sums.network_and_tensors();
        let network = self.sample.statistics(network, &self.sums, &all, true)?;
        let named = self.sample.model().layout().tensors().par_iter().zip(&tensors).enumerate();
        let named = named.map(|(t, (tensor, &coherence))| {
            (tensor.name.clone(), self.sample.tensor(coherence, t))
        });
        Ok((network, named.collect()))
    }

    /// The pristine and the corrupt examples. Must be called while the dots are those with the sum
    /// over all examples. Runs a third pass for standard errors.
    fn by_designation(
        &mut self,
        network: Statistics,
    ) -> Result<Vec<(Designation, Group)>, ReadError> {
        let alone = self.designations.len() == 1;
        let groups = self.designations.iter().map(|(designation, pieces, sums)| {
            let helpfulness = self.sample.helpfulness(network.coherence, pieces);
            let statistics = if alone {
                network
            } else {
                self.sample.statistics(sums.network(), sums, pieces, self.by.errors)?
            };
            Ok((*designation, Group { statistics, helpfulness }))
        });
        groups.collect()
    }
}

/// A designation, the indices of its pieces, and their sums.
type Designated<D> = (Designation, Vec<usize>, Tally<D>);

/// The sums of a designation that has pieces.
fn tally_of<D: Device<f32>>(
    designations: &mut [Designated<D>],
    designation: Designation,
) -> &mut Tally<D> {
    let sums = designations.iter_mut().find(|(of, ..)| *of == designation);
    &mut sums.expect("every piece's designation has sums").2
}

/// A class, its statistics and the indices of its pieces.
type MeasuredClass = (u32, Statistics, Vec<usize>);

/// Prints only what is measured: the buffers are too large.
impl<D: Device<f32>> fmt::Debug for Meter<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("by", &self.by).finish_non_exhaustive()
    }
}
