//! Coherence and helpfulness during training: over a fixed sample and over the mini-batch.

use crate::{
    Config, Examples, Watch,
    activity::Activity,
    collective::Collective,
    examples::Halt,
    imputed::{Imputation, m_coherence},
    passes::ChunkedPasses,
    tally::{ChunkSums, Tally},
};
use coherence_core::{Coherence, Member, helpfulness::helpfulness, unbiased::Estimate};
use coherence_data::{Designation, random};
use coherence_nn::{Model, Workspace, device::Device};
use std::sync::{Arc, atomic::AtomicBool};

/// The fixed sample, with the buffers to measure it and the mini-batches. Several workers share the passes over it
/// and over the mini-batch; what is imputed is measured by each of them.
#[derive(Debug)]
pub(crate) struct Probe<D: Device<f32>> {
    workers: Arc<dyn Collective>,
    watch: Vec<Watch>,
    /// The sample, in two halves if one of them is watched.
    sample: Vec<ByDesignation>,
    /// Test examples, if their coherence is watched; else none.
    test: Vec<usize>,
    tallies: [Tally<D>; 2],
    whole: Tally<D>,
    passes: ChunkedPasses<D>,
    chunk: ChunkSums<D>,
    /// Disjoint mini-batches, if α is to be imputed from them.
    imputation: Option<(Disjoint, Imputation<D>)>,
}

/// Disjoint mini-batches of the sample.
#[derive(Debug)]
struct Disjoint {
    whole: Vec<Vec<usize>>,
    /// Of pristine examples alone and of corrupt ones alone; empty if they are not watched.
    groups: [Vec<Vec<usize>>; 2],
    /// Of the sample of the test set; empty if it is not watched.
    test: Vec<Vec<usize>>,
}

/// Indices of the pristine and of the corrupt examples.
type ByDesignation = [Vec<usize>; 2];

impl<D: Device<f32>> Probe<D> {
    /// Draws the examples of the probe (at most all); the sample is a pure function of seed, size and number
    /// of examples.
    pub(crate) fn new(
        workers: Arc<dyn Collective>,
        model: &Model<f32, D>,
        [examples, test]: [&Examples; 2],
        config: &Config,
    ) -> Self {
        let (device, layout) = (model.device(), model.layout());
        let mut rng = random::stream(config.seed, "probe");
        let mut chosen = random::permutation(&mut rng, examples.len());
        chosen.truncate(config.probe);
        let mut test = test_sample(test, config);
        let k = config.examples_of_a_pass();
        let imputes = config.imputes(model.graph()) && chosen.len() >= 2 * k;
        let imputation = imputes.then(|| {
            let mut imputation = Imputation::new(model, config.loss, k);
            if config.watch.contains(&Watch::ImputedLayer) {
                imputation = imputation.by_tensor(model);
            }
            let grouped = config.watch.contains(&Watch::ImputedGroup);
            (Disjoint::new(k, (&chosen, grouped.then_some(examples)), &test), imputation)
        });
        test.sort_unstable();
        // The choice is in random order, so that its first half is a random one.
        let halves = if config.watch.contains(&Watch::Half) { 2 } else { 1 };
        let part = chosen.len().div_ceil(halves).max(1);
        let parts = chosen.chunks_mut(part);
        let sample = parts.map(|part| {
            part.sort_unstable();
            by_designation(examples, part)
        });
        Self {
            workers,
            watch: config.watch.clone(),
            sample: sample.collect(),
            test,
            tallies: [(); 2].map(|()| Tally::new(device, layout)),
            whole: Tally::new(device, layout),
            passes: ChunkedPasses::new(model, config.loss),
            chunk: ChunkSums::new(device),
            imputation,
        }
    }

    /// Measures the sample of the training examples, that of the test examples and the mini-batch `batch`, whose
    /// workspace may be used, and sends the series `probe.…`, `test.…`, `batch.…` and `activity.…`.
    ///
    /// # Errors
    ///
    /// As [`Examples::visit`].
    pub(crate) fn observe(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        [examples, test]: [&Examples; 2],
        (batch, workspace): (&[usize], &mut Workspace<f32, D>),
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<(), Halt> {
        let (sample, mut activity) = (self.sample.clone(), Activity::default());
        let watches_activity = self.watch.contains(&Watch::Activity);
        self.clear();
        for (i, part) in sample.iter().enumerate() {
            self.add(stop, model, examples, part, |workspace| {
                if watches_activity {
                    activity.add(model, workspace);
                }
            })?;
            if i == 0 && self.watch.contains(&Watch::Half) {
                let half = self.whole.network();
                send("probe.half.alpha", half.alpha());
                rows("probe.half", half, send);
            }
        }
        let tensors = self.report("probe", send);
        if self.watch.contains(&Watch::Layer) {
            for (tensor, coherence) in model.layout().tensors().iter().zip(tensors) {
                rows(&format!("probe.{}", tensor.name), coherence, send);
            }
        }
        self.measure_test(stop, model, test, send)?;
        self.clear();
        self.add(stop, model, examples, &by_designation(examples, batch), |_| {})?;
        self.report("batch", send);
        self.impute(stop, model, [examples, test], workspace, send)?;
        if watches_activity {
            activity.report(send);
        }
        Ok(())
    }

    /// Sends the coherence of the sample of test examples, if it is watched.
    fn measure_test(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        test: &Examples,
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<(), Halt> {
        if self.test.is_empty() {
            return Ok(());
        }
        let Self { workers, passes, chunk, whole, test: sample, .. } = self;
        whole.clear();
        passes.tally(&**workers, stop, (model, test, sample), (chunk, whole), |_| {})?;
        let test = whole.network();
        send("test.alpha", test.alpha());
        rows("test", test, send);
        Ok(())
    }

    /// Sends α as imputed from mini-batches of the samples, by the statistics of each.
    fn impute(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        [examples, test]: [&Examples; 2],
        workspace: &mut Workspace<f32, D>,
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<(), Halt> {
        let Some((disjoint, imputation)) = &mut self.imputation else { return Ok(()) };
        let mut measure =
            |imputation: &mut Imputation<D>, of: &Examples, batches: &[Vec<usize>]| {
                imputation.measure(model, workspace, |visit| {
                    let lists = batches.to_vec();
                    of.visit(stop, lists.into_iter(), |x, labels| visit(x, labels))
                })
            };
        let imputed = measure(imputation, examples, &disjoint.whole)?;
        send("probe.batches.alpha", imputed.batches.alpha());
        estimate("probe.batches", imputed.batch_alpha, send);
        send("probe.imputed.alpha", imputed.alpha());
        send("probe.imputed.m_coherence", imputed.m_coherence());
        estimate("probe.imputed", imputed.alpha_debiased, send);
        for (tensor, (_, batches)) in model.layout().tensors().iter().zip(&imputation.tensors) {
            let value = m_coherence(*batches, imputed.k);
            send(&format!("probe.imputed.{}.m_coherence", tensor.name), value);
        }
        let groups = Designation::ALL.iter().zip(&disjoint.groups);
        let groups = groups.map(|(designation, batches)| {
            (format!("probe.imputed.{}", designation.name()), examples, batches)
        });
        let of_test = ("test.imputed".to_owned(), test, &disjoint.test);
        for (prefix, of, batches) in groups.chain([of_test]) {
            if batches.len() >= 2 {
                let imputed = measure(imputation, of, batches)?;
                send(&format!("{prefix}.alpha"), imputed.alpha());
                send(&format!("{prefix}.m_coherence"), imputed.m_coherence());
            }
        }
        Ok(())
    }

    /// Forgets all examples.
    fn clear(&mut self) {
        self.tallies.iter_mut().for_each(Tally::clear);
    }

    /// Adds the examples of `groups` to their tallies; `whole` is then the sum of these.
    fn add(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        examples: &Examples,
        groups: &ByDesignation,
        mut visit: impl FnMut(&Workspace<f32, D>),
    ) -> Result<(), Halt> {
        self.whole.clear();
        for (indices, tally) in groups.iter().zip(&mut self.tallies) {
            let (of, sums) = ((model, examples, &indices[..]), (&mut self.chunk, &mut *tally));
            self.passes.tally(&*self.workers, stop, of, sums, &mut visit)?;
            self.whole.merge(tally);
        }
        Ok(())
    }

    /// Sends the statistics of the whole sample and of its groups, in series that begin with `prefix`, and returns
    /// those of the tensors.
    fn report(&mut self, prefix: &str, send: &mut dyn FnMut(&str, f64)) -> Vec<Coherence> {
        let Self { watch, tallies, whole: sums, .. } = self;
        let (whole, tensors) = sums.network_and_tensors();
        send(&format!("{prefix}.alpha"), whole.alpha());
        rows(prefix, whole, send);
        if !watch.contains(&Watch::Group) {
            return tensors;
        }
        for (designation, tally) in Designation::ALL.iter().zip(tallies) {
            let (name, group) = (designation.name(), tally.network());
            if group.m == 0 {
                continue;
            }
            rows(&format!("{prefix}.{name}"), group, send);
            // h is linear in the example, so the sum over a group follows from the group's sums.
            let dot_with_sum = sums.dot(tally);
            let members = Member { dot_with_sum, sq_norm: group.sum_sq_norms };
            let sum = helpfulness(whole, members);
            if !sum.is_nan() {
                send(&format!("{prefix}.{name}.helpfulness"), sum / group.m as f64);
            }
        }
        tensors
    }
}

impl Disjoint {
    /// Mini-batches of k, in the order of the examples chosen; those of the groups are of `examples`.
    fn new(k: usize, (chosen, examples): (&[usize], Option<&Examples>), test: &[usize]) -> Self {
        let batches = |indices: &[usize]| indices.chunks_exact(k).map(<[usize]>::to_vec).collect();
        let groups = examples.map(|examples| by_designation(examples, chosen)).unwrap_or_default();
        let groups = groups.map(|indices| batches(&indices));
        Self { whole: batches(chosen), groups, test: batches(test) }
    }
}

/// The test examples that are watched, in random order: as many as the probe has, or all.
fn test_sample(test: &Examples, config: &Config) -> Vec<usize> {
    if !config.watch.contains(&Watch::Test) {
        return Vec::new();
    }
    let mut rng = random::stream(config.seed, "probe.test");
    let mut chosen = random::permutation(&mut rng, test.len());
    chosen.truncate(config.probe);
    chosen
}

fn by_designation(examples: &Examples, indices: &[usize]) -> ByDesignation {
    Designation::ALL.map(|designation| {
        let belongs = |&i: &usize| examples.designations()[i] == designation;
        indices.iter().copied().filter(belongs).collect()
    })
}

/// Sends a de-biased α and, where it is defined, its standard error.
fn estimate(prefix: &str, estimate: Estimate, send: &mut dyn FnMut(&str, f64)) {
    send(&format!("{prefix}.alpha_debiased"), estimate.value);
    if !estimate.standard_error.is_nan() {
        send(&format!("{prefix}.standard_error"), estimate.standard_error);
    }
}

fn rows(prefix: &str, coherence: Coherence, send: &mut dyn FnMut(&str, f64)) {
    send(&format!("{prefix}.m_coherence"), coherence.m_coherence());
    send(&format!("{prefix}.sq_norm_of_sum"), coherence.sq_norm_of_sum);
    send(&format!("{prefix}.sum_sq_norms"), coherence.sum_sq_norms);
}
