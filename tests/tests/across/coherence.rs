//! Coherence measured from factors equals coherence from the core's accumulator.

use crate::digits::{gradients, network, noisy};
use coherence_core::{Coherence, Sums, helpfulness::helpfulness};
use coherence_data::{Dataset, Designation};
use coherence_train::measure::{By, measure};

fn by_the_core<'a>(gradients: impl IntoIterator<Item = &'a [f32]>) -> Coherence {
    let mut gradients = gradients.into_iter().peekable();
    let mut sums = Sums::zeros(gradients.peek().map_or(0, |gradient| gradient.len()));
    gradients.for_each(|gradient| sums.add(gradient).unwrap());
    sums.coherence()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} {expected}");
}

#[test]
fn measured_alpha_equals_the_accumulators_for_network_and_tensors() {
    for m in [1, 2, 3, 7, 100, 600] {
        let (mlp, data) = (network(), noisy(m));
        let rows = gradients(&mlp, &data, &(0..m).collect::<Vec<_>>());
        let measured = measure(&mlp, &data, By::default()).unwrap();
        let expected = by_the_core(rows.iter().map(|g| &g[..]));
        close(measured.network.coherence.alpha(), expected.alpha());
        close(measured.network.coherence.m_coherence(), expected.m_coherence());
        for ((_, found), tensor) in measured.tensors.iter().zip(mlp.layout().tensors()) {
            let expected = by_the_core(rows.iter().map(|g| &g[tensor.range.clone()]));
            close(found.coherence.alpha(), expected.alpha());
        }
    }
}

#[test]
fn helpfulness_from_factors_equals_helpfulness_from_gradients() {
    let (mlp, data) = (network(), noisy(300));
    let rows = gradients(&mlp, &data, &(0..300).collect::<Vec<_>>());
    let mut sums = Sums::zeros(rows[0].len());
    rows.iter().for_each(|g| sums.add(g).unwrap());
    let measured = measure(&mlp, &data, By { example: true, ..By::default() }).unwrap();
    for (example, gradient) in measured.examples.iter().zip(&rows) {
        let member = sums.member(gradient).unwrap().unwrap();
        let expected = helpfulness(sums.coherence(), member);
        assert!((example.helpfulness.unwrap() - expected).abs() < 1e-5);
    }
}

#[test]
fn designations_pass_from_the_noise_to_the_measurement() {
    let data = noisy(300);
    let measured = measure(&network(), &data, By { example: true, ..By::default() }).unwrap();
    let corrupt = |designation| designation == Designation::Corrupt;
    let found = measured.examples.iter().filter(|e| corrupt(e.designation)).count();
    assert_eq!(found, (0..300).filter(|&i| corrupt(data.target(i).designation)).count());
    assert!((30..100).contains(&found), "a quarter, less those that drew their own label: {found}");
}
