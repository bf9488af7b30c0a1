//! Normalised and augmented images.

use coherence_data::augment::{Augmentation, Augmented};
use coherence_data::cifar::Cifar;
use coherence_data::{Dataset, Images, Normalization, Normalized, Split, random};
use proptest::prelude::*;

/// Two images of 32 × 32 whose pixels all differ from black.
fn images() -> Images {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.bin");
    let record = |seed: usize| (0..3072).map(move |k| (1 + (k * k + seed) % 255) as u8);
    let content: Vec<u8> = [3].into_iter().chain(record(1)).chain([4]).chain(record(9)).collect();
    std::fs::write(&path, content).unwrap();
    Cifar::Ten.read(&path, Split::Train).unwrap()
}

fn image(data: &impl Dataset, i: usize) -> Vec<f32> {
    let mut values = vec![f32::NAN; data.shape().features()];
    assert_eq!(data.get(i, &mut values).unwrap(), data.target(i));
    values
}

#[test]
fn each_channel_has_its_mean_and_deviation() {
    let data = images();
    let by: Normalization = "0.1,0.2,0.3/1,2,4".parse().unwrap();
    let normalized = image(&Normalized::new(&data, by.clone()).unwrap(), 1);
    let expected = |(k, x): (usize, f32)| (x - by.mean()[k % 3]) / by.deviation()[k % 3];
    assert_eq!(
        normalized,
        image(&data, 1).into_iter().enumerate().map(expected).collect::<Vec<_>>()
    );
    let one = Normalized::new(&data, "0.5/0.25".parse().unwrap()).unwrap();
    let three = Normalized::new(&data, "0.5,0.5,0.5/0.25,0.25,0.25".parse().unwrap()).unwrap();
    assert_eq!(image(&one, 0), image(&three, 0));
    assert_eq!(by.to_string(), "0.1,0.2,0.3/1,2,4");
    for name in ["imagenet", "cifar10", "mnist"] {
        let by: Normalization = name.parse().unwrap();
        assert_eq!(by, by.to_string().parse().unwrap());
    }
}

#[test]
fn what_is_no_normalisation_is_refused() {
    for text in ["", "0.1", "0.1/", "/0.3", "0.1/x", "imagenet2", "1,/2,3"] {
        let error = text.parse::<Normalization>().unwrap_err().to_string();
        assert!(error.contains("write imagenet, cifar10, mnist"), "{text}: {error}");
    }
    let refused = |text: &str| text.parse::<Normalization>().unwrap_err().to_string();
    assert!(refused("0.1,0.2/1").starts_with("2 means and 1 standard deviations"));
    assert!(refused("inf/1").starts_with("a mean of inf"));
    for bad in ["0", "-1", "nan", "inf"] {
        assert!(refused(&format!("0/{bad}")).contains("must be positive and finite"), "{bad}");
    }
    let error = Normalized::new(images(), "1,2/1,2".parse().unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("2 means for images of 3 channels"));
}

proptest! {
    #![proptest_config(coherence_tests::cases(200))]

    /// The stream is drawn again and the crop made by a naive loop over a padded image.
    #[test]
    fn a_crop_is_a_window_of_the_padded_image(
        padding in 0_usize..40, flip: bool, seed: u64, epoch: u64, i in 0_usize..2,
    ) {
        let data = images();
        let augmented = Augmented::new(&data, Augmentation { padding, flip }, seed, epoch);
        let mut rng = random::stream(seed, &format!("augment.{epoch}.{i}"));
        let [top, left] =
            [(); 2].map(|()| random::below(&mut rng, 2 * padding as u64 + 1) as usize);
        let is_mirrored = flip && random::unit(&mut rng) < 0.5;
        let side = 32 + 2 * padding;
        let mut padded = vec![0.0; side * side * 3];
        let original = image(&data, i);
        for y in 0..32 {
            for x in 0..96 {
                padded[(y + padding) * side * 3 + 3 * padding + x] = original[y * 96 + x];
            }
        }
        let mut expected = Vec::new();
        for y in 0..32 {
            for x in 0..32 {
                let x = if is_mirrored { 31 - x } else { x };
                expected.extend_from_slice(&padded[((y + top) * side + x + left) * 3..][..3]);
            }
        }
        prop_assert_eq!(image(&augmented, i), expected);

        // Normalising before and after is the same.
        let by: Normalization = "0.1,0.2,0.3/1,2,4".parse().unwrap();
        let of = Augmentation { padding, flip };
        let before = Augmented::new(Normalized::new(&data, by.clone()).unwrap(), of, seed, epoch);
        let after = Normalized::new(&augmented, by).unwrap();
        prop_assert_eq!(image(&before, i), image(&after, i));
    }
}

#[test]
fn augmentations_are_read_as_they_are_written_and_others_are_refused() {
    for text in ["crop:4", "flip", "crop:4,flip"] {
        assert_eq!(text.parse::<Augmentation>().unwrap().to_string(), text);
    }
    for text in
        ["", "crop", "crop:", "crop:0", "crop:-1", "crop:99999", "flip,crop:4", "crop:4flip"]
    {
        let error = text.parse::<Augmentation>().unwrap_err().to_string();
        assert!(error.contains("write crop:PADDING"), "{text}: {error}");
    }
}

#[test]
fn crops_and_flips_are_uniform() {
    let data = images();
    let by = Augmentation { padding: 1, flip: true };
    let mut counts = std::collections::HashMap::new();
    for epoch in 0..1800 {
        let values = image(&Augmented::new(&data, by, 7, epoch), 0);
        *counts.entry(values.iter().map(|x| x.to_bits()).collect::<Vec<_>>()).or_insert(0) += 1;
    }
    // 3 × 3 places, mirrored or not: each about 100 times, with a deviation of 10.
    assert_eq!(counts.len(), 18);
    assert!(counts.values().all(|count| (55..145).contains(count)), "{:?}", counts.values());
}
