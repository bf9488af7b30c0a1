//! Laws of the wrappers: what noise changes, what it keeps, and that it is a pure function.

use coherence_data::noise::{LabelNoise, PixelNoise};
use coherence_data::select::{Subset, split};
use coherence_data::{Dataset, Designation, Images, Target, digits, idx};
use proptest::prelude::*;

/// `count` images of 2 × 2 in `classes` classes; pixel and label of example i follow from i.
fn small(count: usize, classes: usize) -> Images {
    let pixels = (0..count * 4).map(|i| (i * 37 % 256) as u8).collect();
    let labels = (0..count).map(|i| (i * i % classes) as u8).collect();
    let images = idx::Array { dims: [count, 2, 2], values: pixels };
    Images::new(images, idx::Array { dims: [count], values: labels }, classes).unwrap()
}

fn targets(data: &impl Dataset) -> Vec<Target> {
    (0..data.len()).map(|i| data.target(i)).collect()
}

fn images(data: &impl Dataset) -> Vec<Vec<f32>> {
    let read = |i| {
        let mut image = vec![0.0; data.shape().features()];
        let target = data.get(i, &mut image).unwrap();
        assert_eq!(target, data.target(i), "get and target agree");
        image
    };
    (0..data.len()).map(read).collect()
}

fn corrupt(data: &impl Dataset) -> Vec<bool> {
    targets(data).iter().map(|t| t.designation == Designation::Corrupt).collect()
}

fn histogram(data: &impl Dataset) -> Vec<usize> {
    let mut counts = vec![0; data.classes()];
    targets(data).iter().for_each(|t| counts[t.label as usize] += 1);
    counts
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn permuting_keeps_the_class_histogram(n in 0_usize..60, c in 1_usize..6, p in 0.0..=1.0, seed: u64) {
        let clean = small(n, c);
        let noisy = LabelNoise::permute(&clean, p, seed).unwrap();
        prop_assert_eq!(histogram(&noisy), histogram(&clean));
    }

    #[test]
    fn corrupt_means_that_the_label_differs(n in 0_usize..60, c in 1_usize..6, p in 0.0..=1.0, seed: u64) {
        let clean = small(n, c);
        for noisy in [LabelNoise::permute(&clean, p, seed), LabelNoise::redraw(&clean, p, seed)] {
            let noisy = noisy.unwrap();
            let differs: Vec<bool> =
                targets(&noisy).iter().zip(targets(&clean)).map(|(a, b)| a.label != b.label).collect();
            prop_assert_eq!(corrupt(&noisy), differs);
            prop_assert_eq!(images(&noisy), images(&clean));
        }
    }

    #[test]
    fn no_noise_changes_nothing(n in 0_usize..60, c in 1_usize..6, seed: u64) {
        let clean = small(n, c);
        prop_assert_eq!(targets(&LabelNoise::permute(&clean, 0.0, seed).unwrap()), targets(&clean));
        prop_assert_eq!(targets(&LabelNoise::redraw(&clean, 0.0, seed).unwrap()), targets(&clean));
        let pixels = PixelNoise::gaussian(&clean, 0.0, seed).unwrap();
        prop_assert_eq!(targets(&pixels), targets(&clean));
        prop_assert_eq!(images(&pixels), images(&clean));
    }

    #[test]
    fn noise_is_a_function_of_its_arguments(n in 0_usize..40, p in 0.0..=1.0, seed: u64) {
        let clean = small(n, 5);
        let twice = [(); 2].map(|()| LabelNoise::permute(&clean, p, seed).unwrap());
        prop_assert_eq!(targets(&twice[0]), targets(&twice[1]));
        let twice = [(); 2].map(|()| LabelNoise::redraw(&clean, p, seed).unwrap());
        prop_assert_eq!(targets(&twice[0]), targets(&twice[1]));
        let twice = [(); 2].map(|()| PixelNoise::gaussian(&clean, p, seed).unwrap());
        prop_assert_eq!(images(&twice[0]), images(&twice[1]));
    }

    #[test]
    fn more_noise_includes_less_noise(n in 0_usize..40, p in 0.0..=1.0, q in 0.0..=1.0, seed: u64) {
        let clean = small(n, 5);
        let (less, more) = (f64::min(p, q), f64::max(p, q));
        let at = |p| LabelNoise::redraw(&clean, p, seed).unwrap();
        for (a, b) in targets(&at(less)).iter().zip(targets(&at(more))) {
            prop_assert!(a.designation == Designation::Pristine || *a == b);
        }
        let at = |p| PixelNoise::gaussian(&clean, p, seed).unwrap();
        let (less, more) = (at(less), at(more));
        let both = images(&less).into_iter().zip(images(&more)).zip(corrupt(&less));
        for ((a, b), replaced) in both {
            prop_assert!(!replaced || a == b);
        }
    }

    #[test]
    fn pixel_noise_replaces_images_and_keeps_labels(n in 0_usize..40, p in 0.0..=1.0, seed: u64) {
        let clean = small(n, 5);
        let noisy = PixelNoise::gaussian(&clean, p, seed).unwrap();
        let changed: Vec<bool> =
            images(&noisy).iter().zip(images(&clean)).map(|(a, b)| *a != b).collect();
        // A single image has little variance, but even then no deviate equals it exactly.
        prop_assert_eq!(changed, corrupt(&noisy));
        for (a, b) in targets(&noisy).iter().zip(targets(&clean)) {
            prop_assert_eq!(a.label, b.label);
        }
    }

    #[test]
    fn corruption_survives_further_wrapping(n in 0_usize..40, p in 0.0..=1.0, seed: u64) {
        let pixels = PixelNoise::gaussian(small(n, 5), p, seed).unwrap();
        let both = LabelNoise::redraw(&pixels, p, seed).unwrap();
        for ((both, pixels), clean) in
            targets(&both).iter().zip(targets(&pixels)).zip(targets(&small(n, 5)))
        {
            let expected = pixels.designation == Designation::Corrupt || both.label != clean.label;
            prop_assert_eq!(both.designation == Designation::Corrupt, expected);
        }
    }

    #[test]
    fn a_shuffle_is_a_permutation(n in 0_usize..60, seed: u64) {
        let clean = small(n, 5);
        let shuffled = Subset::shuffled(&clean, seed);
        let mut order = shuffled.indices().to_vec();
        order.sort_unstable();
        prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        for (place, &i) in shuffled.indices().iter().enumerate() {
            prop_assert_eq!(shuffled.target(place), clean.target(i));
        }
    }

    #[test]
    fn the_parts_of_a_split_make_the_whole(n in 0_usize..60, share in 0.0..=1.0) {
        let clean = small(n, 5);
        let at = (share * n as f64) as usize;
        let (first, rest) = split(&clean, at).unwrap();
        prop_assert_eq!(first.len(), at);
        let joined: Vec<_> = images(&first).into_iter().chain(images(&rest)).collect();
        prop_assert_eq!(joined, images(&clean));
    }

    #[test]
    fn a_sample_is_the_beginning_of_the_shuffle(n in 0_usize..60, count in 0_usize..70, seed: u64) {
        let clean = small(n, 5);
        match Subset::sample(&clean, count, seed) {
            Ok(sample) => {
                let all = Subset::shuffled(&clean, seed);
                prop_assert_eq!(sample.indices(), &all.indices()[..count]);
            }
            Err(error) => prop_assert!(count > n && error.len == n),
        }
    }
}

#[test]
fn a_share_outside_zero_to_one_is_refused() {
    for p in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(LabelNoise::permute(small(3, 2), p, 0).is_err(), "{p}");
        assert!(LabelNoise::redraw(small(3, 2), p, 0).is_err(), "{p}");
        let error = PixelNoise::gaussian(small(3, 2), p, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the share of noise is {p}, expected a number from 0 to 1")
        );
    }
}

#[test]
fn indices_out_of_range_are_refused() {
    let error = Subset::new(small(3, 2), vec![0, 3, 1]).unwrap_err();
    assert_eq!(error.to_string(), "index 3 is out of range: the data set has 3 examples");
    assert!(split(&small(3, 2), 4).is_err());
}

/// 2,000 test digits, ten classes, p = ½: 0.45 of the labels differ, with a standard deviation of
/// 0.011. Five of these are exceeded by chance once in 10⁶ seeds; the seed is fixed.
#[test]
fn nine_tenths_of_the_marked_labels_become_corrupt() {
    for noisy in [
        LabelNoise::permute(digits::test(), 0.5, 7).unwrap(),
        LabelNoise::redraw(digits::test(), 0.5, 7).unwrap(),
    ] {
        let share = corrupt(&noisy).iter().filter(|c| **c).count() as f64 / 2000.0;
        assert!((share - 0.45).abs() < 0.056, "{share}");
    }
}

/// The noise has the data's mean and variance: 1.6 million pixels, so the mean is within
/// 5 · 0.31 / √1.6e6 = 0.0013 and the deviation within 5 · 0.31 / √3.1e6 = 0.0009.
#[test]
fn pixel_noise_has_the_mean_and_variance_of_the_data() {
    let moments = |data: &dyn Dataset| {
        let all: Vec<f64> = images(&data).concat().into_iter().map(f64::from).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
        (mean, variance.sqrt())
    };
    let clean = digits::test();
    let (mean, deviation) = moments(&clean);
    let (noisy_mean, noisy_deviation) = moments(&PixelNoise::gaussian(&clean, 1.0, 7).unwrap());
    assert!((mean - noisy_mean).abs() < 0.0013, "{mean} {noisy_mean}");
    assert!((deviation - noisy_deviation).abs() < 0.0009, "{deviation} {noisy_deviation}");
}

/// Of more images than 65,536, mean and deviation are estimated from as many: their errors are below
/// 5 · 0.29 / √65,536 = 0.006, and those of the noise itself below 5 · 0.29 / √70,000.
#[test]
fn of_many_images_the_moments_are_those_of_a_sample() {
    let count = 70_000;
    let pixels = (0..count).map(|i| (i * 7919 % 251) as u8).collect();
    let images = idx::Array { dims: [count, 1, 1], values: pixels };
    let labels = idx::Array { dims: [count], values: vec![0; count] };
    let clean = Images::new(images, labels, 1).unwrap();
    let noisy = PixelNoise::gaussian(&clean, 1.0, 7).unwrap();
    let moments = |data: &dyn Dataset| {
        let all: Vec<f64> = images_of(data).into_iter().map(f64::from).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
        [mean, variance.sqrt()]
    };
    for (clean, noisy) in moments(&clean).into_iter().zip(moments(&noisy)) {
        assert!((clean - noisy).abs() < 0.012, "{clean} {noisy}");
    }
}

/// The pixels of images of one pixel.
fn images_of(data: &dyn Dataset) -> Vec<f32> {
    images(&data).concat()
}
