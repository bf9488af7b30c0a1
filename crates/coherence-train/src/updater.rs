//! One update of a network: the rule's direction from a mini-batch's gradients, then the optimiser.
//!
//! Legend: k: examples of the mini-batch, d: parameters, η: rate, λ: weight decay, w: parameters.
//!
//! A mini-batch that is one pass is **streamed**: each tensor is updated as soon as its factors are known,
//! and no buffer of d gradients is needed. Rules over time or over whole vectors of groups, and mini-batches of
//! several passes, collect the gradient \[d\] first.

use crate::{
    Aggregation,
    collective::{Collective, Division, Pass, THREE},
    group_means::{GroupMeans, add_sum, weigh_groups},
    optimizer::Optimizer,
};
use coherence_core::{
    aggregate::{Median, OfThree, Recent, Trimmed, Winsorized},
    finite::Policy,
};
use coherence_cpu::{dense::Columnwise, product::Output};
use coherence_nn::{
    Factors, Layout, Model, Workspace,
    device::{Cpu, Device},
};
use std::sync::Arc;

/// The rule and the optimiser of a run with their buffers.
#[derive(Debug)]
pub(crate) struct Updater<D: Device<f32>> {
    device: D,
    rule: Aggregation,
    optimizer: Optimizer,
    /// The memory of a rule over time: gradients of the SUM loss, plus k λ w.
    pub(crate) recent: Recent<D::Buffer<f32>>,
    /// v \[d\]; empty without momentum.
    pub(crate) velocity: D::Buffer<f32>,
    /// The gradient of the SUM loss \[d\] after the first step of a rule over time or of several passes, or the
    /// direction of a rule over groups that is not streamed; else empty. It may be swapped with one of `recent`.
    gradient: D::Buffer<f32>,
    /// The direction of one tensor or block; empty while updates are plain and fused with the rule.
    direction: D::Buffer<f32>,
    /// For a rule over groups.
    group_means: Option<GroupMeans<D>>,
    workers: Arc<dyn Collective>,
    /// Whether each worker has the gradient of a mini-batch of its own.
    by_mini_batch: bool,
    /// The rule over the workers' mean gradients, if it is one.
    of_replicas: Option<Columnwise>,
    /// One block of coordinates of all workers, on the host; empty for one worker.
    rows: Vec<f32>,
}

/// Coordinates of a direction that is computed at once from collected gradients.
const BLOCK: usize = 1 << 16;

impl<D: Device<f32>> Updater<D> {
    pub(crate) fn new(
        device: &D,
        rule: Aggregation,
        optimizer: Optimizer,
        layout: &Layout,
        division: &Division,
    ) -> Self {
        let d = layout.parameters();
        let largest = layout.tensors().iter().map(|tensor| tensor.range.len()).max();
        let remembered = if rule.is_over_time() { d } else { 0 };
        let group_means = GroupMeans::new(device, rule);
        let is_in_place = optimizer.is_plain() && !matches!(rule, Aggregation::OverGroups { .. });
        let block = if is_in_place { 0 } else { largest.unwrap_or(0).max(BLOCK.min(d)) };
        Self {
            device: device.clone(),
            rule,
            optimizer,
            recent: Recent::new([(); 2].map(|()| device.zeros(remembered))),
            velocity: optimizer.velocity(device, d),
            gradient: device.zeros(0),
            direction: device.zeros(block),
            group_means,
            workers: Arc::clone(&division.workers),
            by_mini_batch: division.by_mini_batch,
            of_replicas: division.of_replicas.clone(),
            rows: Vec::new(),
        }
    }

    /// Takes one pass over `x` [m, inputs], after the loss has written the delta of the logits. If there is one
    /// worker, the last pass of a mini-batch updates the network by η = `rate`; else [`finish`](Self::finish)
    /// does.
    pub(crate) fn take(
        &mut self,
        pass: Pass,
        rate: f64,
        model: &mut Model<f32, D>,
        x: D::Slice<'_, f32>,
        workspace: &mut Workspace<f32, D>,
    ) {
        let (is_solo, is_whole) = (self.workers.is_solo(), pass.is_first() && pass.is_last());
        if is_solo && is_whole && self.streams() {
            return self.stream(&pass, rate, model, x, workspace);
        }
        self.reserve_gradient(model);
        if is_solo && let Some(means) = &mut self.group_means {
            means.add(&pass, model, x, workspace);
            if pass.is_last() {
                self.apply_group_means(rate, model);
            }
            return;
        }
        if self.rule.needs_examples() {
            workspace.weight(0..pass.examples.len(), (1.0 / pass.own as f64) as f32);
        }
        let output = if pass.is_first() { Output::Overwrite } else { Output::Add };
        model.backward(x, workspace, |factors| {
            let gradient = D::view_mut(&mut self.gradient);
            add_sum(self.rule, factors, output, D::part_mut(gradient, factors.range.clone()));
        });
        if is_solo && pass.is_last() {
            self.apply(rate, 1.0 / pass.batch as f64, model.parameters_mut());
        }
    }

    /// Whether each tensor of a mini-batch that is one pass is updated as soon as its factors are known.
    fn streams(&self) -> bool {
        let by_coordinate = |means: &GroupMeans<D>| means.is_by_coordinate();
        is_fused(self.rule) || self.group_means.as_ref().is_some_and(by_coordinate)
    }

    /// Updates the network by the gradients of all workers, after the last pass over the k `examples` of a
    /// mini-batch.
    pub(crate) fn finish(&mut self, rate: f64, examples: usize, model: &mut Model<f32, D>) {
        let (mean, w) = (1.0 / examples as f64, model.parameters_mut());
        let Self { device, optimizer, gradient, velocity, workers, rows, of_replicas, .. } = self;
        match self.rule {
            Aggregation::OverTime(rule) if self.by_mini_batch => {
                self.apply_at_once(rule.of_three(), rate, mean, w);
            }
            _ if let Some(rule) = of_replicas => {
                let counts = vec![1; workers.size()];
                device.with_host_mut(D::view_mut(gradient), |gradient| {
                    workers
                        .aggregate(rule, Policy::Propagate, &counts, gradient, rows)
                        .expect("no value is refused");
                });
                let d = D::len(D::read(&w));
                optimizer.update(device, rate, D::view(gradient), velocity, 0..d, w);
            }
            _ => {
                device.with_host_mut(D::view_mut(gradient), |gradient| workers.sum(gradient, rows));
                self.apply(rate, mean, w);
            }
        }
    }

    /// Updates `w` \[d\] by the gradients of three mini-batches, one of each worker: to the bits of
    /// [`apply`](Self::apply) after the third of them on one worker. What the workers exchange is combined on the
    /// host.
    fn apply_at_once(&mut self, how: OfThree, rate: f64, mean: f64, w: D::SliceMut<'_, f32>) {
        let Self { device, optimizer, gradient, workers, rows, velocity, recent, .. } = self;
        decay(device, *optimizer, mean, D::read(&w), gradient);
        recent.steps += THREE;
        let host = Cpu::detect();
        let three = |rows: &[f32], rate: f64, out: &mut [f32]| {
            let at = |row: usize| &rows[row * out.len()..][..out.len()];
            descend_by_three(&host, how, rate, mean, [at(0), at(1), at(2)], out);
        };
        let momentum = Optimizer { weight_decay: 0.0, ..*optimizer };
        if momentum.is_plain() {
            device.with_host(D::view(gradient), |gradient| {
                device.with_host_mut(w, |w| {
                    workers.combine_into(gradient, rows, w, |rows, w| three(rows, rate, w));
                });
            });
        } else {
            device.with_host_mut(D::view_mut(gradient), |gradient| {
                workers.combine(gradient, rows, |rows, direction| {
                    direction.fill(0.0);
                    three(rows, -1.0, direction);
                });
            });
            let d = D::len(D::read(&w));
            momentum.update(device, rate, D::view(gradient), velocity, 0..d, w);
        }
    }

    /// Overwrites the running statistics with their mean over the workers.
    pub(crate) fn average(&mut self, statistics: D::SliceMut<'_, f32>) {
        let Self { device, workers, rows, .. } = self;
        let share = 1.0 / workers.size() as f32;
        device.with_host_mut(statistics, |statistics| {
            workers.sum(statistics, rows);
            statistics.iter_mut().for_each(|value| *value *= share);
        });
    }

    /// Allocates [`gradient`](Self::gradient) before its first use.
    fn reserve_gradient(&mut self, model: &Model<f32, D>) {
        self.device.reserve(&mut self.gradient, model.layout().parameters());
    }

    /// Updates the network by the rule over the means of groups, after the last pass.
    fn apply_group_means(&mut self, rate: f64, model: &mut Model<f32, D>) {
        let Self { device, optimizer, gradient, velocity, group_means, .. } = self;
        let means = group_means.as_ref().expect("the rule is one over groups");
        means.direction(D::view_mut(gradient));
        let d = model.layout().parameters();
        optimizer.update(device, rate, D::view(gradient), velocity, 0..d, model.parameters_mut());
    }

    /// Updates each tensor in the backward pass over a whole mini-batch.
    fn stream(
        &mut self,
        pass: &Pass,
        rate: f64,
        model: &mut Model<f32, D>,
        x: D::Slice<'_, f32>,
        workspace: &mut Workspace<f32, D>,
    ) {
        let Self { device, direction, velocity, group_means, .. } = self;
        let (rule, optimizer, is_plain) = (self.rule, self.optimizer, self.optimizer.is_plain());
        // A step of −1 from 0 is the direction itself.
        let step = if is_plain { rate } else { -1.0 };
        scale_deltas(rule, step, pass, workspace);
        model.step(x, workspace, |factors, tensor| {
            let means = group_means.as_mut().filter(|_| !is_fused(rule));
            if is_plain && means.is_none() {
                return descend(rule, factors, step, tensor);
            }
            let range = factors.range.clone();
            let mut direction = D::part_mut(D::view_mut(direction), 0..range.len());
            if let Some(means) = means {
                means.direction_of_tensor(pass, factors, D::reborrow(&mut direction));
            } else {
                device.fill(0.0, D::reborrow(&mut direction));
                descend(rule, factors, step, D::reborrow(&mut direction));
            }
            optimizer.update(device, rate, D::read(&direction), velocity, range, tensor);
        });
    }

    /// The cosine between the direction that the rule takes for a mini-batch, before momentum, and its mean
    /// gradient; `None` if the rule holds the weights, or one of them is 0. `forward` runs the forward pass
    /// over `x` [k, inputs] and the loss. Weight decay is in the direction of a rule over time, which takes its three
    /// gradients with it, and in that of no other.
    pub(crate) fn cosine(
        &self,
        model: &Model<f32, D>,
        x: D::Slice<'_, f32>,
        workspace: &mut Workspace<f32, D>,
        mut forward: impl FnMut(&mut Workspace<f32, D>),
    ) -> Option<f64> {
        let (device, d) = (&self.device, model.layout().parameters());
        let [mut mean, mut direction] = [(); 2].map(|()| device.zeros(d));
        forward(workspace);
        model.gradient(x, workspace, D::view_mut(&mut mean));
        match self.rule {
            Aggregation::OverTime(rule) => {
                let (mut recent, mut gradient) = (self.recent.clone(), mean.clone());
                let share = 1.0 / workspace.examples() as f64;
                decay(device, self.optimizer, share, model.parameters(), &mut gradient);
                let _ = rule.exchange(&mut recent, &mut gradient, |how, three| {
                    let three = three.map(|gradient| D::view(gradient));
                    descend_by_three(device, how, -1.0, 1.0, three, D::view_mut(&mut direction));
                });
            }
            Aggregation::OverGroups { .. } => {
                forward(workspace);
                let mut means = GroupMeans::new(device, self.rule)?;
                means.add(&Pass::whole(workspace.examples()), model, x, workspace);
                means.direction(D::view_mut(&mut direction));
            }
            _ => {
                forward(workspace);
                scale_deltas(self.rule, -1.0, &Pass::whole(workspace.examples()), workspace);
                model.backward(x, workspace, |factors| {
                    let tensor = D::part_mut(D::view_mut(&mut direction), factors.range.clone());
                    descend(self.rule, factors, -1.0, tensor);
                });
            }
        }
        let [mean, direction] = [&mean, &direction].map(|vector| D::view(vector));
        let dot = |x, y| device.dot(x, y);
        let cosine = dot(mean, direction) / (dot(mean, mean) * dot(direction, direction)).sqrt();
        Some(cosine).filter(|cosine| !cosine.is_nan())
    }

    /// Updates the parameters `w` \[d\] from the collected gradient; `mean` is 1/k.
    fn apply(&mut self, rate: f64, mean: f64, mut w: D::SliceMut<'_, f32>) {
        let Self { device, optimizer, recent, velocity, gradient, direction, .. } = self;
        let d = D::len(D::read(&w));
        let Aggregation::OverTime(rule) = self.rule else {
            device.scale(mean as f32, D::view_mut(gradient));
            return optimizer.update(device, rate, D::view(gradient), velocity, 0..d, w);
        };
        decay(device, *optimizer, mean, D::read(&w), gradient);
        let momentum = Optimizer { weight_decay: 0.0, ..*optimizer };
        let _ = rule.exchange(recent, gradient, |how, three| {
            let three = three.map(|gradient| D::view(gradient));
            if momentum.is_plain() {
                return descend_by_three(device, how, rate, mean, three, w);
            }
            for start in (0..d).step_by(BLOCK) {
                let range = start..d.min(start + BLOCK);
                let mut direction = D::part_mut(D::view_mut(direction), 0..range.len());
                device.fill(0.0, D::reborrow(&mut direction));
                let three = three.map(|gradient| D::part(gradient, range.clone()));
                let to = D::reborrow(&mut direction);
                descend_by_three(device, how, -1.0, mean, three, to);
                let w = D::part_mut(D::reborrow(&mut w), range.clone());
                momentum.update(device, rate, D::read(&direction), velocity, range, w);
            }
        });
    }
}

/// Whether the rule over a mini-batch of one pass is computed from factors and fused with the update.
fn is_fused(rule: Aggregation) -> bool {
    match rule {
        Aggregation::Mean
        | Aggregation::Winsorized { .. }
        | Aggregation::Trimmed { .. }
        | Aggregation::Median
        | Aggregation::MedianOfMeans { .. } => true,
        Aggregation::OverGroups { .. } | Aggregation::OverTime(_) => false,
    }
}

/// Prepares a step of `rate`: the rules over sums of examples scale the deltas instead of the gradients, since
/// a backward pass is linear in them.
fn scale_deltas<D: Device<f32>>(
    rule: Aggregation,
    rate: f64,
    pass: &Pass,
    workspace: &mut Workspace<f32, D>,
) {
    if let Some((_, groups)) = rule.over_groups() {
        weigh_groups(groups, pass, workspace);
    } else if rule == Aggregation::Mean {
        let k = pass.batch;
        workspace.weight(pass.examples.clone(), (-rate * (1.0 / k as f64)) as f32);
    }
}

/// One step of a rule over one mini-batch, after [`scale_deltas`] with the same `rate`: `tensor −= rate · G`.
fn descend<D: Device<f32>>(
    rule: Aggregation,
    factors: &Factors<'_, f32, D>,
    rate: f64,
    tensor: D::SliceMut<'_, f32>,
) {
    match rule {
        Aggregation::Mean => factors.sum(Output::Add, tensor),
        Aggregation::Winsorized { clip } => {
            factors.robust_step(Winsorized { clip }, rate as f32, tensor);
        }
        Aggregation::Trimmed { trim } => factors.robust_step(Trimmed { trim }, rate as f32, tensor),
        Aggregation::Median => factors.robust_step(Median, rate as f32, tensor),
        Aggregation::MedianOfMeans { groups } => {
            factors.median_of_sums_step(groups, rate as f32, tensor);
        }
        Aggregation::OverGroups { .. } | Aggregation::OverTime(_) => {
            unreachable!("a rule over groups or over time collects the gradient")
        }
    }
}

/// Adds weight decay to the gradient of the SUM loss: k λ w; `mean` is 1/k.
fn decay<D: Device<f32>>(
    device: &D,
    Optimizer { weight_decay, .. }: Optimizer,
    mean: f64,
    w: D::Slice<'_, f32>,
    gradient: &mut D::Buffer<f32>,
) {
    if weight_decay > 0.0 {
        device.axpy((weight_decay / mean) as f32, w, D::view_mut(gradient));
    }
}

/// One step along the median or mean of three mini-batches' gradients of the SUM loss; `mean` is 1/k.
fn descend_by_three<D: Device<f32>>(
    device: &D,
    how: OfThree,
    rate: f64,
    mean: f64,
    three: [D::Slice<'_, f32>; 3],
    mut w: D::SliceMut<'_, f32>,
) {
    match how {
        OfThree::Median => device.median_of_three_step(three, mean as f32, rate as f32, w),
        OfThree::Mean => {
            let factor = (-rate * mean / 3.0) as f32;
            three.into_iter().for_each(|g| device.axpy(factor, g, D::reborrow(&mut w)));
        }
    }
}
