//! Convolutions: what the processor computes, to the rounding of the element type; selections of the gradients
//! that the device formed.

use crate::common::{OUTPUTS, assert_close, assert_same_bits, numbers, written};
use crate::engine::{Tested, engine, upload};
use coherence_core::aggregate::{Trimmed, Winsorized, groups};
use coherence_cpu::{
    Element, Isa,
    convolution::{self, Convolution},
    order::OrderStatistics,
};
use coherence_cuda::{
    Buffer, Real, View,
    convolution::{
        add_dots, add_sq_norms, backward, forward, gradient, gradient_and_sq_norms,
        median_of_sums_step, per_example, robust_mean, robust_step,
    },
};
use coherence_tests::naive::aggregate::{median, trimmed, winsorized};

fn settings() -> Vec<Convolution> {
    let new = Convolution::new;
    vec![
        new([1, 1], 1, 1, [1, 1]),
        new([3, 5], 4, 6, [1, 1]),
        new([6, 5], 3, 4, [3, 2]),
        Convolution { padding: [1, 1], stride: [2, 2], ..new([8, 7], 3, 5, [3, 3]) },
        Convolution { padding: [3, 0], dilation: [2, 3], ..new([5, 9], 2, 3, [3, 2]) },
        Convolution { stride: [3, 2], ..new([7, 8], 3, 4, [2, 1]) },
        Convolution { padding: [2, 2], ..new([1, 1], 3, 2, [5, 5]) },
        // Few positions: norms from Gram matrices.
        new([2, 2], 150, 30, [1, 2]),
        Convolution { groups: 2, ..new([2, 3], 40, 36, [2, 2]) },
        Convolution { padding: [1, 1], groups: 2, ..new([4, 5], 6, 4, [3, 3]) },
        Convolution { groups: 3, stride: [2, 1], ..new([5, 4], 3, 6, [1, 2]) },
        Convolution { padding: [1, 1], groups: 5, ..new([6, 7], 5, 5, [3, 3]) },
        Convolution {
            padding: [2, 1],
            stride: [2, 2],
            dilation: [2, 1],
            groups: 4,
            ..new([9, 8], 4, 4, [2, 3])
        },
    ]
}

/// A convolution, its factors, and the same on the device.
struct Case<T> {
    conv: Convolution,
    m: usize,
    x: Vec<T>,
    weight: Vec<T>,
    delta: Vec<T>,
    device: [Buffer<T, Tested>; 3],
}

impl<T: Real + Default> Case<T> {
    fn new(conv: Convolution, m: usize) -> Self {
        let x = numbers(1, m * conv.image());
        let (weight, delta) = (numbers(2, conv.weights()), numbers(3, m * conv.output_image()));
        let device = [&x, &weight, &delta].map(|values| upload(values));
        Self { conv, m, x, weight, delta, device }
    }

    fn views(&self) -> [View<'_, T>; 3] {
        self.device.each_ref().map(Buffer::view)
    }

    fn context(&self) -> String {
        format!("{} examples, {:?}", self.m, self.conv)
    }
}

/// Both sum some hundred terms in the element type.
#[track_caller]
fn assert_near<T: Element>(found: &[T], expected: &[T], context: &str) {
    let tolerance = if size_of::<T>() == 4 { 1e-5 } else { 1e-13 };
    assert_close(found, expected, tolerance, context);
}

fn products<T: Real + Default>(conv: Convolution, m: usize) {
    let case = Case::<T>::new(conv, m);
    let Case { x, weight, delta, .. } = &case;
    let ([on_x, on_weight, on_delta], isa) = (case.views(), Isa::detect());
    for output in OUTPUTS {
        let mut out = numbers(4, delta.len());
        let found = written(&out, |out| forward(engine(), &conv, on_x, on_weight, output, out));
        convolution::forward(isa, &conv, x, weight, output, &mut out);
        assert_near(&found, &out, &case.context());

        let mut out = numbers(5, x.len());
        let found =
            written(&out, |out| backward(engine(), &conv, on_delta, on_weight, output, out));
        convolution::backward(isa, &conv, delta, weight, output, &mut out);
        assert_near(&found, &out, &case.context());

        let mut out = numbers(6, weight.len());
        let found = written(&out, |out| gradient(engine(), &conv, on_x, on_delta, output, out));
        let norms = written(&numbers(7, m), |norms| {
            let both = written(&out, |out| {
                let factors = [on_x, on_delta];
                gradient_and_sq_norms(engine(), &conv, factors, output, out, norms);
            });
            assert_near(&both, &found, &case.context());
        });
        convolution::gradient(isa, &conv, x, delta, output, &mut out);
        assert_near(&found, &out, &case.context());

        let found =
            written(&numbers(7, m), |out| add_sq_norms(engine(), &conv, on_x, on_delta, out));
        assert_same_bits(&found, &norms, &case.context());
        let mut norms = numbers(7, m);
        convolution::add_sq_norms(isa, &conv, x, delta, &mut norms);
        let tolerance = if size_of::<T>() == 4 { 1e-5 } else { 1e-12 };
        assert_close(&found, &norms, tolerance, &case.context());
    }
    let mut dots = numbers(7, m);
    let found = written(&dots, |out| {
        add_dots(engine(), &conv, [on_x, on_delta, on_weight], out);
    });
    convolution::add_dots(isa, &conv, x, delta, weight, &mut dots);
    let tolerance = if size_of::<T>() == 4 { 1e-5 } else { 1e-12 };
    assert_close(&found, &dots, tolerance, &case.context());
}

#[test]
fn products_are_those_of_the_processor() {
    for conv in settings() {
        for m in [0, 1, 5] {
            products::<f32>(conv, m);
            products::<f64>(conv, m);
        }
    }
}

/// The gradients of the examples as the device forms them.
fn examples<T: Real + Default>(case: &Case<T>) -> Vec<Vec<T>> {
    let [x, _, delta] = case.views();
    let of = |e| {
        let before = vec![T::zero(); case.conv.weights()];
        written(&before, |out| per_example(engine(), &case.conv, x, delta, e, out))
    };
    (0..case.m).map(of).collect()
}

fn selections<T: Real + Default>(conv: Convolution, m: usize) {
    let case = Case::<T>::new(conv, m);
    let ([x, _, delta], isa) = (case.views(), Isa::detect());
    let gradients = examples(&case);
    for (e, found) in gradients.iter().enumerate() {
        let mut expected = vec![T::zero(); conv.weights()];
        convolution::per_example(isa, &conv, &case.x, &case.delta, e, &mut expected);
        assert_near(found, &expected, &case.context());
    }
    let column = |at: usize| gradients.iter().map(|g| g[at].widen()).collect::<Vec<_>>();
    let coordinates = 0..conv.weights();
    let rate = T::narrow(0.25);
    let stepped = |means: &[f64]| -> Vec<T> {
        case.weight.iter().zip(means).map(|(w, mean)| T::narrow(w.widen() - 0.25 * mean)).collect()
    };
    let agrees = |rule: OrderStatistics, of: &dyn Fn(&[f64]) -> f64| {
        let context = format!("{rule:?}, {}", case.context());
        let means: Vec<_> = coordinates.clone().map(|at| of(&column(at))).collect();
        let found = written(&case.weight, |out| {
            robust_mean(engine(), &conv, [x, delta], rule, out);
        });
        let expected: Vec<_> = means.iter().map(|&mean| T::narrow(mean)).collect();
        assert_near(&found, &expected, &context);
        let found = written(&case.weight, |weight| {
            robust_step(engine(), &conv, [x, delta], rule, rate, weight);
        });
        assert_near(&found, &stepped(&means), &context);
    };
    for c in 0..=m / 2 {
        agrees(OrderStatistics::new(Winsorized { clip: c }, m), &|values| winsorized(values, c));
        if 2 * c < m {
            agrees(OrderStatistics::new(Trimmed { trim: c }, m), &|values| trimmed(values, c));
        }
    }
    for k in 1..=m {
        let sums = |at: usize| {
            let column = column(at);
            groups(m, k).map(|group| column[group].iter().sum::<f64>()).collect::<Vec<_>>()
        };
        let medians: Vec<_> = coordinates.clone().map(|at| median(&sums(at))).collect();
        let found = written(&case.weight, |weight| {
            median_of_sums_step(engine(), &conv, [x, delta], k, rate, weight);
        });
        assert_near(&found, &stepped(&medians), &format!("{k} groups, {}", case.context()));
    }
}

#[test]
fn selections_are_those_of_the_gradients() {
    for conv in settings() {
        for m in [1, 2, 5] {
            selections::<f32>(conv, m);
            selections::<f64>(conv, m);
        }
    }
}

#[test]
fn many_blocks_and_channels_are_computed() {
    let dense = Convolution { padding: [1, 1], ..Convolution::new([17, 19], 20, 24, [3, 3]) };
    let depthwise = Convolution { outputs: 40, channels: 40, groups: 40, ..dense };
    for conv in [dense, depthwise] {
        products::<f64>(conv, 3);
        selections::<f32>(conv, 3);
    }
}

/// Norms of rows that several blocks share.
#[test]
fn long_gradients_are_squared_by_several_blocks() {
    products::<f64>(Convolution::new([3, 3], 50, 120, [3, 3]), 2);
}

#[test]
fn without_examples_the_gradient_is_zero() {
    let case = Case::<f32>::new(Convolution::new([3, 3], 1, 2, [2, 2]), 0);
    let [x, _, delta] = case.views();
    let zero =
        written(&case.weight, |out| gradient(engine(), &case.conv, x, delta, OUTPUTS[0], out));
    assert_eq!(zero, vec![0.0; zero.len()]);
    let same =
        written(&case.weight, |out| gradient(engine(), &case.conv, x, delta, OUTPUTS[1], out));
    assert_eq!(same, case.weight);
}

#[test]
fn nan_spreads_to_what_it_touches_alone() {
    let conv = Convolution::new([1, 4], 1, 1, [1, 2]);
    let (x, weight) = (upload(&[f32::NAN, 1.0, 2.0, 3.0]), upload(&[1.0, 10.0]));
    let found = written(&[0.0; 3], |out| {
        forward(engine(), &conv, x.view(), weight.view(), OUTPUTS[0], out);
    });
    assert!(found[0].is_nan());
    assert_eq!(found[1..], [21.0, 32.0]);
}

#[test]
#[should_panic(expected = "example 2 of 2")]
fn an_example_beyond_the_batch_is_refused() {
    let case = Case::<f32>::new(Convolution::new([3, 3], 1, 2, [2, 2]), 2);
    let [x, _, delta] = case.views();
    written(&case.weight, |out| per_example(engine(), &case.conv, x, delta, 2, out));
}

#[test]
#[should_panic(expected = "no batch of one size")]
fn batches_of_two_sizes_are_refused() {
    let case = Case::<f32>::new(Convolution::new([3, 3], 1, 2, [2, 2]), 2);
    let [x, _, delta] = case.views();
    let x = x.part(0..9);
    written(&case.weight, |out| gradient(engine(), &case.conv, x, delta, OUTPUTS[0], out));
}

#[test]
#[should_panic(expected = "the number of values")]
fn a_weight_of_another_size_is_refused() {
    let case = Case::<f32>::new(Convolution::new([3, 3], 1, 2, [2, 2]), 1);
    let [x, weight, _] = case.views();
    let weight = weight.part(0..7);
    written(&case.delta, |out| forward(engine(), &case.conv, x, weight, OUTPUTS[0], out));
}

#[test]
#[should_panic(expected = "clip")]
fn more_clipped_values_than_examples_are_refused() {
    let case = Case::<f32>::new(Convolution::new([3, 3], 1, 2, [2, 2]), 2);
    let [x, _, delta] = case.views();
    written(&case.weight, |out| {
        robust_mean(engine(), &case.conv, [x, delta], Winsorized { clip: 2 }, out)
    });
}
