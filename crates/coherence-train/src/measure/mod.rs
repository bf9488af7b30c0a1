//! Coherence of a trained network over a data set, by tensor, group and example.
//!
//! One forward and backward pass yields the sums of every group and all squared norms. The dot product
//! S · g_e of an example with the sum S over all examples needs a second pass: one product with S
//! of the size of a forward pass, over activations and deltas kept from the first pass (see
//! [`BUDGET`]). Both passes go over chunks of examples sorted by class and designation; sums are
//! taken over pieces of a chunk whose examples belong to the same groups.

mod groups;
mod losses;
mod members;
mod meter;
mod plan;
mod sample;
mod slots;

pub use groups::{group_size, impute};
pub use meter::Meter;

use plan::CHUNK;

use crate::collective::{Collective, Fingerprint, compared};
use crate::memory::{F32, F64, chunk, parameters, wide, workspace};
use crate::misfit::{Misfit, check_fit};
use coherence_core::{Coherence, Member, unbiased::Estimate};
use coherence_data::{Dataset, Designation, ReadError};
use coherence_nn::{Graph, Keep, Model, device::Device};

/// Memory in which [`measure`] keeps activations and deltas for the second pass: 256 MiB.
///
/// An example takes 8 bytes per neuron, 6.2 kB for 784–256–256–256–10, so that up to 43,000
/// examples are kept (12 bytes and 29,000 examples for activations that need their
/// pre-activations). Images are kept as well if there is room for all of them: up to 28,000. For
/// examples beyond the budget the forward and backward passes are repeated, so that α and
/// helpfulness of many more examples take twice the time of α alone. The results are bit for bit
/// the same.
pub const BUDGET: usize = 256 << 20;

/// What [`measure`] measures in addition to the network, each tensor, and the pristine and the corrupt
/// examples.
///
/// Costs count matrix products. The unit is one forward pass, one backward pass and the sum of the
/// gradients together, for a network like 784–256–256–256–10 with all activations kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct By {
    /// The coherence of each class. Costs no additional matrix product.
    pub class: bool,
    /// Each example's helpfulness and the standard errors of the network and its tensors. Costs
    /// 0.42 units.
    pub example: bool,
    /// As `example`, and the standard errors of the classes and of the pristine and corrupt examples.
    /// Costs 0.42 units each for `example`, for the classes and for the designations.
    pub errors: bool,
}

/// Coherence of a network over a sample of m examples; gradients are of the SUM loss, softmax cross-entropy.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// MEAN loss per example.
    pub loss: f64,
    /// Share of the examples whose label has the largest logit (the first of equal ones).
    pub accuracy: f64,
    /// The whole network.
    pub network: Statistics,
    /// Each tensor by name, in the order of the network.
    pub tensors: Vec<(String, Statistics)>,
    /// Each class that occurs, ascending; empty unless requested.
    pub classes: Vec<(u32, Group)>,
    /// The pristine, then the corrupt examples; groups without examples are left out.
    pub designations: Vec<(Designation, Group)>,
    /// Each example, in the order of the data set; empty unless requested.
    pub examples: Vec<ExampleMeasure>,
}

/// The network or one of its tensors, over all examples or a group of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// m, ‖S‖² and Q.
    pub coherence: Coherence,
    /// α̂ with its jackknife standard error; `None` unless measured (see [`By`]) and m ≥ 3.
    pub alpha_debiased: Option<Estimate>,
}

/// The network over a group of examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// The statistics of the group by itself.
    pub statistics: Statistics,
    /// The MEAN helpfulness h_i of its examples with respect to all m examples of the sample, not only
    /// those of the group; `None` unless examples (or errors) were requested, and for m = 1.
    pub helpfulness: Option<f64>,
}

/// The measurements of one example.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleMeasure {
    /// Its index in the data set.
    pub index: usize,
    /// Its label.
    pub label: u32,
    /// Whether noise changed it.
    pub designation: Designation,
    /// Its loss.
    pub loss: f64,
    /// ‖g_i‖² and S·g_i.
    pub member: Member,
    /// Helpfulness h_i: how much the other examples help it; `None` for m = 1.
    pub helpfulness: Option<f64>,
}

/// Why a network cannot be measured on a data set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MeasureError {
    /// The data set is empty.
    #[error("the data set has no examples (coherence needs at least one)")]
    Empty,
    /// The data do not fit the model.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The examples cannot be cut into so many groups.
    #[error(
        "{groups} groups of {examples} examples (take at least 2 groups of at least {least} examples each)"
    )]
    Groups {
        /// The groups requested.
        groups: usize,
        /// The examples of the data set.
        examples: usize,
        /// Examples of a group at least: 2 if the network normalises by the statistics of the batch, else 1.
        least: usize,
    },
    /// More examples than can be sorted by class and designation.
    #[error("the data set has {found} examples (at most 4294967295 can be sorted: take a subset)")]
    TooMany {
        /// Examples of the data set.
        found: usize,
    },
    /// A loss is not finite, so neither are its gradients.
    #[error("the loss of example {index} is {loss} (are these the weights of a diverged run?)")]
    NonFinite {
        /// The example.
        index: usize,
        /// Its loss.
        loss: f64,
    },
    /// Workers that measure together differ from worker 0; their ranks.
    #[error(
        "workers {0:?} differ from worker 0 in network, data or what is measured (start all with the same command, \
         on the same files)"
    )]
    Differing(Vec<usize>),
    /// The file of an example cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Measures `model` on all examples of `data`; see [`By`] for the cost.
///
/// Memory: a few times d, and buffers for one chunk of images, which are decoded chunk by chunk. Only
/// the following grow with m. A sample of several classes (if requested) or of pristine and corrupt
/// examples is sorted, which takes 4 bytes per example. [`By::example`] and [`By::errors`] take up to
/// [`BUDGET`] and, for t tensors, 16 (t + 1) bytes per example. Use [`Meter`] for other budgets.
///
/// ```
/// use coherence_data::{digits, select};
/// use coherence_nn::{Model, model::mlp};
/// use coherence_train::measure::{By, measure};
///
/// // With zero weights only the last bias has a gradient, which depends only on the label.
/// let (data, _) = select::split(digits::test(), 100)?;
/// let by = By { class: true, example: true, errors: false };
/// let measured = measure(&Model::zeros(mlp(&[784, 8, 10])?), &data, by)?;
/// assert_eq!(measured.loss as f32, f32::ln(10.0));
/// assert_eq!(measured.network, measured.tensors[3].1);
/// assert!(measured.classes.iter().all(|(_, class)| class.statistics.coherence.alpha() > 0.999_999));
/// let debiased = measured.network.alpha_debiased.unwrap();
/// assert!(debiased.value < measured.network.coherence.alpha());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`MeasureError`] if the data do not fit the network or a loss is not finite.
///
/// Source: catalogue A1, A10, A15c, A15d.
pub fn measure<D: Device<f32>>(
    model: &Model<f32, D>,
    data: &dyn Dataset,
    by: By,
) -> Result<Measurement, MeasureError> {
    Meter::new(model, data, by, BUDGET)?.measure()
}

/// The least number of bytes that [`measure`] needs for a network of this structure and `examples` examples;
/// saturates.
///
/// ```
/// use coherence_train::measure::memory;
/// let network: coherence_nn::Graph<f32> = coherence_nn::model::mlp(&[784, 256, 256, 256, 10])?;
/// assert!(memory(&network, 60_000) < 32 << 20);
/// # Ok::<(), coherence_nn::GraphError>(())
/// ```
pub fn memory<D: Device<f32>>(network: &Graph<f32, D>, examples: usize) -> u64 {
    // The parameters and the sums of a piece, of a designation and of all examples, which are in f64 if there are
    // several pieces.
    let chunk = chunk(network, CHUNK);
    let sum = if examples <= chunk { F32 } else { F64 };
    let sums = parameters(network).saturating_mul(2 * F32 + 2 * sum);
    let passes = wide(examples.min(chunk)).saturating_mul(workspace(network, Keep::Deltas));
    sums.saturating_add(passes)
}

/// The least number of bytes that [`impute`] needs for groups of k examples; saturates.
pub fn memory_of_group<D: Device<f32>>(network: &Graph<f32, D>, k: usize) -> u64 {
    let sums = parameters(network).saturating_mul(3 * F32 + F64);
    sums.saturating_add(wide(k).saturating_mul(workspace(network, Keep::Activations)))
}

/// Whether all workers have the same network, data and request.
fn agree<D: Device<f32>>(
    workers: &dyn Collective,
    model: &Model<f32, D>,
    data: &dyn Dataset,
    by: By,
) -> Result<(), MeasureError> {
    if workers.is_solo() {
        return Ok(());
    }
    let mut mine = Fingerprint::default();
    mine.bytes(format!("{by:?}"));
    mine.network(model);
    (0..data.len()).for_each(|i| mine.bytes(format!("{:?}", data.target(i))));
    let mut image = vec![0.0; data.shape().features()];
    for i in compared(data.len()) {
        data.get(i, &mut image)?;
        mine.numbers(&image);
    }
    let differing = mine.differing(workers);
    if differing.is_empty() { Ok(()) } else { Err(MeasureError::Differing(differing)) }
}

fn check<D: Device<f32>>(model: &Model<f32, D>, data: &dyn Dataset) -> Result<(), MeasureError> {
    if data.is_empty() {
        return Err(MeasureError::Empty);
    }
    Ok(check_fit(model, data.shape(), data.classes())?)
}
