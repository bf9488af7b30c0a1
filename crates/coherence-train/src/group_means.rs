//! The mean gradients of groups of a mini-batch's examples, and the core's rules over them.
//!
//! Legend: k: examples of the mini-batch, K: groups, d: parameters.

use coherence_core::{
    aggregate::{AnyCoordinateRule, Mean, Rows, Rule, VectorRule, groups},
    finite::Policy,
};
use coherence_cpu::{
    dense::{Columnwise, first_non_finite, multi_krum},
    product::Output,
};
use coherence_nn::{Model, Workspace, device::Device};

/// Memory for K gradients, which is taken with the first mini-batch.
#[derive(Debug)]
pub(crate) struct GroupMeans<D: Device<f32>> {
    device: D,
    /// [K, d].
    means: D::Buffer<f32>,
}

impl<D: Device<f32>> GroupMeans<D> {
    pub(crate) fn new(device: &D) -> Self {
        Self { device: device.clone(), means: device.zeros(0) }
    }

    /// Writes the rule's direction for a mini-batch `x` [k, inputs] to `direction` \[d\], after the loss has written
    /// the delta of the logits. The backward pass runs once; the rule is applied on the host.
    pub(crate) fn direction(
        &mut self,
        (rule, count): (Rule, usize),
        model: &Model<f32, D>,
        x: D::Slice<'_, f32>,
        workspace: &mut Workspace<f32, D>,
        direction: D::SliceMut<'_, f32>,
    ) {
        let (k, d) = (workspace.examples(), model.layout().parameters());
        if D::len(D::view(&self.means)) < count * d {
            self.means = self.device.zeros(count * d);
        }
        for examples in groups(k, count) {
            workspace.weight(examples.clone(), (1.0 / examples.len() as f64) as f32);
        }
        model.backward(x, workspace, |factors| {
            for (g, examples) in groups(k, count).enumerate() {
                let of_group = g * d + factors.range.start..g * d + factors.range.end;
                let mean = D::part_mut(D::view_mut(&mut self.means), of_group);
                factors.rows(examples).sum(Output::Overwrite, mean);
            }
        });
        self.device.with_host(D::view(&self.means), |means| {
            self.device
                .with_host_mut(direction, |direction| combine(rule, count, means, direction));
        });
    }
}

/// The rule over the rows of `means` [K, d]. Values that are not finite are computed with: the loss tells of them.
fn combine(rule: Rule, count: usize, means: &[f32], out: &mut [f32]) {
    const CHECKED: &str = "the rule was checked for so many groups";
    let d = out.len();
    let by_column = |rule: AnyCoordinateRule, rows: &[f32], out: &mut [f32]| {
        let rule = Columnwise::new(rule, rows.len() / d).expect(CHECKED);
        rule.aggregate(rows, Policy::Propagate, out).expect(CHECKED);
    };
    let rule = match rule {
        Rule::Coordinate(rule) => return by_column(rule, means, out),
        Rule::Vector(rule) => rule,
    };
    if let Some(krum) = rule.as_multi_krum().filter(|_| first_non_finite(means).is_none()) {
        let kept = multi_krum(means, count, krum).expect(CHECKED);
        let kept: Vec<f32> = kept.iter().flat_map(|&g| &means[g * d..][..d]).copied().collect();
        return by_column(AnyCoordinateRule::Mean(Mean), &kept, out);
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
