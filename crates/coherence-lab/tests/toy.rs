//! Laws of the worked examples: closed forms, finite differences, and the statements of the paper.

use coherence_lab::toy::{
    DeepLinear, L, Linear, M, Toy, Toys, TwoNeurons, gradients, mean_loss, step,
};

fn mean(values: &mut [f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// ‖S‖²/Q over the coordinates of `range`, by the definition.
fn m_coherence(
    model: &impl Toy,
    theta: &[f64],
    data: &Toys,
    range: core::ops::Range<usize>,
) -> f64 {
    let rows = gradients(model, theta, data.train());
    let sq_norm_of_sum: f64 = range
        .clone()
        .map(|j| rows.chunks(model.parameters()).map(|g| g[j]).sum::<f64>().powi(2))
        .sum();
    let sum_sq_norms: f64 =
        rows.chunks(model.parameters()).flat_map(|g| &g[range.clone()]).map(|g| g * g).sum();
    sq_norm_of_sum / sum_sq_norms
}

/// A point where no two coordinates are equal.
fn uneven(d: usize) -> Vec<f64> {
    (0..d).map(|j| 0.3 + 0.17 * j as f64 - 0.02 * (j * j) as f64).collect()
}

#[track_caller]
fn gradient_is_the_derivative_of_the_loss(model: &impl Toy) {
    const STEP: f64 = 1e-6;
    let theta = uneven(model.parameters());
    let mut gradient = vec![0.0; model.parameters()];
    for example in L.examples.iter().chain(&M.examples) {
        model.gradient(&theta, example, &mut gradient);
        for j in 0..model.parameters() {
            let (mut up, mut down) = (theta.clone(), theta.clone());
            up[j] += STEP;
            down[j] -= STEP;
            let slope = (model.loss(&up, example) - model.loss(&down, example)) / (2.0 * STEP);
            assert!((slope - gradient[j]).abs() < 1e-8, "coordinate {j}: {slope} {}", gradient[j]);
        }
    }
}

#[test]
fn linear_gradient_is_the_derivative_of_the_loss() {
    gradient_is_the_derivative_of_the_loss(&Linear);
}

#[test]
fn deep_linear_gradient_is_the_derivative_of_the_loss() {
    gradient_is_the_derivative_of_the_loss(&DeepLinear);
}

#[test]
fn two_neurons_gradient_is_the_derivative_of_the_loss() {
    gradient_is_the_derivative_of_the_loss(&TwoNeurons);
}

#[test]
fn layers_cover_the_parameters_in_order() {
    fn check(model: &impl Toy) {
        let joined: Vec<usize> = model.layers().into_iter().flat_map(|part| part.range).collect();
        assert_eq!(joined, (0..model.parameters()).collect::<Vec<_>>());
    }
    check(&Linear);
    check(&DeepLinear);
    check(&TwoNeurons);
}

#[test]
fn real_and_random_share_the_idiosyncratic_inputs() {
    for (real, random) in L.examples.iter().zip(&M.examples) {
        assert_eq!(real.x[..5], random.x[..5]);
        assert_eq!((real.x[5], random.x[5]), (real.y, 0.0));
    }
}

/// B2: exact at the start, where every product is 0 or ±1.
#[test]
fn coherence_of_real_is_five_eighths_and_of_random_the_orthogonal_limit() {
    assert_eq!(m_coherence(&Linear, &[0.0; 6], &L, 0..6), 2.5);
    assert_eq!(m_coherence(&Linear, &[0.0; 6], &M, 0..6), 1.0);
}

/// B1: with e = ŷ y the common prediction and η = 0.1, w⁽¹⁾ gains η(1−e)/4 and w⁽⁶⁾ η(1−e) a step,
/// so the residual decays by 1 − 5η/4 and w⁽⁶⁾ = 4/5 (1 − (1 − 5η/4)^t).
#[test]
fn common_weight_follows_its_closed_form() {
    let mut w = [0.0; 6];
    for t in 1..=100 {
        step(&Linear, &mut w, L.train(), 0.1, mean);
        let expected = 0.8 * (1.0 - (1.0 - 0.125f64).powi(t));
        assert!((w[5] - expected).abs() < 1e-12 && (w[0] - expected / 4.0).abs() < 1e-12);
    }
}

/// B3: the median of four values is zero if at most one of them is not.
#[test]
fn median_descent_has_no_generalisation_gap() {
    for (data, loss) in [(L, 0.0), (M, 0.5)] {
        let mut w = [0.0; 6];
        for _ in 0..1000 {
            step(&Linear, &mut w, data.train(), 0.1, median);
        }
        assert!((mean_loss(&Linear, &w, data.train()) - loss).abs() < 1e-12);
        assert!((mean_loss(&Linear, &w, data.test()) - loss).abs() < 1e-12);
    }
}

/// B5: m-coherence starts at 2.5, as in linear regression, and ends above 3.9 of at most 4.
#[test]
fn depth_amplifies_the_common_input() {
    let mut theta = [0.01; 12];
    assert!((m_coherence(&DeepLinear, &theta, &L, 0..12) - 2.5).abs() < 1e-12);
    let mut last_ratio = 1.0;
    for _ in 0..100 {
        step(&DeepLinear, &mut theta, L.train(), 0.1, mean);
        let ratio = theta[11] / theta[6];
        assert!(ratio > last_ratio);
        last_ratio = ratio;
    }
    assert!(m_coherence(&DeepLinear, &theta, &L, 0..12) > 3.9);
    assert!(mean_loss(&DeepLinear, &theta, L.test()) < 0.01);
}

/// B6: the good neuron overtakes a bad one that starts at 0.01, 0.1 or 0.2, but not one that starts
/// at 1. The coherence of each output weight by itself is 1 (m-coherence 4) throughout.
#[test]
fn good_neuron_overtakes_unless_the_bad_one_starts_large() {
    for (start, overtakes) in [(0.01, true), (0.1, true), (0.2, true), (1.0, false)] {
        let mut theta = [0.01; 13];
        theta[11] = start;
        for _ in 0..2000 {
            for j in TwoNeurons::W {
                let gradients = gradients(&TwoNeurons, &theta, L.train());
                let signal: f64 = gradients.chunks(13).map(|g| g[j].abs()).sum();
                if signal > 1e-12 {
                    let coherence = m_coherence(&TwoNeurons, &theta, &L, j..j + 1);
                    assert!((coherence - 4.0).abs() < 1e-6, "{coherence}");
                }
            }
            step(&TwoNeurons, &mut theta, L.train(), 0.1, mean);
        }
        assert_eq!(theta[12] > theta[11], overtakes, "from {start}: {theta:?}");
    }
}

/// B7: on random data the input layer is at the orthogonal limit while the output layer is not.
#[test]
fn hidden_coherence_can_be_high_on_random_data() {
    let theta = [0.01; 13];
    assert!((m_coherence(&TwoNeurons, &theta, &M, 0..11) - 1.0).abs() < 1e-12);
    assert!((m_coherence(&TwoNeurons, &theta, &M, TwoNeurons::W) - 4.0).abs() < 1e-12);
}
