//! The mean gradients of groups of a mini-batch's examples, and the core's rules over them.
//!
//! Legend: k: examples of the mini-batch, K: groups, d: parameters.
//!
//! A group's mean is a sum over its examples, each weighted by one over their number, so that it may be added up in
//! several passes. A group whose examples lie in one pass has the bits that it has in a pass of the whole
//! mini-batch; another one is the same sum, added in another order.

use crate::{Aggregation, collective::Pass};
use coherence_core::{
    aggregate::{AnyCoordinateRule, Mean, Rows, Rule, VectorRule, groups},
    finite::Policy,
};
use coherence_cpu::{
    Isa,
    dense::{Columnwise, first_non_finite, multi_krum},
    product::Output,
};
use coherence_nn::{Factors, Model, Workspace, device::Device};
use core::ops::Range;

/// The means of one tensor or of all, in memory that is taken with the first mini-batch.
#[derive(Debug)]
pub(crate) struct GroupMeans<D: Device<f32>> {
    device: D,
    aggregation: Aggregation,
    /// The rule over the means, and K.
    rule: (Rule, usize),
    /// [K, d], or [K, values of the largest tensor].
    means: D::Buffer<f32>,
}

/// The examples of one group in a pass.
#[derive(Debug, Clone)]
struct GroupInPass {
    group: usize,
    /// The examples of the group.
    count: usize,
    /// Those of the pass, by their places in it.
    examples: Range<usize>,
    output: Output,
}

impl<D: Device<f32>> GroupMeans<D> {
    /// `None` if the aggregation is no rule over groups.
    pub(crate) fn new(device: &D, aggregation: Aggregation) -> Option<Self> {
        let rule = aggregation.over_groups()?;
        Some(Self { device: device.clone(), aggregation, rule, means: device.zeros(0) })
    }

    /// Whether each coordinate of the direction depends on no other one.
    pub(crate) fn is_by_coordinate(&self) -> bool {
        matches!(self.rule.0, Rule::Coordinate(_))
    }

    /// Adds a pass over `x` to the means [K, d], after the loss has written the delta of the logits.
    pub(crate) fn add(
        &mut self,
        pass: &Pass,
        model: &Model<f32, D>,
        x: D::Slice<'_, f32>,
        workspace: &mut Workspace<f32, D>,
    ) {
        let d = model.layout().parameters();
        weigh_groups(self.rule.1, pass, workspace);
        model.backward(x, workspace, |factors| {
            self.collect(pass, factors, factors.range.start, d);
        });
    }

    /// Writes the direction of one tensor for a pass over a whole mini-batch, after [`weigh_groups`].
    pub(crate) fn direction_of_tensor(
        &mut self,
        pass: &Pass,
        factors: &Factors<'_, f32, D>,
        direction: D::SliceMut<'_, f32>,
    ) {
        self.collect(pass, factors, 0, factors.range.len());
        self.direction(direction);
    }

    /// Writes the rule's direction to `direction`, after all passes of a mini-batch. The rule is applied on the host.
    pub(crate) fn direction(&self, direction: D::SliceMut<'_, f32>) {
        let (rule, count) = self.rule;
        let len = count * D::len(D::read(&direction));
        self.device.with_host(D::part(D::view(&self.means), 0..len), |means| {
            self.device
                .with_host_mut(direction, |direction| combine(rule, count, means, direction));
        });
    }

    /// Adds the gradients of a tensor to the means [K, width] from the column `start`.
    fn collect(&mut self, pass: &Pass, factors: &Factors<'_, f32, D>, start: usize, width: usize) {
        let count = self.rule.1;
        self.device.reserve(&mut self.means, count * width);
        let columns = start..start + factors.range.len();
        for GroupInPass { group, examples, output, .. } in parts(count, pass) {
            let of_group = group * width + columns.start..group * width + columns.end;
            let mean = D::part_mut(D::view_mut(&mut self.means), of_group);
            add_sum(self.aggregation, &factors.rows(examples), output, mean);
        }
    }
}

/// The parts of K = `count` groups that a pass has.
fn parts(count: usize, pass: &Pass) -> impl Iterator<Item = GroupInPass> + use<> {
    let Range { start, end } = pass.examples.clone();
    groups(pass.batch, count).enumerate().filter_map(move |(group, of)| {
        let (first, last) = (of.start.max(start), of.end.min(end));
        let output = if first == of.start { Output::Overwrite } else { Output::Add };
        (first < last).then(|| GroupInPass {
            group,
            count: of.len(),
            examples: first - start..last - start,
            output,
        })
    })
}

/// Gives each example of a pass the weight that it has in the mean of its group, of K = `count`.
pub(crate) fn weigh_groups<D: Device<f32>>(
    count: usize,
    pass: &Pass,
    workspace: &mut Workspace<f32, D>,
) {
    for GroupInPass { count, examples, .. } in parts(count, pass) {
        workspace.weight(examples, (1.0 / count as f64) as f32);
    }
}

/// Writes the sum of the gradients to `to`, or adds it: to the bits of a group of this aggregation.
pub(crate) fn add_sum<D: Device<f32>>(
    aggregation: Aggregation,
    factors: &Factors<'_, f32, D>,
    output: Output,
    mut to: D::SliceMut<'_, f32>,
) {
    match aggregation {
        // The fused kernels add up a group in an order of their own. The median of one group is its sum.
        Aggregation::MedianOfMeans { .. }
        | Aggregation::Winsorized { .. }
        | Aggregation::Trimmed { .. }
        | Aggregation::Median => {
            if output == Output::Overwrite {
                factors.device.fill(0.0, D::reborrow(&mut to));
            }
            factors.median_of_sums_step(1, -1.0, to);
        }
        Aggregation::Mean | Aggregation::OverGroups { .. } | Aggregation::OverTime(_) => {
            factors.sum(output, to);
        }
    }
}

/// Columns of chosen rows that are copied at once.
const BLOCK: usize = 1 << 16;

/// The rule over the rows of `means` [K, d]. Values that are not finite are computed with: the loss tells of them.
fn combine(rule: Rule, count: usize, means: &[f32], out: &mut [f32]) {
    const CHECKED: &str = "the rule was checked for so many groups";
    let d = out.len();
    let by_column = |rule: AnyCoordinateRule, rows: &[f32], out: &mut [f32]| {
        let rule = Columnwise::new(rule, rows.len() / out.len()).expect(CHECKED);
        rule.aggregate(rows, Policy::Propagate, out).expect(CHECKED);
    };
    let rule = match rule {
        Rule::Coordinate(rule) => return by_column(rule, means, out),
        Rule::Vector(rule) => rule,
    };
    if let Some(krum) = rule.as_multi_krum().filter(|_| first_non_finite(means).is_none()) {
        let kept = multi_krum(Isa::detect(), means, count, krum).expect(CHECKED);
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let of_row = |&g: &usize| &means[g * d + block * BLOCK..][..out.len()];
            let rows: Vec<f32> = kept.iter().flat_map(of_row).copied().collect();
            by_column(AnyCoordinateRule::Mean(Mean), &rows, out);
        }
        return;
    }
    let rows = Rows::matrix(means, d).expect("K rows of d values");
    out.copy_from_slice(&rule.aggregate_to_vec(rows, Policy::Propagate).expect(CHECKED));
}

#[cfg(test)]
mod tests {
    use super::combine;
    use coherence_core::aggregate::{Requirements, Rule};

    fn direction(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
        let rule: Rule = text.parse().expect("a rule");
        rule.check(rows.len()).map_err(|error| error.to_string())?;
        let means: Vec<f32> = rows.concat().into_iter().map(|value| value as f32).collect();
        let mut out = vec![f32::NAN; rows[0].len()];
        combine(rule, rows.len(), &means, &mut out);
        Ok(out.into_iter().map(f64::from).collect())
    }

    coherence_tests::rule_laws!(
        rules_over_groups,
        coherence_tests::laws::rules::EVERY,
        1e-6,
        super::direction
    );
}
