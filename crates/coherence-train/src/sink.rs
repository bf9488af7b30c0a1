//! Receivers of measured values.

/// Receives measured values, in the order of the steps.
///
/// Names of series run from the general to the specific, separated by dots:
///
/// | series | value |
/// |---|---|
/// | `train.loss`, `test.loss`, `pristine.loss`, `corrupt.loss` | MEAN loss per example |
/// | `train.accuracy`, `test.accuracy`, `pristine.accuracy`, `corrupt.accuracy` | share of correct predictions; for corrupt examples with respect to the given (wrong) label |
/// | `train.<group>.loss`, `.accuracy`, `test.<group>.…` | the same for each [`Group`](crate::Group) of the set |
/// | `pristine.learned`, `corrupt.learned` | share of examples whose prediction was correct at this or an earlier measured step |
/// | `probe.alpha`, `probe.m_coherence`, `probe.sq_norm_of_sum`, `probe.sum_sq_norms` | α, mα, ‖S‖² and Q of the whole network over the probe sample |
/// | `probe.<tensor>.m_coherence`, `.sq_norm_of_sum`, `.sum_sq_norms` | the same for one tensor, such as `fc1.weight` |
/// | `probe.pristine.m_coherence`, `.sq_norm_of_sum`, `.sum_sq_norms`, and `probe.corrupt.…` | the same for the network over one group of the sample |
/// | `probe.pristine.helpfulness`, `probe.corrupt.helpfulness` | MEAN helpfulness h of the group's examples with respect to the whole sample |
/// | `batch.alpha`, `batch.m_coherence` …, `batch.pristine.…`, `batch.corrupt.…` | the same, without tensors, over the mini-batch of the next step |
///
/// Only if they are [watched](crate::Watch):
///
/// | series | value |
/// |---|---|
/// | `probe.batches.alpha` | α_W of the gradients of disjoint mini-batches of the probe sample, of as many examples as a pass; see [`Imputed`](crate::Imputed) |
/// | `probe.batches.alpha_debiased`, `.standard_error` | α̂_W, and its jackknife standard error (A15c) |
/// | `probe.imputed.alpha`, `.m_coherence` | α and mα of the sample's examples imputed from α_W (A5b) |
/// | `probe.imputed.alpha_debiased`, `.standard_error` | α̂ imputed from α̂_W, and its standard error (A5) |
/// | `probe.imputed.<tensor>.m_coherence` | mα of one tensor, imputed in the same way |
/// | `probe.imputed.pristine.alpha`, `.m_coherence`, and `probe.imputed.corrupt.…` | the same for the network over one group of the sample, from mini-batches of this group alone |
/// | `pristine.last_learned`, `corrupt.last_learned` | MEDIAN of the last-learned steps of the group, see [`Learned`](crate::Learned); no row while half of it is not learned |
/// | `probe.half.alpha`, `.m_coherence`, `.sq_norm_of_sum`, `.sum_sq_norms` | as `probe.alpha` …, over a random half of the probe sample |
/// | `test.alpha`, `test.m_coherence`, `.sq_norm_of_sum`, `.sum_sq_norms` | α, mα, ‖S‖² and Q of the whole network over a sample of the test set |
/// | `test.imputed.alpha`, `.m_coherence` | as `probe.imputed.alpha` …, over the same sample of the test set; no row where it has less than two mini-batches |
/// | `activity.dead_examples` | share of the probe sample for which a whole layer with a rectifier is 0 |
/// | `activity.<node>.dead_examples`, `.dead_units` | share of the sample for which the layer is 0, and share of its units (channels) that are 0 for the whole sample |
/// | `activity.cosine` | cosine between the direction of the rule and the mean gradient, for the next mini-batch |
/// | `activity.output_bias` | MEAN over the classes of the last layer's bias |
///
/// For each sample of [`Config::attribution`](crate::Config::attribution):
///
/// | series | value |
/// |---|---|
/// | `attribution.<name>.pristine.share`, `.corrupt.share` | f^p, f^c: the share of the decrease of the loss that is due to the group, in a small step along the gradient |
/// | `attribution.<name>.pristine.contribution`, `.corrupt.…` | S_p · S / n_p: the MEAN contribution of an example of the group; gradients are not divided by n |
/// | `attribution.<name>.null1.pristine.share` … | the same in a null world, in which the designations are permuted |
///
/// A group without examples has no contribution, and a step without decrease no shares.
///
/// The tensors are watched as `layer`, the groups as `group`, the others as `imputed`
/// (`imputed-layer`, `imputed-group`), `half`, `test`, `learned` and `activity`.
///
/// Losses, accuracies, `probe.…`, `batch.…` and the activity of layers are those of the network in use: batch
/// normalisation by the running statistics, and no dropout. If the network is trained by the statistics of the
/// batch, `probe.alpha` is exact, but of another function than the trained one. `probe.imputed.…` is then of
/// the trained function, as `probe.batches.…` is, and both are recorded without being asked for, provided that the
/// sample holds two mini-batches; standard errors need three. `activity.cosine` is of a training step.
///
/// `train`, `pristine` and `corrupt` are over the whole training set, or estimated from
/// [`Config::sample`](crate::Config::sample). A group without examples has no rows, and a sample of a single example has none of helpfulness. Per-example gradients are of the SUM
/// loss.
pub trait Sink {
    /// Takes one value.
    fn row(&mut self, step: u64, series: &str, value: f64);
}

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Mini-batches processed before the measurement.
    pub step: u64,
    /// What was measured; see [`Sink`].
    pub series: String,
    /// Its value.
    pub value: f64,
}

impl Sink for Vec<Row> {
    fn row(&mut self, step: u64, series: &str, value: f64) {
        self.push(Row { step, series: series.to_owned(), value });
    }
}
