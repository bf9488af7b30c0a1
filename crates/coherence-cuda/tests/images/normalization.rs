//! Normalisation: what the processor computes, to the rounding of the element type.

use crate::common::{OUTPUTS, assert_close, assert_same_bits, numbers, written};
use crate::engine::{Tested, download, engine, upload};
use coherence_cpu::{
    Element, Isa,
    normalize::{Standardization, batch, group, group::Groups, moments},
};
use coherence_cuda::{
    Buffer, Real,
    normalization::{
        StandardizationView, backward_evaluation, backward_training, batch_example_gradients,
        batch_forward, batch_gradients, batch_moments, group_backward, group_example_gradients,
        group_forward, group_moments, inverse_deviations, narrow, running_moments, update_running,
    },
};

const EPSILON: f64 = 1e-3;

fn tolerance<T: Element>() -> f64 {
    match size_of::<T>() {
        4 => 2e-6,
        _ => 1e-13,
    }
}

#[track_caller]
fn assert_near<T: Element>(found: &[T], expected: &[T], context: &str) {
    assert_close(found, expected, tolerance::<T>(), context);
}

/// Statistics on the device.
struct OnDevice([Buffer<f64, Tested>; 2]);

impl OnDevice {
    fn new(by: &Standardization) -> Self {
        Self([by.mean(), by.inverse()].map(upload))
    }

    fn view(&self) -> StandardizationView<'_> {
        let [mean, inverse] = self.0.each_ref().map(Buffer::view);
        StandardizationView { mean, inverse }
    }
}

/// Two results of `write`, each of `len` zeros before.
fn two<V: Copy + Default + 'static>(
    len: usize,
    write: impl FnOnce([coherence_cuda::ViewMut<'_, V>; 2]),
) -> [Vec<V>; 2] {
    let mut results = [(); 2].map(|()| Buffer::zeros(engine(), len));
    write(results.each_mut().map(Buffer::view_mut));
    results.each_ref().map(download)
}

fn batches<T: Real + Default>(m: usize, positions: usize, c: usize) {
    let rows = m * positions;
    let context = format!("[{m}, {positions}, {c}]");
    // Means far from zero: variances of x² − mean² would cancel.
    let x: Vec<T> = numbers::<f64>(1, rows * c).into_iter().map(|x| T::narrow(x + 40.0)).collect();
    let (delta, affine) = (numbers::<T>(2, rows * c), numbers::<T>(3, 2 * c));
    let (on_x, on_delta, on_affine) = (upload(&x), upload(&delta), upload(&affine));
    let (scale, shift) = affine.split_at(c);
    let on_scale = on_affine.view().part(0..c);

    let (mut mean, mut variance) = (vec![0.0; c], vec![0.0; c]);
    moments(Isa::detect(), &x, &mut mean, &mut variance);
    let [of_mean, of_variance] = two(c, |[mean, variance]| {
        batch_moments(engine(), on_x.view(), mean, variance);
    });
    assert_close(&of_mean, &mean, 1e-13, &context);
    assert_close(&of_variance, &variance, 1e-11, &context);
    let by = Standardization::from_moments(mean.clone(), &variance, EPSILON);
    let on_variance = upload(&variance);
    let inverse = written(&vec![0.0; c], |out| {
        inverse_deviations(engine(), on_variance.view(), EPSILON, out);
    });
    assert_same_bits(&inverse, by.inverse(), &context);
    let on_by = OnDevice::new(&by);

    let mut out = vec![T::zero(); x.len()];
    batch::forward(Isa::detect(), &x, &by, scale, shift, &mut out);
    let found = written(&x, |out| {
        batch_forward(engine(), on_x.view(), on_by.view(), on_affine.view(), out);
    });
    assert_same_bits(&found, &out, &context);

    let [mut of_scale, mut of_shift] = [vec![0.0; c], vec![0.0; c]];
    batch::gradients(Isa::detect(), &x, &delta, &by, &mut of_scale, &mut of_shift);
    let found = two(c, |gradients| {
        batch_gradients(engine(), [on_x.view(), on_delta.view()], on_by.view(), gradients);
    });
    assert_close(&found[0], &of_scale, 1e-12, &context);
    assert_close(&found[1], &of_shift, 1e-12, &context);

    let gradients = [&of_scale, &of_shift].map(|sums| upload(sums));
    for output in OUTPUTS {
        let mut out = numbers::<T>(4, x.len());
        let found = written(&out, |out| {
            let (inputs, sums) =
                ([on_x.view(), on_delta.view()], gradients.each_ref().map(Buffer::view));
            backward_training(engine(), inputs, on_by.view(), on_scale, sums, output, out);
        });
        let sums = (&of_scale[..], &of_shift[..]);
        batch::backward_training(Isa::detect(), [&x, &delta], &by, scale, sums, output, &mut out);
        assert_same_bits(&found, &out, &context);

        let mut out = numbers::<T>(4, x.len());
        let found = written(&out, |out| {
            backward_evaluation(engine(), on_delta.view(), on_by.view(), on_scale, output, out);
        });
        batch::backward_evaluation(Isa::detect(), &delta, &by, scale, output, &mut out);
        assert_same_bits(&found, &out, &context);
    }

    let [mut of_scale, mut of_shift] = [(); 2].map(|()| vec![T::zero(); m * c]);
    batch::example_gradients(Isa::detect(), &x, &delta, &by, &mut of_scale, &mut of_shift);
    let found = two(m * c, |rows| {
        batch_example_gradients(engine(), [on_x.view(), on_delta.view()], on_by.view(), rows);
    });
    assert_near(&found[0], &of_scale, &context);
    assert_near(&found[1], &of_shift, &context);
}

#[test]
fn batch_normalisation_is_that_of_the_processor() {
    for (m, positions, c) in [(1, 1, 1), (3, 5, 3), (2, 300, 33), (5, 1, 70), (4, 1000, 2)] {
        batches::<f32>(m, positions, c);
        batches::<f64>(m, positions, c);
    }
}

#[test]
fn many_channels_and_many_rows_are_summed() {
    batches::<f64>(2, 2, 700);
    batches::<f64>(1, 70_000, 1);
}

#[test]
fn moments_without_rows_are_nan_and_gradients_zero() {
    let empty = upload::<f32>(&[]);
    let [mean, variance] = two(3, |[mean, variance]| {
        batch_moments(engine(), empty.view(), mean, variance);
    });
    assert!(mean.iter().chain(&variance).all(|x| x.is_nan()));
    let on_by = OnDevice::new(&Standardization::from_moments(vec![1.0; 3], &[1.0; 3], EPSILON));
    let inputs = [empty.view(), empty.view()];
    let sums = two(3, |gradients| batch_gradients(engine(), inputs, on_by.view(), gradients));
    assert_eq!(sums, [[0.0; 3]; 2]);
    let rows = two(6, |rows| batch_example_gradients(engine(), inputs, on_by.view(), rows));
    assert_eq!(rows, [[0.0; 6]; 2]);
}

#[test]
fn running_moments_have_the_bits_of_the_processor() {
    let statistics: Vec<f32> = numbers(5, 600).iter().map(|x: &f32| x + 2.0).collect();
    let [mean, variance] = [6, 7].map(|seed| numbers::<f64>(seed, 300));
    let (on_statistics, on_mean, on_variance) =
        (upload(&statistics), upload(&mean), upload(&variance));
    let found = two(300, |[mean, inverse]| {
        running_moments(engine(), on_statistics.view(), EPSILON, mean, inverse);
    });
    let wide: Vec<f64> = statistics.iter().map(|x| x.widen()).collect();
    let by = Standardization::from_moments(wide[..300].to_vec(), &wide[300..], EPSILON);
    assert_same_bits(&found[0], by.mean(), "means");
    assert_same_bits(&found[1], by.inverse(), "inverse deviations");

    let found = written(&statistics, |running| {
        update_running(engine(), [on_mean.view(), on_variance.view()], 5, 0.3, running);
    });
    let mut expected = statistics.clone();
    let (means, variances) = expected.split_at_mut(300);
    batch::update_running((means, variances), (&mean, &variance), 5, 0.3);
    assert_same_bits(&found, &expected, "running moments");
}

fn groups<T: Real + Default>(layout: Groups, m: usize, items: usize) {
    let (n, c) = (m * items, layout.channels());
    let (len, statistics) = (n * layout.positions() * c, n * layout.groups());
    let context = format!("{n} items, {layout:?}");
    let x: Vec<T> = numbers::<f64>(1, len).into_iter().map(|x| T::narrow(x + 10.0)).collect();
    let (delta, affine) = (numbers::<T>(2, len), numbers::<T>(3, 2 * c));
    let (on_x, on_delta, on_affine) = (upload(&x), upload(&delta), upload(&affine));
    let (scale, shift) = affine.split_at(c);

    let (mut mean, mut variance) = (vec![0.0; statistics], vec![0.0; statistics]);
    group::moments(Isa::detect(), layout, &x, &mut mean, &mut variance);
    let found = two(statistics, |[mean, variance]| {
        group_moments(engine(), layout, on_x.view(), mean, variance);
    });
    assert_close(&found[0], &mean, 1e-13, &context);
    assert_close(&found[1], &variance, 1e-11, &context);
    let by = Standardization::from_moments(mean, &variance, EPSILON);
    let on_by = OnDevice::new(&by);

    let mut out = vec![T::zero(); len];
    group::forward(Isa::detect(), layout, &x, &by, scale, shift, &mut out);
    let found = written(&x, |out| {
        group_forward(engine(), layout, on_x.view(), on_by.view(), on_affine.view(), out);
    });
    let by_size = |of_f32, of_f64| if size_of::<T>() == 4 { of_f32 } else { of_f64 };
    assert_close(&found, &out, by_size(2e-4, 1e-11), &context);

    for output in OUTPUTS {
        let mut out = numbers::<T>(4, len);
        let found = written(&out, |out| {
            let (inputs, scale) = ([on_x.view(), on_delta.view()], on_affine.view().part(0..c));
            group_backward(engine(), layout, inputs, on_by.view(), scale, output, out);
        });
        group::backward(Isa::detect(), layout, [&x, &delta], &by, scale, output, &mut out);
        assert_close(&found, &out, by_size(1e-4, 1e-11), &context);
    }

    let [mut of_scale, mut of_shift] = [(); 2].map(|()| vec![T::zero(); m * c]);
    group::example_gradients(Isa::detect(), layout, &x, &delta, &by, &mut of_scale, &mut of_shift);
    let found = two(m * c, |rows| {
        group_example_gradients(
            engine(),
            layout,
            [on_x.view(), on_delta.view()],
            on_by.view(),
            rows,
        );
    });
    assert_near(&found[0], &of_scale, &context);
    assert_near(&found[1], &of_shift, &context);
}

#[test]
fn group_normalisation_is_that_of_the_processor() {
    let layout =
        |positions, channels, groups| Groups::new(positions, channels, groups).expect("groups");
    let settings = [
        (layout(1, 1, 1), 1, 1),
        (layout(5, 6, 3), 3, 1),
        (layout(300, 4, 2), 2, 1),
        (layout(1, 8, 4), 3, 2),
        (layout(1, 600, 1), 2, 3),
        (layout(7, 5, 5), 0, 1),
        (layout(7, 5, 5), 4, 1),
    ];
    for (layout, m, items) in settings {
        groups::<f32>(layout, m, items);
        groups::<f64>(layout, m, items);
    }
}

#[test]
fn numbers_are_narrowed_to_the_nearest() {
    let wide = [0.1, -1e300, 1e-60, f64::NAN, 1.0 + f64::from(f32::EPSILON) / 3.0];
    let on_wide = upload(&wide);
    let found = written(&[0.0f32; 5], |to| narrow(engine(), on_wide.view(), OUTPUTS[0], to));
    assert_same_bits(&found, &wide.map(|x| x as f32), "narrow");
}

#[test]
#[should_panic(expected = "the number of values")]
fn statistics_of_other_items_are_refused() {
    let layout = Groups::layer(2).expect("groups");
    let (x, affine) = (upload(&[0.0f32; 4]), upload(&[0.0f32; 4]));
    let by = OnDevice::new(&Standardization::from_moments(vec![0.0], &[1.0], 0.0));
    written(&[0.0f32; 4], |out| {
        group_forward(engine(), layout, x.view(), by.view(), affine.view(), out);
    });
}

#[test]
#[should_panic(expected = "the unbiased variance of 1 rows")]
fn running_moments_of_one_row_are_refused() {
    let [mean, variance] = [[0.0], [1.0]].map(|x| upload(&x));
    let moments = [mean.view(), variance.view()];
    written(&[0.0f32; 2], |running| update_running(engine(), moments, 1, 0.1, running));
}
