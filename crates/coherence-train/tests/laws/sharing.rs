//! Measurements that several workers share: their passes, their sums, and what each of them gets.

use crate::{
    blobs::{Blobs, config, examples, models, network},
    workers::among,
};
use coherence_data::{Dataset, ReadError, Shape, Target};
use coherence_nn::Model;
use coherence_train::{
    Aggregation, Config, OverTime, Row, Trainer, Watch,
    collective::Collective,
    measure::{By, MeasureError, Measurement, Meter},
};
use std::sync::Arc;

/// More than five chunks of a probe, and three of an evaluation or a measurement.
const MANY: Blobs = Blobs { n: 3100, seed: 1 };

fn rows(worker: Arc<dyn Collective>, model: &Model<f32>, config: Config, steps: usize) -> Vec<Row> {
    let test = Blobs { n: 1200, seed: 2 };
    let mut trainer =
        Trainer::among(worker, config, model.clone(), examples(&MANY), examples(&test)).unwrap();
    for _ in 0..steps {
        trainer.advance().unwrap();
    }
    let mut rows = Vec::new();
    trainer.observe(&mut rows).unwrap();
    rows
}

#[test]
fn what_a_run_measures_has_the_bits_of_one_worker_for_any_number_of_them() {
    let watch = vec![Watch::Layer, Watch::Group, Watch::Test, Watch::Learned, Watch::Imputed];
    let with = |rule| Config { probe: 2600, batch: 1240, watch: watch.clone(), ..config(rule) };
    for model in models() {
        let mean = with(Aggregation::Mean);
        let one = among(1, |worker| rows(worker, &model, mean.clone(), 0)).remove(0);
        assert!(one.iter().any(|row| row.series == "test.m_coherence"));
        for size in [2, 3, 4, 7] {
            for found in among(size, |worker| rows(worker, &model, mean.clone(), 0)) {
                assert!(found == one, "{size} workers");
            }
        }
        let m3 = with(Aggregation::OverTime(OverTime::M3));
        let one = among(1, |worker| rows(worker, &model, m3.clone(), 3)).remove(0);
        assert!(
            among(3, |worker| rows(worker, &model, m3.clone(), 3))
                .iter()
                .all(|found| *found == one)
        );
    }
}

fn measure(
    worker: Arc<dyn Collective>,
    model: &Model<f32>,
    data: &dyn Dataset,
    by: By,
) -> Measurement {
    Meter::among(worker, model, data, by, usize::MAX).unwrap().measure().unwrap()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{found} {expected}");
}

#[test]
fn workers_measure_a_network_together_to_the_last_bits_of_one() {
    models().iter().for_each(workers_measure);
}

fn workers_measure(model: &Model<f32>) {
    for [class, example, errors] in
        [[false; 3], [true, false, false], [true; 3], [false, true, true]]
    {
        let by = By { class, example, errors };
        let one = among(1, |worker| measure(worker, model, &MANY, by)).remove(0);
        for size in [2, 3, 4] {
            let all = among(size, |worker| measure(worker, model, &MANY, by));
            assert!(all.iter().all(|found| *found == all[0]), "{by:?}, {size} workers");
            let (found, again) = (&all[0], among(size, |worker| measure(worker, model, &MANY, by)));
            assert!(again[0] == *found, "{by:?} differs from run to run");
            // The losses have the bits of one worker.
            assert_eq!((found.loss, found.accuracy), (one.loss, one.accuracy));
            let [alpha, expected] = [found, &one].map(|measured| measured.network.coherence);
            close(alpha.alpha(), expected.alpha());
            close(alpha.sum_sq_norms, expected.sum_sq_norms);
            assert_eq!(
                (found.classes.len(), found.examples.len()),
                (one.classes.len(), one.examples.len())
            );
            for ((_, found), (_, expected)) in found.classes.iter().zip(&one.classes) {
                close(found.statistics.coherence.alpha(), expected.statistics.coherence.alpha());
            }
            for (found, expected) in found.examples.iter().zip(&one.examples) {
                assert_eq!((found.index, found.loss), (expected.index, expected.loss));
                close(found.member.sq_norm, expected.member.sq_norm);
                close(found.member.dot_with_sum, expected.member.dot_with_sum);
            }
            for ((_, found), (_, expected)) in found.designations.iter().zip(&one.designations) {
                let errors = [found, expected].map(|group| group.statistics.alpha_debiased);
                if let [Some(found), Some(expected)] = errors {
                    close(found.value, expected.value);
                    close(found.standard_error, expected.standard_error);
                }
            }
        }
    }
}

/// Images of half the brightness, with the labels of the others.
struct Dark(Blobs);

impl Dataset for Dark {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn classes(&self) -> usize {
        self.0.classes()
    }

    fn target(&self, i: usize) -> Target {
        self.0.target(i)
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let target = self.0.get(i, input)?;
        input.iter_mut().for_each(|x| *x *= 0.5);
        Ok(target)
    }
}

#[test]
fn workers_with_other_images_under_the_same_labels_are_refused() {
    let data = Blobs { n: 110, seed: 1 };
    let found = among(2, |worker| {
        let (dark, bright) = (Dark(data), data);
        let data: &dyn Dataset = if worker.rank() == 1 { &dark } else { &bright };
        let (config, test) = (config(Aggregation::Mean), examples(&bright));
        let trained =
            Trainer::among(Arc::clone(&worker), config, network(), examples(data), test).map(drop);
        let measured = Meter::among(worker, &network(), data, By::default(), 0).map(drop);
        (trained.unwrap_err().to_string(), measured.unwrap_err())
    });
    for (trained, measured) in found {
        assert!(trained.starts_with("workers [1] differ from worker 0"), "{trained}");
        assert_eq!(measured, MeasureError::Differing(vec![1]));
    }
}
