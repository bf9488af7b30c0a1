//! α imputed from mini-batches, against the gradients of single examples and of single mini-batches.

use crate::{
    blobs::{Blobs, config, examples, network},
    networks,
};
use coherence_core::minibatch::amplify_partition;
use coherence_data::{Dataset, Designation, noise::LabelNoise, random};
use coherence_nn::{
    Keep, Model,
    layer::Mode,
    loss::{Loss, Targets},
};
use coherence_tests::naive;
use coherence_train::{
    Aggregation, Config, Examples, Row, Trainer, Watch,
    measure::{By, MeasureError, impute, measure},
};

/// The gradients of groups of k examples, by the statistics of each.
fn gradients(model: &Model<f32>, data: &dyn Dataset, groups: &[&[usize]]) -> Vec<Vec<f64>> {
    let k = groups[0].len();
    let mut workspace = model.workspace(k, Keep::Activations);
    workspace.set_mode(Mode { batch_statistics: true, dropout: None });
    let of = |group: &&[usize]| {
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for &i in group.iter() {
            let mut image = vec![0.0; data.shape().features()];
            labels.push(data.get(i, &mut image).unwrap().label);
            x.extend(image);
        }
        model.forward(&x, k, &mut workspace);
        workspace.loss(Loss::default(), Targets::Labels(&labels[..]), &mut vec![0.0; k]);
        let mut gradient = vec![0.0; model.parameters().len()];
        model.gradient(&x, &mut workspace, &mut gradient);
        gradient.into_iter().map(f64::from).collect()
    };
    groups.iter().map(of).collect()
}

/// α̂ by its definition.
fn debiased(rows: &[Vec<f64>]) -> f64 {
    let (s, q, m) = (naive::sum(rows), naive::sum_sq_norms(rows), rows.len() as f64);
    (naive::sq_norm(&s) - q) / (m - 1.0) / q
}

/// The jackknife standard error of α̂, by leaving out each.
fn jackknife_error(rows: &[Vec<f64>]) -> f64 {
    let m = rows.len() as f64;
    let without = |b: usize| [&rows[..b], &rows[b + 1..]].concat();
    let left_out: Vec<f64> = (0..rows.len()).map(|b| debiased(&without(b))).collect();
    let mean = left_out.iter().sum::<f64>() / m;
    (left_out.iter().map(|a| (a - mean).powi(2)).sum::<f64>() * (m - 1.0) / m).sqrt()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-5 * expected.abs(), "{found} {expected}");
}

#[test]
fn a05_groups_are_measured_as_by_a_loop_that_leaves_each_out() {
    let (model, data) = (networks::network(), Blobs { n: 110, seed: 1 });
    let order = random::permutation(&mut random::stream(7, "groups"), 110);
    let groups: Vec<&[usize]> = order.chunks_exact(9).take(12).collect();
    let rows = gradients(&model, &data, &groups);
    let found = impute(&model, &data, 12, 7).unwrap();
    assert_eq!((found.k, found.batches.m, found.examples()), (9, 12, 108));
    close(found.batches.alpha(), naive::alpha(&rows));
    close(amplify_partition(found.alpha(), 108, 9), naive::alpha(&rows));
    close(found.batch_alpha.value, debiased(&rows));
    close(found.batch_alpha.standard_error, jackknife_error(&rows));
}

/// Averaged over many partitions, the imputed α is the exact one (A5b), here of a network without coupling.
#[test]
fn a05b_the_imputed_alpha_is_near_the_exact_one() {
    let (model, data) = (network(), Blobs { n: 110, seed: 1 });
    let exact = measure(&model, &data, By { example: true, ..By::default() }).unwrap().network;
    let seeds = 200;
    let found: Vec<_> = (0..seeds).map(|seed| impute(&model, &data, 22, seed).unwrap()).collect();
    let mean = found.iter().map(|imputed| imputed.alpha()).sum::<f64>() / seeds as f64;
    assert!((mean / exact.coherence.alpha() - 1.0).abs() < 0.02, "{mean}");
    let value = exact.alpha_debiased.unwrap().value;
    let within = found.iter().filter(|imputed| {
        let estimate = imputed.alpha_debiased;
        (estimate.value - value).abs() < 2.0 * estimate.standard_error
    });
    let within = within.count();
    assert!(within > 9 * seeds as usize / 10, "{within} of {seeds} within two standard errors");
}

#[test]
fn groups_that_do_not_exist_are_refused() {
    let data = Blobs { n: 10, seed: 1 };
    for groups in [0, 1, 11] {
        let error = impute(&network(), &data, groups, 1).unwrap_err();
        assert_eq!(error, MeasureError::Groups { groups, examples: 10, least: 1 });
    }
    let error = impute(&networks::network(), &data, 6, 1).unwrap_err();
    assert_eq!(error, MeasureError::Groups { groups: 6, examples: 10, least: 2 });
    assert!(impute(&networks::network(), &data, 5, 1).is_ok());
}

#[test]
fn training_by_the_statistics_of_the_batch_records_the_imputed_alpha() {
    let (data, series) = (Blobs { n: 110, seed: 1 }, |rows: &[Row], name: &str| {
        rows.iter().find(|row| row.series == name).map(|row| row.value)
    });
    let observed = |of: Config, model| {
        let (train, test) = (examples(&data), examples(&Blobs { n: 40, seed: 2 }));
        let mut trainer = Trainer::new(of, model, train, test).unwrap();
        let mut rows = Vec::new();
        trainer.observe(&mut rows).unwrap();
        rows
    };
    let of = config(Aggregation::Mean);
    let rows = observed(of.clone(), networks::network());
    let order = random::permutation(&mut random::stream(of.seed, "probe"), 110);
    let groups: Vec<&[usize]> = order[..60].chunks_exact(20).collect();
    let expected = gradients(&networks::network(), &data, &groups);
    close(series(&rows, "probe.batches.alpha").unwrap(), naive::alpha(&expected));
    close(series(&rows, "probe.batches.alpha_debiased").unwrap(), debiased(&expected));
    let error = jackknife_error(&expected);
    close(series(&rows, "probe.batches.standard_error").unwrap(), error);
    assert!(series(&rows, "probe.imputed.standard_error").unwrap() > 0.0);

    let by_running = Config { batch_statistics: false, ..of.clone() };
    assert_eq!(series(&observed(by_running, networks::network()), "probe.imputed.alpha"), None);
    assert_eq!(series(&observed(of.clone(), network()), "probe.imputed.alpha"), None);
    let asked = Config { watch: vec![Watch::Imputed], ..of };
    let rows = observed(asked, network());
    assert!(series(&rows, "probe.imputed.alpha").is_some());
    assert_eq!(series(&rows, "probe.fc1.weight.m_coherence"), None);
    assert_eq!(series(&rows, "probe.pristine.m_coherence"), None);
    assert!(series(&rows, "probe.alpha").is_some() && series(&rows, "pristine.loss").is_some());
}

/// The mini-batches of one designation, in the order of the probe, and the tensors of the whole sample.
#[test]
fn a05b_tensors_and_groups_are_imputed_as_by_a_loop() {
    let (train, model) = (Blobs { n: 110, seed: 1 }, networks::network());
    let noisy = LabelNoise::permute(&train, 0.5, 3).unwrap();
    let of = Config {
        batch: 6,
        probe: 90,
        watch: vec![Watch::ImputedLayer, Watch::ImputedGroup],
        ..config(Aggregation::Mean)
    };
    let order = random::permutation(&mut random::stream(of.seed, "probe"), 110);
    let order = &order[..90];
    let data = Examples::decode(&noisy).unwrap();
    let mut trainer =
        Trainer::new(of, model.clone(), data, examples(&Blobs { n: 40, seed: 2 })).unwrap();
    let mut rows: Vec<Row> = Vec::new();
    trainer.observe(&mut rows).unwrap();
    let value = |name: &str| rows.iter().find(|row| row.series == name).unwrap().value;
    for designation in Designation::ALL {
        let of_group = |i: &usize| noisy.target(*i).designation == designation;
        let group: Vec<usize> = order.iter().copied().filter(of_group).collect();
        let batches: Vec<&[usize]> = group.chunks_exact(6).collect();
        assert!(batches.len() >= 2);
        let expected = imputed(6.0, &gradients(&model, &noisy, &batches));
        let prefix = format!("probe.imputed.{}", designation.name());
        close(value(&format!("{prefix}.alpha")), expected);
        close(value(&format!("{prefix}.m_coherence")), 6.0 * batches.len() as f64 * expected);
    }
    let all = gradients(&model, &noisy, &order.chunks_exact(6).collect::<Vec<_>>());
    for tensor in model.layout().tensors() {
        let part: Vec<Vec<f64>> = all.iter().map(|g| g[tensor.range.clone()].to_vec()).collect();
        let found = value(&format!("probe.imputed.{}.m_coherence", tensor.name));
        // A bias before a normalisation has no gradient but rounding.
        if naive::sum_sq_norms(&part) > 1e-8 {
            close(found, 90.0 * imputed(6.0, &part));
        }
    }
}

/// The mini-batches of the sample of the test set, in the order in which it is drawn; eight examples are left over.
#[test]
fn a05b_the_sample_of_the_test_set_is_imputed_as_by_a_loop() {
    let (test, model) = (Blobs { n: 70, seed: 2 }, networks::network());
    let of = Config { batch: 10, probe: 58, watch: vec![Watch::Test], ..config(Aggregation::Mean) };
    let order = random::permutation(&mut random::stream(of.seed, "probe.test"), 70);
    let train = examples(&Blobs { n: 110, seed: 1 });
    let mut trainer = Trainer::new(of, model.clone(), train, examples(&test)).unwrap();
    let mut rows: Vec<Row> = Vec::new();
    trainer.observe(&mut rows).unwrap();
    let value = |name: &str| rows.iter().find(|row| row.series == name).unwrap().value;
    let batches: Vec<&[usize]> = order[..50].chunks_exact(10).collect();
    let expected = imputed(10.0, &gradients(&model, &test, &batches));
    close(value("test.imputed.alpha"), expected);
    close(value("test.imputed.m_coherence"), 50.0 * expected);
}

/// A5b, as the catalogue writes it: α of the examples of mini-batches of k, from the gradients of these.
fn imputed(k: f64, rows: &[Vec<f64>]) -> f64 {
    let (m, alpha) = (k * rows.len() as f64, naive::alpha(rows));
    alpha * (m - k) / (k * (m - 1.0) - (k - 1.0) * m * alpha)
}
