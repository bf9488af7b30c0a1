//! What a trainer measures between steps.

use super::{Batch, TrainError, Trainer, finite};
use crate::{Sink, Watch, evaluate::Score, examples::Halt, passes::forward};
use coherence_data::Designation;
use coherence_nn::{Workspace, device::Device, layer::Mode};
use std::sync::atomic::AtomicBool;

impl<D: Device<f32>> Trainer<D> {
    /// Measures the current network and sends the series listed in [`Sink`].
    ///
    /// # Errors
    ///
    /// [`TrainError`] if the training loss is not finite, after its rows were sent, or an image cannot be
    /// read.
    pub fn observe(&mut self, sink: &mut dyn Sink) -> Result<(), TrainError> {
        self.observe_unless(&AtomicBool::new(false), sink).map(drop)
    }

    /// As [`observe`](Self::observe), unless `stop` is raised meanwhile, which is checked before each chunk of
    /// examples: then nothing is sent or changed, and the result is `false`.
    ///
    /// # Errors
    ///
    /// As [`observe`](Self::observe).
    pub fn observe_unless(
        &mut self,
        stop: &AtomicBool,
        sink: &mut dyn Sink,
    ) -> Result<bool, TrainError> {
        let (mut rows, never) = (Vec::new(), AtomicBool::new(false));
        // Several workers stop together, between mini-batches.
        let stop = if self.division.workers.is_solo() { stop } else { &never };
        let test =
            match self.measure(stop, &mut |series, value| rows.push((series.to_owned(), value))) {
                Ok(test) => test,
                Err(Halt::Stopped) => return Ok(false),
                Err(Halt::Read(error)) => return Err(error.into()),
            };
        self.learned.record(self.step, &self.outcomes.correct);
        for (name, score) in test.iter().chain(&self.evaluated[0].scores("train", &self.outcomes)) {
            self.send_score(name, *score, sink);
        }
        for (designation, places) in Designation::ALL.iter().zip(&self.evaluated[0].kinds) {
            let name = designation.name();
            if let Some(score) = self.outcomes.score(places.iter().copied()) {
                self.send_score(name, score, sink);
            }
            if let Some(share) = self.learned.share(places) {
                sink.row(self.step, &format!("{name}.learned"), share);
            }
            if self.config.watch.contains(&Watch::Learned)
                && let Some(step) = self.learned.median_last(places)
            {
                sink.row(self.step, &format!("{name}.last_learned"), step as f64);
            }
        }
        rows.iter().for_each(|(series, value)| sink.row(self.step, series, *value));
        let loss = self.outcomes.losses.iter().sum::<f64>();
        // The last update led here.
        finite(loss, self.step, self.config.rate_at(self.step.saturating_sub(1)))?;
        Ok(true)
    }

    /// Evaluates both sets and the probe, whose series go to `send`. Returns the scores of the test set and its
    /// groups; the outcomes of the training set stay.
    fn measure(
        &mut self,
        stop: &AtomicBool,
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<Vec<(String, Score)>, Halt> {
        let [train, test] = &self.evaluated;
        let of_test = (&self.test, &test.indices[..]);
        self.evaluator.run(stop, &self.model, of_test, &mut self.outcomes)?;
        let test = test.scores("test", &self.outcomes);
        let of_train = (&self.train, &train.indices[..]);
        self.evaluator.run(stop, &self.model, of_train, &mut self.outcomes)?;
        if let Some(probe) = &mut self.probe {
            let batch = (self.feed.indices(self.step), &mut self.batch.workspace);
            probe.observe(stop, &self.model, [&self.train, &self.test], batch, send)?;
        }
        if let Some(attributor) = &mut self.attributor {
            attributor.observe(stop, &self.model, &self.train, send)?;
        }
        if self.config.watch.contains(&Watch::Activity) {
            self.measure_direction(stop, send)?;
        }
        Ok(test)
    }

    /// Sends the mean output bias and, for mini-batches of one pass, the cosine between the rule's direction and
    /// the mean gradient of the next one, as it is in the data set.
    fn measure_direction(
        &mut self,
        stop: &AtomicBool,
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<(), Halt> {
        let last = self.model.layout().tensors().last().filter(|tensor| tensor.is_bias());
        let device = self.model.device();
        if let Some(tensor) = last {
            let bias = D::part(self.model.parameters(), tensor.range.clone());
            let sum = |bias: &[f32]| bias.iter().map(|&b| f64::from(b)).sum::<f64>();
            send("activity.output_bias", device.with_host(bias, sum) / tensor.range.len() as f64);
        }
        let Batch { staged, losses, workspace, .. } = &mut self.batch;
        if D::len(D::view(losses)) < self.config.batch {
            return Ok(());
        }
        let batch_statistics = self.config.batch_statistics;
        let dropout = self.config.dropout.then(|| self.dropout.wrapping_add(self.step));
        workspace.set_mode(Mode { batch_statistics, dropout });
        let batch = self.feed.indices(self.step).to_vec();
        let mut cosine = None;
        self.train.visit(stop, core::iter::once(batch), |x, labels| {
            let (x, labels) = staged.batch(device, x, labels);
            let forward = |workspace: &mut Workspace<f32, D>| {
                let losses = D::view_mut(losses);
                forward(self.config.loss, &self.model, x, labels, workspace, losses);
            };
            cosine = self.updater.cosine(&self.model, x, workspace, forward);
        })?;
        if let Some(cosine) = cosine {
            send("activity.cosine", cosine);
        }
        Ok(())
    }

    fn send_score(&self, name: &str, score: Score, sink: &mut dyn Sink) {
        sink.row(self.step, &format!("{name}.loss"), score.loss);
        sink.row(self.step, &format!("{name}.accuracy"), score.accuracy);
    }
}
