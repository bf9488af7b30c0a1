//! Values moved and scaled, against loops over the definitions.

use crate::common::{OUTPUTS, assert_same_bits, numbers, written};
use crate::engine::{engine, upload};
use coherence_cpu::product::Output;
use coherence_cuda::arrangement::{
    Subsampling, put_channels, scale_channels, scale_channels_backward, scale_channels_gradient,
    subsample, subsample_backward, take_channels,
};

/// `term`, or with [`Output::Add`] what was there plus it.
fn result(output: Output, before: f64, term: f64) -> f64 {
    match output {
        Output::Overwrite => term,
        Output::Add => before + term,
    }
}

#[test]
fn channels_are_put_and_taken() {
    for (rows, whole, range) in [(0, 3, 1..2), (1, 1, 0..1), (700, 5, 1..4), (3, 300, 299..300)] {
        for output in OUTPUTS {
            let x = numbers::<f64>(1, rows * range.len());
            let all = numbers::<f64>(2, rows * whole);
            let (mut expected, mut taken) = (all.clone(), x.clone());
            for (r, (x, taken)) in
                x.chunks(range.len()).zip(taken.chunks_mut(range.len())).enumerate()
            {
                for (j, channel) in range.clone().enumerate() {
                    let at = r * whole + channel;
                    expected[at] = result(output, all[at], x[j]);
                    taken[j] = result(output, x[j], all[at]);
                }
            }
            let (on_x, on_all) = (upload(&x), upload(&all));
            let channels = (whole, range.clone());
            let found = written(&all, |out| {
                put_channels(engine(), channels.clone(), on_x.view(), output, out);
            });
            assert_same_bits(&found, &expected, &format!("put {rows} rows"));
            let found =
                written(&x, |out| take_channels(engine(), channels, on_all.view(), output, out));
            assert_same_bits(&found, &taken, &format!("taken {rows} rows"));
        }
    }
}

#[test]
fn images_are_subsampled() {
    let settings =
        [([5, 7, 3], [3, 4, 8], 2, 2), ([4, 4, 2], [2, 1, 2], 3, 0), ([1, 1, 1], [1, 1, 2], 1, 1)];
    for (input, to, stride, before) in settings {
        let sizes = Subsampling { input, output: to, stride, before };
        let [image, of_z]: [usize; 2] = [input, to].map(|sizes| sizes.iter().product());
        for (m, output) in [0, 1, 5].into_iter().flat_map(|m| OUTPUTS.map(|output| (m, output))) {
            let (a, z) = (numbers::<f64>(3, m * image), numbers::<f64>(4, m * of_z));
            let mut expected = vec![0.0; z.len()];
            let mut backward = if output == Output::Add { a.clone() } else { vec![0.0; a.len()] };
            for (e, y, x, j) in positions(m, to[0], to[1], input[2]) {
                let from = ((e * input[0] + stride * y) * input[1] + stride * x) * input[2] + j;
                let at = ((e * to[0] + y) * to[1] + x) * to[2] + before + j;
                expected[at] = a[from];
                backward[from] += z[at];
            }
            let (on_a, on_z) = (upload(&a), upload(&z));
            let found = written(&z, |out| subsample(engine(), &sizes, on_a.view(), out));
            assert_same_bits(&found, &expected, &format!("{sizes:?}"));
            let found =
                written(&a, |out| subsample_backward(engine(), &sizes, on_z.view(), output, out));
            assert_same_bits(&found, &backward, &format!("backward {sizes:?}"));
        }
    }
}

fn positions(
    m: usize,
    height: usize,
    width: usize,
    channels: usize,
) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..m * height * width * channels).map(move |v| {
        let p = v / channels;
        (p / width / height, p / width % height, p % width, v % channels)
    })
}

#[test]
fn channels_are_scaled() {
    for (m, p, c) in [(0, 2, 3), (1, 1, 1), (3, 4, 5), (2, 300, 7)] {
        let [a, delta] = [5, 6].map(|seed| numbers::<f32>(seed, m * p * c));
        let s = numbers::<f32>(7, m * c);
        let factor = |v: usize| s[v / (p * c) * c + v % c];
        let (on_a, on_delta, on_s) = (upload(&a), upload(&delta), upload(&s));
        let sizes = [p * c, c];
        let found =
            written(&a, |out| scale_channels(engine(), sizes, on_a.view(), on_s.view(), out));
        let expected: Vec<_> = a.iter().enumerate().map(|(v, a)| a * factor(v)).collect();
        assert_same_bits(&found, &expected, "forward");
        for output in OUTPUTS {
            let before = |x: f32| if output == Output::Add { x } else { 0.0 };
            let found = written(&a, |out| {
                scale_channels_backward(engine(), sizes, on_delta.view(), on_s.view(), output, out);
            });
            let values = a.iter().zip(&delta).enumerate();
            let expected: Vec<_> = values.map(|(v, (a, d))| before(*a) + d * factor(v)).collect();
            assert_same_bits(&found, &expected, "backward");
            let found = written(&s, |out| {
                scale_channels_gradient(engine(), sizes, on_delta.view(), on_a.view(), output, out);
            });
            let mut expected: Vec<_> = s.iter().map(|s| before(*s)).collect();
            for (v, (a, delta)) in a.iter().zip(&delta).enumerate() {
                expected[v / (p * c) * c + v % c] += delta * a;
            }
            assert_same_bits(&found, &expected, "gradient");
        }
    }
}

#[test]
#[should_panic(expected = "images of")]
fn images_of_another_size_are_refused() {
    let (a, z) = (upload(&[0.0f32; 8]), [0.0f32; 9]);
    let sizes = Subsampling { input: [2, 2, 2], output: [2, 2, 2], stride: 1, before: 0 };
    written(&z, |out| subsample(engine(), &sizes, a.view(), out));
}

#[test]
#[should_panic(expected = "Subsampling")]
fn positions_beyond_the_image_are_refused() {
    let (a, z) = (upload(&[0.0f32; 8]), [0.0f32; 8]);
    let sizes = Subsampling { input: [2, 2, 2], output: [2, 2, 2], stride: 2, before: 0 };
    written(&z, |out| subsample(engine(), &sizes, a.view(), out));
}

#[test]
#[should_panic(expected = "rows of 3 channels")]
fn rows_of_another_length_are_refused() {
    let x = upload(&[0.0f32; 5]);
    written(&[0.0; 9], |out| put_channels(engine(), (3, 0..2), x.view(), Output::Overwrite, out));
}
