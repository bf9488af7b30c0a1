//! Coherence of the gradients of groups of examples.

use super::{MeasureError, check, slots::decode};
use crate::{Imputed, imputed::Imputation, passes::on_worker_thread};
use coherence_data::{Dataset, random};
use coherence_nn::{Graph, Keep, Model, device::Device, loss::Loss};

/// Measures the coherence of the gradients of `groups` disjoint groups of ⌊m/`groups`⌋ examples each, and imputes α
/// of single examples from it.
///
/// The groups are consecutive in a random order of the examples, a pure function of `seed` and m; what is left over is
/// not used. Batch normalisation is by the statistics of each group, as in training with mini-batches of this
/// size, and dropout is off. A network without batch normalisation has an exact α too, by
/// [`measure`](super::measure()). Memory: one pass over a group, and a few times d.
///
/// ```
/// use coherence_data::{digits, select};
/// use coherence_nn::{Model, model::mlp};
/// use coherence_train::measure::{By, impute, measure};
///
/// // With zero weights only the last bias has a gradient. Its 20 groups of 5 examples say much of 100 examples.
/// let (data, _) = select::split(digits::test(), 100)?;
/// let model = Model::zeros(mlp(&[784, 8, 10])?);
/// let imputed = impute(&model, &data, 20, 1)?;
/// let exact = measure(&model, &data, By::default())?.network.coherence;
/// assert_eq!((imputed.k, imputed.examples()), (5, 100));
/// assert!((imputed.alpha() - exact.alpha()).abs() < 3.0 * imputed.alpha_debiased.standard_error);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`MeasureError`] if the data do not fit the network, there are fewer than 2 groups, or a group is too small.
///
/// Source: GM22 §6; catalogue A5, A5b.
pub fn impute<D: Device<f32>>(
    model: &Model<f32, D>,
    data: &dyn Dataset,
    groups: usize,
    seed: u64,
) -> Result<Imputed, MeasureError> {
    check(model, data)?;
    let (examples, k) = (data.len(), group_size(model.graph(), data.len(), groups)?);
    let order = random::permutation(&mut random::stream(seed, "groups"), examples);
    let (mut x, mut labels) = (vec![0.0; k * model.inputs()], vec![0; k]);
    let mut imputation = Imputation::new(model, Loss::default(), k);
    let mut workspace = model.workspace(k, Keep::Activations);
    on_worker_thread(|| {
        imputation.measure(model, &mut workspace, |visit| {
            for group in order.chunks_exact(k).take(groups) {
                decode(data, |e| group[e], &mut x, &mut labels)?;
                visit(&x, &labels);
            }
            Ok(())
        })
    })
}

/// The examples of each of `groups` groups of so many `examples`: ⌊m/`groups`⌋.
///
/// # Errors
///
/// [`MeasureError::Groups`] if there are fewer than 2 groups, or each has fewer than 1 example (2 with batch
/// normalisation).
pub fn group_size<D: Device<f32>>(
    network: &Graph<f32, D>,
    examples: usize,
    groups: usize,
) -> Result<usize, MeasureError> {
    let least = if network.couples_examples().is_some() { 2 } else { 1 };
    if groups < 2 || examples / groups < least {
        return Err(MeasureError::Groups { groups, examples, least });
    }
    Ok(examples / groups)
}
