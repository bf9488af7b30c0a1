//! `measure` against naive loops over single examples.

use crate::blobs::{Blobs, CLASSES, FEATURES, models, network, one_by_one};
use coherence_core::{Coherence, Sums, layers, unbiased::Estimate};
use coherence_data::{Dataset, Designation, ReadError, Shape, Target, digits};
use coherence_nn::{Model, model::mlp};
use coherence_tests::naive;
use coherence_train::{
    Misfit,
    measure::{By, ExampleMeasure, Group, MeasureError, Measurement, Meter, Statistics, measure},
};

const ALL: By = By { class: true, example: true, errors: true };
const DATA: Blobs = Blobs { n: 2000, seed: 1 };

fn loops_coherence(gradients: impl Iterator<Item = Vec<f64>>) -> Coherence {
    let mut sums: Option<Sums<Vec<f64>>> = None;
    for gradient in gradients {
        sums.get_or_insert_with(|| Sums::zeros(gradient.len())).add(&gradient).unwrap();
    }
    sums.map_or(Coherence::default(), |sums| sums.coherence())
}

#[track_caller]
fn agrees(found: Coherence, expected: Coherence) {
    assert_eq!(found.m, expected.m);
    for (found, expected) in [
        (found.sq_norm_of_sum, expected.sq_norm_of_sum),
        (found.sum_sq_norms, expected.sum_sq_norms),
    ] {
        assert!((found - expected).abs() < 1e-6 * expected, "{found} {expected}");
    }
}

/// Gradients [d] of the chosen examples.
fn chosen(all: &[(Vec<f64>, f64, bool)], belongs: impl Fn(usize) -> bool) -> Vec<Vec<f64>> {
    (0..all.len()).filter(|&i| belongs(i)).map(|i| all[i].0.clone()).collect()
}

/// The definition in f64: α̂ recomputed without each example in turn.
fn loops_estimate(gradients: &[Vec<f64>]) -> Estimate {
    let sum = naive::sum(gradients);
    let q = naive::sum_sq_norms(gradients);
    let unbiased = |sum: &[f64], q: f64, m: f64| (naive::sq_norm(sum) / q - 1.0) / (m - 1.0);
    let m = gradients.len() as f64;
    let left_out: Vec<f64> = gradients
        .iter()
        .map(|g| {
            let rest: Vec<f64> = sum.iter().zip(g).map(|(s, g)| s - g).collect();
            unbiased(&rest, q - naive::sq_norm(g), m - 1.0)
        })
        .collect();
    let mean = left_out.iter().sum::<f64>() / m;
    let squares: f64 = left_out.iter().map(|a| (a - mean).powi(2)).sum();
    let standard_error = ((m - 1.0) / m * squares).sqrt();
    Estimate { value: unbiased(&sum, q, m), standard_error }
}

#[track_caller]
fn estimates_agree(found: Statistics, gradients: &[Vec<f64>]) {
    agrees(found.coherence, loops_coherence(gradients.iter().cloned()));
    let (found, expected) = (found.alpha_debiased.unwrap(), loops_estimate(gradients));
    assert!((found.value - expected.value).abs() < 1e-6, "{found:?} {expected:?}");
    let difference = (found.standard_error - expected.standard_error).abs();
    assert!(difference < 1e-4 * expected.standard_error, "{found:?} {expected:?}");
}

#[test]
fn network_tensors_classes_and_designations_equal_the_loops() {
    for model in models() {
        let all = one_by_one(&model, &DATA);
        let measured = measure(&model, &DATA, ALL).unwrap();
        estimates_agree(measured.network, &chosen(&all, |_| true));
        for ((name, found), tensor) in measured.tensors.iter().zip(model.layout().tensors()) {
            assert_eq!(*name, tensor.name);
            let part = |(g, ..): &(Vec<f64>, f64, bool)| g[tensor.range.clone()].to_vec();
            estimates_agree(*found, &all.iter().map(part).collect::<Vec<_>>());
        }
        assert_eq!(measured.classes.len(), CLASSES);
        for (class, found) in &measured.classes {
            estimates_agree(found.statistics, &chosen(&all, |i| DATA.target(i).label == *class));
        }
        assert_eq!(measured.designations.len(), 2);
        for (designation, found) in &measured.designations {
            let belongs = |i| DATA.target(i).designation == *designation;
            estimates_agree(found.statistics, &chosen(&all, belongs));
        }
    }
}

#[test]
fn a15d_helpfulness_of_examples_and_groups_equals_the_loops() {
    for model in models() {
        let all = chosen(&one_by_one(&model, &DATA), |_| true);
        let energy = naive::sum_sq_norms(&all) / DATA.n as f64;
        let sum = naive::sum(&all);
        let loops: Vec<f64> = all
            .iter()
            .map(|g| (naive::dot(g, &sum) - naive::sq_norm(g)) / ((DATA.n - 1) as f64 * energy))
            .collect();
        let measured = measure(&model, &DATA, ALL).unwrap();
        for (ExampleMeasure { index, helpfulness, .. }, (i, expected)) in
            measured.examples.iter().zip(loops.iter().enumerate())
        {
            assert_eq!(*index, i);
            assert!((helpfulness.unwrap() - expected).abs() < 1e-5, "{helpfulness:?} {expected}");
        }
        let mean = |found: Option<f64>, belongs: &dyn Fn(usize) -> bool| {
            let members: Vec<f64> = (0..DATA.n).filter(|&i| belongs(i)).map(|i| loops[i]).collect();
            let expected = members.iter().sum::<f64>() / members.len() as f64;
            assert!((found.unwrap() - expected).abs() < 1e-6, "{found:?} {expected}");
        };
        for (class, group) in &measured.classes {
            mean(group.helpfulness, &|i| DATA.target(i).label == *class);
        }
        for (designation, group) in &measured.designations {
            mean(group.helpfulness, &|i| DATA.target(i).designation == *designation);
        }
        let by_designation = |at: usize| measured.designations[at].1.helpfulness.unwrap();
        assert!(by_designation(0) > by_designation(1), "wrong labels are helped less");
    }
}

/// Chunks kept, recomputed, or some of each. A chunk has 1536 examples of 144 bytes, and 24 bytes for
/// the image, for which the last budget has no room.
#[test]
fn the_budget_changes_no_bit() {
    let model = network();
    for by in [ALL, By { class: false, ..ALL }] {
        let data = Blobs { n: 5000, seed: 1 };
        let within = |budget| Meter::new(&model, &data, by, budget).unwrap().measure().unwrap();
        let all = within(usize::MAX);
        for chunks in [0, 2, 4] {
            assert!(all == within(chunks * 1536 * 144), "{by:?}, room for {chunks} chunks");
        }
    }
}

#[test]
fn measuring_again_finds_the_same() {
    for model in models() {
        let mut meter = Meter::new(&model, &DATA, ALL, usize::MAX).unwrap();
        let first = meter.measure().unwrap();
        meter.passes(&mut vec![0.0; model.parameters().len()]).unwrap();
        assert_eq!(meter.measure().unwrap(), first);
    }
}

/// Equal up to the order of summation, because grouped examples are read in another order.
#[test]
fn other_requests_change_nothing() {
    for model in models() {
        let all = measure(&model, &DATA, ALL).unwrap();
        let only = measure(&model, &DATA, By { example: true, ..By::default() }).unwrap();
        agrees(only.network.coherence, all.network.coherence);
        for (a, b) in only.examples.iter().zip(&all.examples) {
            assert!((a.helpfulness.unwrap() - b.helpfulness.unwrap()).abs() < 1e-6);
        }
        // Classes in one chunk, in two (with corrupt examples), in many.
        for n in [4, 2000, 10_000] {
            let data = Blobs { n, seed: 1 };
            let [all, only] = [ALL, By { class: true, ..By::default() }]
                .map(|by| measure(&model, &data, by).unwrap());
            assert_eq!(only.classes.len(), CLASSES);
            for ((a, only), (b, all)) in only.classes.iter().zip(&all.classes) {
                assert_eq!(a, b);
                agrees(only.statistics.coherence, all.statistics.coherence);
            }
        }
    }
}

#[test]
fn examples_equal_the_loops() {
    for model in models() {
        let all = one_by_one(&model, &DATA);
        let sum = naive::sum(&chosen(&all, |_| true));
        let measured = measure(&model, &DATA, ALL).unwrap();
        let scale = sum.iter().map(|s| s * s).sum::<f64>().sqrt();
        for (example, (gradient, loss, _)) in measured.examples.iter().zip(&all) {
            let norm = naive::sq_norm(gradient);
            let dot = naive::dot(gradient, &sum);
            // The deltas of one example have f32 rounding errors, which average out in sums over many.
            assert!((example.member.sq_norm - norm).abs() < 1e-5 * norm);
            assert!((example.member.dot_with_sum - dot).abs() < 1e-5 * scale * norm.sqrt());
            assert!((example.loss - loss).abs() < 1e-6 * (1.0 + loss));
            assert_eq!(DATA.target(example.index).label, example.label);
            assert_eq!(DATA.target(example.index).designation, example.designation);
        }
    }
}

/// A15d: the mean of h_i is α̂.
#[test]
fn a15d_mean_helpfulness_is_the_debiased_alpha() {
    for model in models() {
        let Measurement { network, examples, .. } = measure(&model, &DATA, ALL).unwrap();
        let mean =
            examples.iter().filter_map(|e| e.helpfulness).sum::<f64>() / examples.len() as f64;
        let estimate = network.alpha_debiased.unwrap();
        assert!((mean - estimate.value).abs() < 1e-6, "{mean} {estimate:?}");
    }
}

/// A10: the network's α is the energy-weighted combination of its tensors'.
#[test]
fn tensors_combine_to_the_network() {
    for model in models() {
        let measured = measure(&model, &DATA, By::default()).unwrap();
        let tensors: Vec<Coherence> =
            measured.tensors.iter().map(|(_, tensor)| tensor.coherence).collect();
        let combined = layers::network(&tensors).unwrap();
        assert!((combined.alpha() - measured.network.coherence.alpha()).abs() < 1e-12);
    }
}

#[test]
fn what_is_not_requested_is_absent() {
    let measured = measure(&network(), &DATA, By::default()).unwrap();
    assert!(measured.classes.is_empty() && measured.examples.is_empty());
    assert_eq!(measured.network.alpha_debiased, None);
    assert!(measured.tensors.iter().all(|(_, tensor)| tensor.alpha_debiased.is_none()));
    assert_eq!(measured.designations.len(), 2);
    assert!(measured.designations.iter().all(|(_, group)| group.helpfulness.is_none()));
    let examples = measure(&network(), &DATA, By { example: true, ..By::default() }).unwrap();
    let errors = |(_, group): &(Designation, Group)| group.statistics.alpha_debiased;
    assert!(examples.designations.iter().all(|group| errors(group).is_none()));
    assert!(examples.network.alpha_debiased.is_some());
}

/// More examples than a `u32` can number, of two classes.
struct Vast;

impl Dataset for Vast {
    fn len(&self) -> usize {
        1 << 33
    }

    fn shape(&self) -> Shape {
        Shape { channels: 1, height: 1, width: FEATURES }
    }

    fn classes(&self) -> usize {
        2
    }

    fn target(&self, i: usize) -> Target {
        Target { label: (i % 2) as u32, designation: Designation::Pristine }
    }

    fn get(&self, i: usize, _: &mut [f32]) -> Result<Target, ReadError> {
        Ok(self.target(i))
    }
}

#[test]
fn more_examples_than_can_be_sorted_are_refused() {
    let by = By { class: true, ..By::default() };
    let refused = Meter::new(&network(), &Vast, by, 0).unwrap_err();
    assert_eq!(refused, MeasureError::TooMany { found: 1 << 33 });
}

#[test]
fn a_single_example_has_alpha_one() {
    let measured = measure(&network(), &Blobs { n: 1, seed: 1 }, ALL).unwrap();
    assert!((measured.network.coherence.alpha() - 1.0).abs() < 1e-6);
    assert_eq!((measured.network.alpha_debiased, measured.examples[0].helpfulness), (None, None));
    let [(class, group)] = &measured.classes[..] else { panic!("one class") };
    assert_eq!((*class, group.statistics, group.helpfulness), (0, measured.network, None));
    let [(designation, group)] = &measured.designations[..] else { panic!("one designation") };
    assert_eq!((*designation, group.statistics), (Designation::Pristine, measured.network));
}

#[test]
fn data_that_cannot_be_measured_are_refused() {
    let refused = |model: &Model<f32>, data: &dyn Dataset| measure(model, data, ALL).unwrap_err();
    assert_eq!(refused(&network(), &Blobs { n: 0, seed: 1 }), MeasureError::Empty);
    let features = Misfit::Features { found: "28 × 28 × 1".to_owned(), expected: "6".to_owned() };
    assert_eq!(refused(&network(), &digits::test()), features.into());
    let classes = MeasureError::Misfit(Misfit::Classes { found: 3, expected: 2 });
    assert_eq!(refused(&Model::zeros(mlp(&[6, 2]).unwrap()), &DATA), classes);
    let mut diverged = network();
    diverged.parameters_mut().fill(f32::NAN);
    let error = refused(&diverged, &DATA);
    assert!(matches!(error, MeasureError::NonFinite { index: 0, loss } if loss.is_nan()));
}

/// A data set whose examples from the sixth on have an infinite pixel.
struct Broken<D>(D);

impl<D: Dataset> Dataset for Broken<D> {
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
        if i >= 5 {
            input[0] = f32::INFINITY;
        }
        Ok(target)
    }
}

/// Sorted, the sixth example (of the third class) comes long after the seventh (of the first).
#[test]
fn the_first_non_finite_loss_is_the_first_in_the_data_set() {
    let error = measure(&network(), &Broken(DATA), ALL).unwrap_err();
    assert!(matches!(error, MeasureError::NonFinite { index: 5, .. }), "{error}");
}
