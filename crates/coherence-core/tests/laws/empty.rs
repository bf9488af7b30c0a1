//! The rule for too few examples: every statistic is NaN. Of zero gradients only, α is 0.

use coherence_core::{
    Coherence, Member, WeightedCoherence, WeightedSums,
    bounds::stability,
    commonality::{commonality_alpha, diluted_commonality_alpha, orthogonal_limit},
    finite::Policy,
    helpfulness::helpfulness,
    layers::network_alpha,
    similarity::*,
    unbiased::*,
};

const MEMBER: Member = Member { dot_with_sum: 1.0, sq_norm: 1.0 };

/// Every statistic of an empty sample.
fn of_none() -> Vec<(&'static str, f64)> {
    let (c, w) = (Coherence::default(), WeightedCoherence::default());
    let none: &[[f64; 2]] = &[];
    let nan = [f64::NAN; 2];
    vec![
        ("alpha", c.alpha()),
        ("m_coherence", c.m_coherence()),
        ("energy", c.energy()),
        ("sq_norm_of_mean", c.sq_norm_of_mean()),
        ("alpha_without_self", c.alpha_without_self()),
        ("trace_of_covariance", c.trace_of_covariance()),
        ("noise_scale", c.noise_scale()),
        ("gsnr", c.gsnr()),
        ("gradient_diversity", c.gradient_diversity()),
        ("gradient_diversity_yin", c.gradient_diversity_yin()),
        ("loss_change", c.loss_change(1.0)),
        ("ideal_loss_change", c.ideal_loss_change(1.0)),
        ("weighted alpha", w.alpha()),
        ("weighted energy", w.energy()),
        ("effective_sample_size", w.effective_sample_size()),
        ("pairwise_distance", pairwise_distance(none, Policy::Error).unwrap()),
        ("pairwise_distance of omitted", pairwise_distance(&[nan], Policy::Omit).unwrap()),
        ("batch_means", batch_means([]).value),
        ("batch_means, error", batch_means([]).standard_error),
        ("stability", stability(&[], &[])),
        ("orthogonal_limit", orthogonal_limit(0)),
        ("commonality_alpha", commonality_alpha(0, 1.0)),
        ("diluted_commonality_alpha", diluted_commonality_alpha(0, 0, 0.5)),
        ("expected_sample_alpha", expected_sample_alpha(1.0, 0)),
        ("network_alpha", network_alpha(&[])),
        ("shares", Decrease::default().shares().0),
        ("per_example", Decrease::default().per_example(0, 1).0),
        ("coordinate", CoordinateSums::new([0.0; 2]).coordinate(0).alpha()),
    ]
}

/// Every statistic of pairs or of independent draws, for one example.
fn of_one() -> Vec<(&'static str, f64)> {
    let c = Coherence { m: 1, sq_norm_of_sum: 1.0, sum_sq_norms: 1.0 };
    let mut sums = WeightedSums::new([0.0]);
    sums.add(2.0, &[1.0]).unwrap();
    let (w, one, nan) = (sums.coherence(), [[1.0, 2.0]], [f64::NAN; 2]);
    vec![
        ("alpha_debiased", c.alpha_debiased()),
        ("sq_norm_of_mean_unbiased", c.sq_norm_of_mean_unbiased()),
        ("weighted alpha_debiased", w.alpha_debiased()),
        ("weighted sq_norm_of_mean_unbiased", w.sq_norm_of_mean_unbiased()),
        ("helpfulness", helpfulness(c, MEMBER)),
        ("jackknife", jackknife(c, [MEMBER]).value),
        ("jackknife, error", jackknife(c, [MEMBER]).standard_error),
        ("weighted_jackknife", weighted_jackknife(w, [(2.0, MEMBER)]).value),
        ("weighted_jackknife, error", weighted_jackknife(w, [(2.0, MEMBER)]).standard_error),
        ("batch_means", batch_means([c]).value),
        ("sign_stiffness", sign_stiffness(&one, Policy::Error).unwrap()),
        ("cosine_stiffness", cosine_stiffness(&one, Policy::Error).unwrap()),
        ("minimum_cosine", minimum_cosine(&one, Policy::Error).unwrap()),
        ("confusion_bound", confusion_bound(&one, Policy::Error).unwrap()),
        ("cosine with one omitted", cosine(&one[0], &nan, Policy::Omit).unwrap()),
    ]
}

#[test]
fn a02_every_statistic_of_too_few_examples_is_nan() {
    for (name, value) in of_none().into_iter().chain(of_one()) {
        assert!(value.is_nan(), "{name} is {value}");
    }
    let pair = Coherence { m: 2, sq_norm_of_sum: 1.0, sum_sq_norms: 1.0 };
    let two = jackknife(pair, [MEMBER; 2]);
    assert!(two.value == 0.0 && two.standard_error.is_nan());
    assert!(batch_means([pair]).standard_error.is_nan());
}

#[test]
fn a02_zero_gradients_only_have_alpha_zero() {
    let c = Coherence { m: 2, sq_norm_of_sum: 0.0, sum_sq_norms: 0.0 };
    let mut sums = WeightedSums::new([0.0]);
    sums.add(1.0, &[0.0]).unwrap();
    sums.add(1.0, &[0.0]).unwrap();
    let w = sums.coherence();
    let zeros = [c.alpha(), c.m_coherence(), c.alpha_debiased(), w.alpha(), w.alpha_debiased()];
    assert_eq!(zeros, [0.0; 5]);
    assert_eq!(helpfulness(c, Member { dot_with_sum: 0.0, sq_norm: 0.0 }), 0.0);
}
